"""Signed notes (C2SP signed-note): a text, an empty line, and signatures by any number of keys.

The text is not to be used before `signers` has found a known key under it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from detector.proof.keys import ID_BYTES, KeyRefused, Signer, Verifier, decoded, valid_name

DASH: Final = "\u2014 "
"""An em dash and a space: how a signature's line begins."""
MOST_SIGNATURES: Final = 100
"""The standard wants 16 at least; a note with hundreds only costs whoever checks it."""
MOST_BYTES: Final = 1_048_576
"""A hundred of the largest signatures there are, and a text, are less."""


class NoteRefused(Exception):
    """A note that is malformed, or that no known key signed; the text says which."""


class Signature(NamedTuple):
    """One signature's line: by the key of that name and id."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """As it stands in a note."""
        return f"{DASH}{self.name} {b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def signed(cls, text: str, *signers: Signer) -> Self:
        """The text, signed by each. Raises `ValueError` for a text that no note can hold."""
        if not text.endswith("\n") or _has_control(text):
            raise ValueError("a note's text ends in a newline and has no other control character")
        data = text.encode()
        return cls(text, tuple(Signature(key.name, key.verifier.id, key.sign(data)) for key in signers))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The note that `encoded` writes, whoever signed it. Raises `NoteRefused` for anything else."""
        if len(data) > MOST_BYTES:
            raise NoteRefused("too large for a note")
        try:
            whole = data.decode()
        except UnicodeDecodeError:
            raise NoteRefused("not UTF-8") from None
        if _has_control(whole):
            raise NoteRefused("there is a control character in it")
        text, found, lines = whole.rpartition("\n\n")
        if not found or not text or not lines.endswith("\n"):
            raise NoteRefused("no text, empty line and signatures one after another")
        given = lines.removesuffix("\n").split("\n")
        if len(given) > MOST_SIGNATURES:
            raise NoteRefused(f"more than {MOST_SIGNATURES} signatures")
        return cls(text + "\n", tuple(_signature(line) for line in given))

    def encoded(self) -> bytes:
        """The whole note."""
        return (self.text + "\n" + "".join(signature.line() for signature in self.signatures)).encode()

    def signers(self, known: Iterable[Verifier]) -> tuple[Verifier, ...]:
        """The known keys that signed it, each once; signatures of others are ignored.

        Raises `NoteRefused` where there is none, or where a known key's signature is not its own.
        """
        by_key = {(key.name, key.id): key for key in known}
        data, found = self.text.encode(), []
        for signature in self.signatures:
            key = by_key.get((signature.name, signature.key_id))
            if key is None:
                continue
            if not key.signed(data, signature.signature):
                raise NoteRefused(f"the signature by {_told(key)} is not over this text")
            if key not in found:
                found.append(key)
        if not found:
            raise NoteRefused(f"signed by {self.named()}, which is no key that is known here")
        return tuple(found)

    def named(self) -> str:
        """Who says to have signed it, in words."""
        return _listed([f"{signature.name}+{signature.key_id.hex()}" for signature in self.signatures])


def _told(key: Verifier) -> str:
    return f"{key.name}+{key.id.hex()}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not space or not valid_name(name):
        raise NoteRefused("a line below the text is no signature")
    try:
        data = decoded(encoded)
    except KeyRefused:
        raise NoteRefused("a signature is not base64") from None
    if len(data) <= ID_BYTES:
        raise NoteRefused("a signature is too short")
    return Signature(name, data[:ID_BYTES], data[ID_BYTES:])


def _has_control(text: str) -> bool:
    return any(char < " " and char != "\n" for char in text)
