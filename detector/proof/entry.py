"""What of an entry its leaf is the hash of: every column of its row, so that none can be changed unseen."""

from __future__ import annotations

from struct import Struct
from typing import Final

_HEAD: Final = Struct(">QdHH")


def entry_bytes(position: int, stamp: float, kind: str, name: str | None, body: bytes) -> bytes:
    r"""An entry's bytes, which no other entry has.

        position (8) | stamp (8) | kind's length (2) | id's length + 1, or 0 for none (2) | kind | id | body

    Big-endian; the stamp is an IEEE 754 double, texts are UTF-8, and what is left is the body as it was written.

    >>> entry_bytes(1, 0.0, "released", None, b"{}")[-10:]
    b'released{}'
    """
    told = kind.encode()
    if name is None:
        return _HEAD.pack(position, stamp, len(told), 0) + told + body
    named = name.encode()
    return _HEAD.pack(position, stamp, len(told), len(named) + 1) + told + named + body
