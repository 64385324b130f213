"""That one entry is in a log, as a document that whoever gets it checks by himself."""

from __future__ import annotations

import struct
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Sequence
from typing import Final, Self

import msgspec
from msgspec import Struct

from detector.proof.checkpoint import Checkpoint
from detector.proof.entry import entry_bytes
from detector.proof.keys import Verifier
from detector.proof.merkle import ProofRefused, included, leaf_hash
from detector.proof.note import Note

MOST_HASHES: Final = 64
"""In a path: one for each doubling of the largest log there can be."""

FORMAT: Final = "assayer-inclusion-1"


class Inclusion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry as the log holds it, the path from it to the root (base64), and the checkpoint that signs that root.

    `body` is the record's JSON, to the byte. `verifier_key` says which key signed; it proves nothing by itself: hold it
    against the one that the log's owner gave you.
    """

    format: str = FORMAT
    position: int
    stamp: float
    kind: str
    id: str | None
    body: str
    path: tuple[str, ...]
    checkpoint: str
    verifier_key: str

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The proof in a JSON document. Raises `ProofRefused` for another document."""
        try:
            found = msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProofRefused(f"not a proof of inclusion: {error}") from None
        if found.format != FORMAT:
            raise ProofRefused(f"not a proof of inclusion that this version of assayer reads ({FORMAT})")
        return found

    def encoded(self) -> bytes:
        """As a JSON document."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def checked(self, known: Iterable[Verifier]) -> Checkpoint:
        """The checkpoint, once one of the known keys signed it and the entry is under its root.

        Raises `NoteRefused` for the checkpoint, `ProofRefused` for the rest.
        """
        note = Note.parse(self.checkpoint.encode())
        note.signers(known)
        checkpoint = Checkpoint.of(note)
        if self.root(checkpoint.size) != checkpoint.root:
            raise ProofRefused(f"entry {self.position} is not as the log of {checkpoint.size} entries has it")
        return checkpoint

    def root(self, size: int) -> bytes:
        """The root that the entry and the path lead to in a log of so many entries. Raises `ProofRefused`."""
        try:
            data = entry_bytes(self.position, self.stamp, self.kind, self.id, self.body.encode())
        except (struct.error, UnicodeEncodeError) as error:
            raise ProofRefused(f"not an entry: {error}") from None
        return included(self.position - 1, size, leaf_hash(data), hashes(self.path))


def hashes(path: Sequence[str]) -> list[bytes]:
    """A path's hashes. Raises `ProofRefused` for what is none."""
    if len(path) > MOST_HASHES:
        raise ProofRefused(f"the path is longer than {MOST_HASHES} hashes")
    try:
        return [b64decode(found, validate=True) for found in path]
    except (NotBase64, ValueError):
        raise ProofRefused("a hash of the path is not base64") from None
