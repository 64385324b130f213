"""That a log grew out of an older one, as a document that whoever kept the older one's checkpoint checks by himself."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from detector.proof.checkpoint import Checkpoint
from detector.proof.inclusion import hashes
from detector.proof.keys import Verifier
from detector.proof.merkle import ProofRefused, consistent
from detector.proof.note import Note


class Growth(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From a log of `old` entries to the one that the checkpoint signs: the hashes (base64) of what came to it."""

    old: int
    path: tuple[str, ...]
    checkpoint: str

    def checked(self, known: Iterable[Verifier], before: Checkpoint) -> Checkpoint:
        """The newer checkpoint, once a known key signed it and its log begins with the one `before` signs.

        Raises `NoteRefused` for the checkpoint, `ProofRefused` for the rest.
        """
        note = Note.parse(self.checkpoint.encode())
        note.signers(known)
        now = Checkpoint.of(note)
        if now.origin != before.origin or self.old != before.size:
            raise ProofRefused(f"not from the log {before.origin} of {before.size} entries on")
        if consistent(self.old, now.size, before.root, hashes(self.path)) != now.root:
            raise ProofRefused(f"the log of {now.size} entries does not begin with that of {self.old}")
        return now
