"""A configured key set (RFC 7517), from a file or a URL: kept for a while, small, of asymmetric signing keys only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from detector.stepup.places import KeySetUnusable, check, is_url

LARGEST: Final = 65_536
"""Bytes of a key set: hundreds of keys fit."""

MOST_KEYS: Final = 64

LEAST_RSA_BITS: Final = 2_048

FETCH_SECONDS: Final = 3.0
"""For connecting, for each piece that arrives, and for all of them: whoever waits is a broker with a mint to make."""

KEPT_SECONDS: Final = 300.0
"""How long a set is believed without looking again."""

AGAIN_SECONDS: Final = 30.0
"""Between two looks for a key that is not in the set: strangers' tokens must not make us fetch for each of them."""

STALE_SECONDS: Final = 3_600.0
"""How long a set is believed that cannot be fetched again."""

FAMILIES: Final = {
    ("RSA", None): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""What a key may be used with. There is nothing symmetric in it, so a public key is never taken for a secret."""


class Key:
    """One public key, and the algorithms that may be used with it."""

    __slots__ = ("algorithms", "kid", "public")

    def __init__(self, kid: str, public: Any, algorithms: tuple[str, ...]) -> None:
        self.kid, self.public, self.algorithms = kid, public, algorithms


class KeySet:
    """Keys at `where`: a file, or an `https` URL (`http` on this machine alone). Nothing is fetched before it is asked.

    No redirect is followed and no proxy of the environment used: what is configured is what is asked.
    """

    def __init__(
        self,
        where: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises `KeySetUnusable` for a place that may not be asked."""
        self._where, self._monotonic = where, monotonic
        self._fetch = fetch or (_fetched if is_url(where) else _read)
        check(where)
        self._keys: tuple[Key, ...] = ()
        self._at = float("-inf")
        self._tried = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str | None) -> Key | None:
        """The key with this id, or the only one where none is named. Raises `KeySetUnusable`."""
        async with self._lock:
            now = self._monotonic()
            if now - self._at >= KEPT_SECONDS:
                await self._look(now)
            found = self._find(kid)
            if found is None and now - self._tried >= AGAIN_SECONDS:
                await self._look(now)
                found = self._find(kid)
            return found

    def _find(self, kid: str | None) -> Key | None:
        if kid is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.kid == kid), None)

    async def _look(self, now: float) -> None:
        self._tried = now
        try:
            self._keys = parsed(await asyncio.to_thread(self._fetch, self._where))
            self._at = now
        except KeySetUnusable:
            if now - self._at >= STALE_SECONDS:
                raise


def parsed(data: bytes) -> tuple[Key, ...]:
    """The usable keys of a set: asymmetric, for signing, long enough. Raises `KeySetUnusable`."""
    try:
        keys = msgspec.json.decode(data)["keys"]
        found = [_key(one) for one in keys[:MOST_KEYS]]
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError):
        raise KeySetUnusable("it is no JSON Web Key Set") from None
    return tuple(key for key in found if key is not None)


def _key(one: Any) -> Key | None:
    if not isinstance(one, dict):
        return None
    family = FAMILIES.get((str(one.get("kty")), one.get("crv")))
    stated = one.get("alg")
    if family is None or one.get("use", "sig") != "sig" or (stated is not None and stated not in family):
        return None
    try:
        public = jwt.PyJWK(
            {name: value for name, value in one.items() if name not in {"d", "alg"}}, algorithm=family[0]
        ).key
    except (jwt.PyJWKError, jwt.InvalidKeyError, ValueError):
        return None
    if isinstance(public, RSAPublicKey) and public.key_size < LEAST_RSA_BITS:
        return None
    return Key(str(one.get("kid", "")), public, family if stated is None else (str(stated),))


def _read(where: str) -> bytes:
    try:
        with Path(where).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise KeySetUnusable(f"{where}: {error.strerror}") from None
    return _small(data, where)


def _fetched(where: str) -> bytes:
    data, ends = bytearray(), time.monotonic() + FETCH_SECONDS
    try:
        with (
            httpx.Client(timeout=FETCH_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", where, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise KeySetUnusable(f"{where}: answered {answer.status_code}")
            for piece in answer.iter_bytes():
                data += piece
                if len(data) > LARGEST:
                    break
                if time.monotonic() > ends:
                    raise KeySetUnusable(f"{where}: takes longer than {FETCH_SECONDS:g} seconds")
    except httpx.HTTPError as error:
        raise KeySetUnusable(f"{where}: {type(error).__name__}") from None
    return _small(bytes(data), where)


def _small(data: bytes, where: str) -> bytes:
    if len(data) > LARGEST:
        raise KeySetUnusable(f"{where}: is larger than {LARGEST} bytes")
    return data
