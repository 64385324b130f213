"""The keys that tokens are signed with: RSA, made on first use, private to the data directory, rotated in two steps.

Two are published at any time, the one that signs and the next: a receiver has seen a key before anything is signed
with it. The one before stays published until the next rotation, for tokens that are still on their way.
"""

from __future__ import annotations

import os
import stat
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from msgspec import Struct

from detector.signals.vocabulary import ALGORITHM

KEY_NAME: Final = "signals.keys"
BITS: Final = 2_048
"""The least that the CAEP interoperability profile takes. A signature takes a millisecond; with 4,096 it takes six."""

EXPONENT: Final = 65_537
KEPT: Final = 3
"""Published at most: the one before, the one that signs, the next."""


class KeysUnreadable(Exception):
    """The key file is not to be believed; the text says why."""


class _Kept(Struct, frozen=True):
    """What the file holds of one key. The last but one signs."""

    kid: str
    pem: str


class SigningKeys:
    """The keys in one file, 0600. Looked at again when the file has changed. Raises `KeysUnreadable`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._keys: list[tuple[str, RSAPrivateKey]] = []
        if not path.exists():
            _write(path, [_made(), _made()])
        self._look()

    def signing(self) -> tuple[str, RSAPrivateKey]:
        """The key that signs now, with its id."""
        self._look()
        return self._keys[-2]

    def jwks(self) -> dict[str, Any]:
        """The public keys, as a JSON Web Key Set (RFC 7517)."""
        self._look()
        return {"keys": [public_jwk(key) for _, key in self._keys]}

    def rotate(self) -> str:
        """Sign with the next key from now on, and publish another; gives the id of the one that signs."""
        kept = [*_read(self._path), _made()][-KEPT:]
        _write(self._path, kept)
        self._look()
        return kept[-2].kid

    def _look(self) -> None:
        try:
            status = self._path.stat()
        except OSError as error:
            raise KeysUnreadable(f"{self._path}: {error.strerror}") from None
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._seen:
            if status.st_mode & stat.S_IRWXO:
                raise KeysUnreadable(
                    f"{self._path}: others may read these keys; chmod 600 it, or remove it for new ones"
                )
            self._keys = [(kept.kid, _loaded(kept.pem, self._path)) for kept in _read(self._path)]
            self._seen = seen


def public_jwk(key: RSAPrivateKey) -> dict[str, str]:
    """The public half of a key as a JWK; its id is its thumbprint (RFC 7638)."""
    numbers = key.public_key().public_numbers()
    bare = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    return {**bare, "kid": _thumbprint(bare), "use": "sig", "alg": ALGORITHM}


def _thumbprint(bare: dict[str, str]) -> str:
    return _base64url(sha256(msgspec.json.encode(bare, order="sorted")).digest())


def _number(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _made() -> _Kept:
    key = generate_private_key(public_exponent=EXPONENT, key_size=BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return _Kept(public_jwk(key)["kid"], pem)


def _loaded(pem: str, path: Path) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise KeysUnreadable(f"{path}: {error}") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < BITS:
        raise KeysUnreadable(f"{path}: an RSA key of {BITS} bits at least is needed")
    return key


def _read(path: Path) -> list[_Kept]:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=list[_Kept])
    except (OSError, msgspec.DecodeError) as error:
        raise KeysUnreadable(f"{path}: {error}") from None
    if len(kept) < 2:  # noqa: PLR2004 - the one that signs, and the next
        raise KeysUnreadable(f"{path}: holds no two keys")
    return kept


def _write(path: Path, kept: list[_Kept]) -> None:
    """Write the file so that either the old or the new content is there, and nobody else ever reads it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(kept), indent=1))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
