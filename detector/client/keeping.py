"""The deny list in a file of the broker's, for one that is started again while no sidecar answers.

The file decides who is denied, so it is believed only where nobody else could have written it: a regular file that
belongs to who reads it, and to nobody else. Its times are the broker's own clock.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from detector.client.denylist import MOST_BYTES, DenyList, Telling

PRIVATE: Final = 0o600
OTHERS: Final = 0o077


class _Kept(Struct):
    """What stands in the file."""

    told: Annotated[float, Meta(ge=0)]
    telling: Telling
    version: Literal[1] = 1


def keep(path: Path, known: DenyList) -> None:
    """Replace the file in one step, durably. Raises `OSError`."""
    if known.told is None:
        return
    body = msgspec.json.encode(_Kept(told=known.told, telling=known.telling()))
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def kept(path: Path) -> DenyList:
    """What stands in the file; nothing where there is none. Raises `OSError`, or `ValueError` if it is not believed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return DenyList()
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & OTHERS:
            raise ValueError("must be a file of this user's that nobody else may read or write: chmod 600 it")
        if status.st_size > MOST_BYTES:
            raise ValueError(f"is larger than {MOST_BYTES} bytes")
        body = file.read(MOST_BYTES)
    try:
        found = msgspec.json.decode(body, type=_Kept)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    return DenyList().taking(found.telling, now=found.told)
