"""What travels through the broker and comes back: a step-up's binding token, and the state of its approval.

Both are signed JWTs of ours (RFC 7519), explicitly typed (RFC 8725, 3.11), so that neither passes for the other. What
they say is checked again against what we remember: they prove where a reference came from, and grant nothing.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple

import jwt

from detector.stepup.keys import SealKeys

ALGORITHM: Final = "EdDSA"
BINDING: Final = "denial-binding+jwt"
APPROVAL: Final = "approval-state+jwt"

LONGEST: Final = 4_096
"""Characters of a token that is looked at at all: ours have about 700."""

SKEW_SECONDS: Final = 30.0
"""The profile: a tolerance of 30 seconds is typical."""

ID_BYTES: Final = 16
"""Of an id that nobody guesses: 128 bits."""


class SealBroken(Exception):
    """A token that is not ours, not for this, or not whole; the text says which."""


class SealExpired(Exception):
    """A token of ours whose time is over."""


class Binding(NamedTuple):
    """What a binding token proves: which decision, of what scope, was told to which broker, and until when it counts.

    `expires` is Unix seconds, `told` the same as the broker was told it.
    """

    decision: str
    scope: str
    broker: str
    expires: float
    told: str


class Seals:
    """Signs and opens them. `identity` is who we are as an issuer; by default that follows from the key."""

    def __init__(self, keys: SealKeys, *, identity: str = "") -> None:
        self.keys = keys
        self.identity = identity or f"urn:assayer:{keys.kid}"

    def bind(self, binding: Binding, *, now: float) -> str:
        """A binding token for a decision that was stepped up. Times are Unix seconds."""
        claims = {
            "evaluation_id": binding.decision,
            "scope": binding.scope,
            "azp": binding.broker,
            "denial_expires_at": binding.told,
        }
        return self._signed(claims, BINDING, jti=secrets.token_urlsafe(ID_BYTES), now=now, expires=binding.expires)

    def binding(self, token: str, *, now: float) -> Binding:
        """What a binding token says. Raises `SealBroken` or `SealExpired`."""
        claims = self._opened(token, BINDING, now=now, needs=("evaluation_id", "scope", "azp", "denial_expires_at"))
        told = claims["denial_expires_at"]
        return Binding(claims["evaluation_id"], claims["scope"], claims["azp"], float(claims["exp"]), told)

    def approve(self, approval: str, *, task: str, decision: str, scope: str, now: float, until: float) -> str:
        """The state of an approval, for its broker to bring back."""
        claims = {"sub": task, "evaluation_id": decision, "scope": scope}
        return self._signed(claims, APPROVAL, jti=approval, now=now, expires=until)

    def approval(self, state: str, *, now: float) -> str:
        """The id of the approval that a state is of, also where its time is over. Raises `SealBroken`."""
        return str(self._opened(state, APPROVAL, now=now, needs=("jti",), late=True)["jti"])

    def _signed(self, claims: dict[str, Any], kind: str, *, jti: str, now: float, expires: float) -> str:
        whole = {
            "iss": self.identity,
            "aud": self.identity,
            "iat": int(now),
            "exp": int(expires),
            "jti": jti,
            **claims,
        }
        return jwt.encode(whole, self.keys.private, algorithm=ALGORITHM, headers={"kid": self.keys.kid, "typ": kind})

    def _opened(
        self, token: str, kind: str, *, now: float, needs: tuple[str, ...], late: bool = False
    ) -> dict[str, Any]:
        if len(token) > LONGEST:
            raise SealBroken("it is longer than any of ours")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("kid") != self.keys.kid or header.get("typ") != kind:
                raise SealBroken("it was not signed by us for this")
            claims: dict[str, Any] = jwt.decode(
                token,
                self.keys.public,
                algorithms=[ALGORITHM],
                audience=self.identity,
                issuer=self.identity,
                options={
                    "require": ["iss", "aud", "iat", "exp", "jti", *needs],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidTokenError as error:
            raise SealBroken(str(error)) from None
        if not late and now > claims["exp"] + SKEW_SECONDS:
            raise SealExpired
        return claims
