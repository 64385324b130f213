"""A fresh proof of the workload itself: a JWT that its own issuer signed for this one access request.

Any issuer of short-lived workload tokens will do (a SPIFFE JWT-SVID, a Kubernetes service account token, a CI job's ID
token): they take an audience from whoever asks, and the audience names the access request. So nobody can have had
the proof before, and it proves nothing elsewhere. It tells a thief who took a name or a token away from its workload;
it is worthless against one who sits on the workload.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import jwt

from detector.engine.recent import Recent
from detector.engine.tasks import Trust
from detector.stepup.key_sets import Key, KeySet
from detector.stepup.methods import Offered, Unsatisfied
from detector.stepup.places import KeySetUnusable

LONGEST: Final = 8_192
"""Characters of a proof: a service account token has about a thousand."""

SKEW_SECONDS: Final = 30.0
"""What the issuer's clock may be ahead of ours."""

REMEMBERED: Final = 50_000
"""Proofs that were used: more than are fresh at any time."""

FOREIGN: Final = frozenset({"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip"})
"""Header fields that bring a key along, say where to get one, or change what is signed: a proof with any is refused."""

NEEDED: Final = ("iss", "sub", "aud", "iat", "exp")


class WorkloadProof:
    """Checks such a proof against a configured key set, issuer and audience.

    `max_age_seconds` is how long ago it may have been issued.
    """

    trust: Trust = "automatic"

    def __init__(self, keys: KeySet, *, issuer: str, audience: str, max_age_seconds: float) -> None:
        self._keys, self._issuer, self._audience = keys, issuer, audience
        self._max_age = max_age_seconds
        self._used: Recent[bool] = Recent(REMEMBERED)

    async def answered_by(self, offered: Offered) -> str:
        """The workload, as its issuer names it. Raises `Unsatisfied`."""
        proof = offered.proof
        if not proof or len(proof) > LONGEST:
            raise Unsatisfied("proof: must be a signed JWT")
        claims = _verified(proof, await self._key(proof), self._issuer)
        self._fresh(claims, offered.now)
        self._bound(claims, offered.name)
        if offered.fold(claims["sub"]) != offered.task.requester:
            raise Unsatisfied("proof: its subject is not the requester")
        self._once(proof, claims)
        return f"{claims['sub']} (workload proof)"

    async def _key(self, proof: str) -> Key:
        try:
            header = jwt.get_unverified_header(proof)
        except jwt.InvalidTokenError:
            raise Unsatisfied("proof: is no JWT") from None
        foreign = FOREIGN.intersection(header)
        if foreign:
            raise Unsatisfied(f"proof: its header may not hold {', '.join(sorted(foreign))}")
        try:
            key = await self._keys.key(header.get("kid"))
        except KeySetUnusable:
            raise Unsatisfied("proof: the issuer's keys cannot be had now") from None
        if key is None or header.get("alg") not in key.algorithms:
            raise Unsatisfied("proof: it is not signed with a key and an algorithm of its issuer's")
        return key

    def _fresh(self, claims: dict[str, Any], now: float) -> None:
        issued, ends = claims["iat"], claims["exp"]
        if any(isinstance(moment, bool) or not isinstance(moment, int | float) for moment in (issued, ends)):
            raise Unsatisfied("proof: iat and exp must be numbers")
        if not now - self._max_age <= issued <= now + SKEW_SECONDS or now >= ends:
            raise Unsatisfied(f"proof: must have been issued in the last {self._max_age:g} seconds, and be valid still")

    def _bound(self, claims: dict[str, Any], name: str) -> None:
        """For this access request: in its audience, or for our audience with the request as its nonce."""
        audience = claims["aud"]
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list):
            raise Unsatisfied("proof: aud must be a text or a list of them")
        if f"{self._audience}#{name}" in audiences:
            return
        if self._audience not in audiences or claims.get("nonce") != name:
            raise Unsatisfied(f"proof: its audience must be {self._audience}#{name}")

    def _once(self, proof: str, claims: dict[str, Any]) -> None:
        used = [f"token {sha256(proof.encode()).hexdigest()}"]
        if isinstance(claims.get("jti"), str):
            used.append(f"jti {claims['jti']}")
        if self._used.holds(used):
            raise Unsatisfied("proof: it was used before")
        for key in used:
            self._used.put(key, value=True)


def _verified(proof: str, key: Key, issuer: str) -> dict[str, Any]:
    """The claims, once the signature is found to be the issuer's. Its times are looked at by our own clock."""
    try:
        claims: dict[str, Any] = jwt.decode(
            proof,
            key.public,
            algorithms=list(key.algorithms),
            issuer=issuer,
            options={
                "require": list(NEEDED),
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise Unsatisfied(f"proof: {error}") from None
    return claims
