"""Ed25519 keys of signed notes, as one line of text each: `name+id+key` to check with, `PRIVATE+KEY+…` to sign with.

A key is told by its name together with its id, which is four bytes of a hash: enough to find it, never to trust it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = b"\x01"
"""The signature type that C2SP signed-note assigns to Ed25519."""
SEED_BYTES: Final = 32
PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
ID_BYTES: Final = 4
_PRIVATE: Final = "PRIVATE+KEY+"


class KeyRefused(ValueError):
    """A text that is no key of ours; it says why, and never what stood in it."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name, and what it can tell: whether it signed a text."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The verifier that `text` writes. Raises `KeyRefused`.

        >>> Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").name
        'PeterNeumann'
        """
        name, key_id, key = _parted(vkey)
        found = cls(name, _of_type(key, PUBLIC_BYTES))
        if found.id.hex() != key_id:
            raise KeyRefused("the key's id is another key's")
        return found

    @property
    def id(self) -> bytes:
        """The first four bytes of the hash of name, type and key."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:ID_BYTES]

    def text(self) -> str:
        """As one line: what is handed to whoever is to check a log."""
        return f"{self.name}+{self.id.hex()}+{b64encode(ED25519 + self.public).decode()}"

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether this key made the signature over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under a name, made of 32 random bytes. Its repr does not show them."""

    name: str
    seed: bytes

    def __post_init__(self) -> None:
        if not valid_name(self.name):
            raise KeyRefused("a key's name is not empty, and has neither a space nor a plus in it")
        if len(self.seed) != SEED_BYTES:
            raise KeyRefused(f"a key is made of {SEED_BYTES} bytes")

    def __repr__(self) -> str:
        return f"<Signer {self.verifier.text()}>"

    @classmethod
    def parse(cls, skey: str) -> Self:
        """The signer that `text` writes. Raises `KeyRefused`."""
        if not skey.startswith(_PRIVATE):
            raise KeyRefused("not a private key")
        name, key_id, key = _parted(skey.removeprefix(_PRIVATE))
        found = cls(name, _of_type(key, SEED_BYTES))
        if found.verifier.id.hex() != key_id:
            raise KeyRefused("the key's id is another key's")
        return found

    @property
    def verifier(self) -> Verifier:
        """The key to check with."""
        return Verifier(self.name, self._key().public_key().public_bytes_raw())

    def text(self) -> str:
        """As one line, which is a secret."""
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{b64encode(ED25519 + self.seed).decode()}"

    def sign(self, text: bytes) -> bytes:
        """The signature over a text: 64 bytes, the same for the same text."""
        return self._key().sign(text)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def valid_name(name: str) -> bool:
    """Whether a key may be named so (C2SP signed-note, Format)."""
    return bool(name) and "+" not in name and not any(char.isspace() or char < " " for char in name)


def decoded(text: str) -> bytes:
    """What base64 holds, written as the standard writes it and in no other way. Raises `KeyRefused`."""
    try:
        found = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise KeyRefused("not base64") from None
    if b64encode(found).decode() != text:
        raise KeyRefused("not base64 as the standard writes it")
    return found


def _parted(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, key = rest.partition("+")
    if not valid_name(name):
        raise KeyRefused("a key's name is not empty, and has neither a space nor a plus in it")
    return name, key_id, decoded(key)


def _of_type(key: bytes, length: int) -> bytes:
    if key[:1] != ED25519:
        raise KeyRefused("not an Ed25519 key")
    if len(key) != 1 + length:
        raise KeyRefused(f"an Ed25519 key has {length} bytes, not {len(key) - 1}")
    return key[1:]
