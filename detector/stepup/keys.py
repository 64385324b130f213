"""The key that seals what we hand out and take back: Ed25519, made on first use, private to the data directory."""

from __future__ import annotations

import os
import stat
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from detector.store.files import replace_private

KEY_NAME: Final = "step-up.key"

LARGEST: Final = 4_096
"""Bytes of a key file that are read: one key takes a few hundred."""


class SealKeysUnreadable(Exception):
    """The key file is not to be believed; the text says why."""


class SealKeys:
    """One key pair and its id, which is its thumbprint (RFC 7638).

    >>> keys = SealKeys(Ed25519PrivateKey.generate())
    >>> keys.jwks()["keys"][0]["kid"] == keys.kid
    True
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private
        self.public: Ed25519PublicKey = private.public_key()
        self._bare = {"crv": "Ed25519", "kty": "OKP", "x": _text(self.public.public_bytes_raw())}
        self.kid = _text(sha256(msgspec.json.encode(self._bare, order="sorted")).digest())

    @classmethod
    def fresh(cls) -> Self:
        """A new one that nobody else has."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def kept(cls, directory: Path) -> Self:
        """The one in a data directory, made where there is none. Raises `SealKeysUnreadable`.

        Remove the file for a new one: what the old one sealed is believed no longer.
        """
        path = directory / KEY_NAME
        try:
            return cls(_read(path))
        except FileNotFoundError:
            made = Ed25519PrivateKey.generate()
            encryption = serialization.NoEncryption()
            replace_private(
                path, made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
            )
            return cls(made)
        except OSError as error:
            raise SealKeysUnreadable(f"{path}: {error.strerror}") from None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public half as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [{**self._bare, "kid": self.kid, "use": "sig", "alg": "EdDSA"}]}


def _read(path: Path) -> Ed25519PrivateKey:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        exposed = os.fstat(file.fileno()).st_mode & stat.S_IRWXO
        pem = file.read(LARGEST)
    if exposed:
        raise SealKeysUnreadable(f"{path}: everybody may read this key; remove it, and a new one is made")
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise SealKeysUnreadable(f"{path}: holds no key; remove it, and a new one is made") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealKeysUnreadable(f"{path}: must hold an Ed25519 key; remove it, and a new one is made")
    return key


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
