"""What is at stake: how far a credential, its requester and its issuer reach (blast radius).

Reach is counted in points: a right (a privilege on a resource) is worth its
privilege times its sensitivity, and an identity reaches as far as the sum of all
the rights that it was minted. Only what was minted counts: what could be minted but
never was, no log tells.

Wrong where resources' names hide how sensitive they are, and no pattern says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log, log1p, sqrt
from typing import Final

from msgspec import Struct, field

PRIVILEGES: Final[Mapping[str, float]] = {"read": 1.0, "write": 3.0, "admin": 10.0}
SENSITIVITIES: Final[Mapping[str, float]] = {"low": 1.0, "medium": 2.0, "high": 4.0, "critical": 8.0}
"""What one step up is worth: about three times as much to whoever should not have it."""

UNKNOWN: Final = 1.0
"""A privilege or sensitivity that nobody stated is taken for the least: it must not tighten what it may not concern."""

USUAL_LIFETIME: Final = 3600.0
"""Seconds, for a grant that does not say how long it lives."""

HALF: Final = 0.5
QUARTER: Final = 0.25
"""Powers with which lifetime, and the reach of requester and of issuer, count: a credential of
four times the lifetime is at stake twice as much, for it is used early or not at all."""

MOST_DEVIATIONS: Final = 2.0
"""Past it more at stake changes nothing: the threshold stays near what the budget asks for."""


class Reach(Struct):
    """Points by requester and by issuer; and mean and square deviation of the stakes of all rights (Welford 1962)."""

    requesters: dict[str, float] = field(default_factory=dict)
    issuers: dict[str, float] = field(default_factory=dict)
    stakes: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def stake(self, requester: str, issuer: str, right: float, lifetime: float | None) -> float:
        """What is at stake with one grant: the logarithm of its points, its lifetime and whom it reaches through."""
        lasting = log(max(lifetime if lifetime is not None else USUAL_LIFETIME, 1.0) / USUAL_LIFETIME)
        through = log1p(self.requesters.get(requester, 0.0)) + log1p(self.issuers.get(issuer, 0.0))
        return log(right) + HALF * lasting + QUARTER * through

    def count(self, stake: float) -> None:
        """Take the stake of a right that was new to its requester into the mean."""
        self.stakes += 1
        off = stake - self.mean
        self.mean += off / self.stakes
        self.squares += off * (stake - self.mean)

    def deviations(self, stake: float) -> float:
        """By how many standard deviations a stake is above the usual one; 0 while all are alike."""
        if self.squares <= 0.0:
            return 0.0
        found = (stake - self.mean) / sqrt(self.squares / self.stakes)
        return min(max(found, -MOST_DEVIATIONS), MOST_DEVIATIONS)

    def extend(self, requester: str | None, issuer: str | None, right: float) -> None:
        """A right was minted that was new to this requester, or to this issuer."""
        if requester is not None:
            self.requesters[requester] = self.requesters.get(requester, 0.0) + right
        if issuer is not None:
            self.issuers[issuer] = self.issuers.get(issuer, 0.0) + right


def points(privilege: str, sensitivity: str) -> float:
    """What one right is worth.

    >>> points("admin", "critical"), points("read", "")
    (80.0, 1.0)
    """
    return PRIVILEGES.get(privilege, UNKNOWN) * SENSITIVITIES.get(sensitivity, UNKNOWN)
