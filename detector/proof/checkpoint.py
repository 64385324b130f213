"""Checkpoints (C2SP tlog-checkpoint): how large a log is and what its root is, as the text of a signed note."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self

from detector.proof.keys import KeyRefused, Signer, Verifier, decoded
from detector.proof.merkle import HASH_BYTES, LARGEST
from detector.proof.note import Note, NoteRefused

NEXT_KEY: Final = "next-key "
"""Begins the extension line of a rotation: the key that signs from here on, named by the one that signed so far.
The standard does not recommend extension lines, because monitors cannot audit them. This one needs no audit: it
is believed only where both keys signed it."""

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree's head: the log's name, how many leaves, the root over them, and lines of extensions."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def of(cls, note: Note) -> Self:
        """The checkpoint that a note's text is. Raises `NoteRefused` for another text."""
        origin, *rest = note.text.removesuffix("\n").split("\n")
        if not origin or len(rest) < 2 or not all(rest):  # noqa: PLR2004 - size and root
            raise NoteRefused("a checkpoint has at least three lines, and none is empty")
        size, root, *extensions = rest
        if not _SIZE.fullmatch(size) or int(size) > LARGEST:
            raise NoteRefused("the checkpoint's second line is no size")
        try:
            found = decoded(root)
        except KeyRefused:
            raise NoteRefused("the checkpoint's root is not base64") from None
        if len(found) != HASH_BYTES:
            raise NoteRefused(f"the checkpoint's root is not of {HASH_BYTES} bytes")
        return cls(origin, int(size), found, tuple(extensions))

    def text(self) -> str:
        """As a note's text.

        >>> Checkpoint("example.com/log", 0, bytes(32)).text().split()
        ['example.com/log', '0', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=']
        """
        return "\n".join([self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions, ""])

    def signed(self, *signers: Signer) -> Note:
        """As a note."""
        return Note.signed(self.text(), *signers)

    def naming(self, following: Verifier) -> Self:
        """The same, saying which key signs from here on."""
        return type(self)(self.origin, self.size, self.root, (f"{NEXT_KEY}{following.text()}",))

    def next_key(self) -> Verifier | None:
        """The key that signs from here on, where that changes. Raises `NoteRefused` for one that is none."""
        for line in self.extensions:
            if line.startswith(NEXT_KEY):
                try:
                    return Verifier.parse(line.removeprefix(NEXT_KEY))
                except KeyRefused as error:
                    raise NoteRefused(f"the key that is to follow: {error}") from None
        return None
