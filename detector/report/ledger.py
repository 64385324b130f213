"""Who was minted what, by whom, on which verdict: one row for each issuer, requester, resource and privilege."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from msgspec import Struct, field

from detector.report.counts import Before, Uses, Verdicts
from detector.risk.reach import SENSITIVITIES, points

Right: TypeAlias = tuple[str, str, str, str]
"""Issuer, requester, resource, privilege."""

MOST_ROWS: Final = 100_000
"""Rows kept, in some 70 MB. Past it what is new is counted in one row together, so that sums stay right: a log
that has more names rights at random, and no reader would look at each."""


class Row(Struct):
    """One right, and what became of it in the period.

    `ever` is how often it was minted at all, `first` and `last` when it was asked for or minted at all.
    `ever_used` is whether any use of its credentials was seen at all.
    `requests` are asks by what they were found to be, `told` by what the broker was told; `minted` are
    issuances by what they were found to be, `before` by what had been said before; `refused`
    those that the issuer refused.
    """

    requester: str = ""
    issuer: str = ""
    resource: str = ""
    privilege: str = ""
    sensitivity: str = ""
    first: float = 0.0
    last: float = 0.0
    ever: int = 0
    ever_used: bool = False
    requests: Verdicts = field(default_factory=Verdicts)
    told: Verdicts = field(default_factory=Verdicts)
    minted: Verdicts = field(default_factory=Verdicts)
    before: Before = field(default_factory=Before)
    refused: int = 0
    renewals: int = 0
    used: Uses = field(default_factory=Uses)

    def at(self, moment: float) -> None:
        """It was asked for or minted then."""
        if not self.first or moment < self.first:
            self.first = moment
        self.last = max(self.last, moment)

    def stakes(self, sensitivity: str) -> None:
        """Keep the highest sensitivity that was told of it."""
        if SENSITIVITIES.get(sensitivity, 0.0) > SENSITIVITIES.get(self.sensitivity, 0.0):
            self.sensitivity = sensitivity

    @property
    def key(self) -> Right:
        """What makes it this row and no other."""
        return (self.issuer, self.requester, self.resource, self.privilege)

    @property
    def active(self) -> bool:
        """Whether anything became of it in the period."""
        return bool(self.requests.total or self.minted.total or self.refused or self.used.total)


class Ledger:
    """The rows, and the one that stands for those past the limit."""

    def __init__(self) -> None:
        self._rows: dict[Right, Row] = {}
        self.rest = Row()
        self.left_off = 0

    def row(self, requester: str, issuer: str, resource: str, privilege: str) -> Row:
        """The row of a right, made where there is none yet and still room."""
        key = (issuer, requester, resource, privilege)
        found = self._rows.get(key)
        if found is not None:
            return found
        if len(self._rows) >= MOST_ROWS:
            self.left_off += 1
            return self.rest
        made = Row(requester=requester, issuer=issuer, resource=resource, privilege=privilege)
        self._rows[key] = made
        return made

    def __iter__(self) -> Iterator[Row]:
        """Every row of its own, in the order of issuer, requester, resource and privilege."""
        return (self._rows[key] for key in sorted(self._rows))

    def all(self) -> list[Row]:
        """Every row, and the one for what is left off."""
        return [*self, self.rest]


class Reached(Struct):
    """How far an identity reaches: what it was ever minted, and the points that it comes to."""

    rights: dict[tuple[str, str], str] = field(default_factory=dict)

    def extend(self, row: Row) -> None:
        """Take a right in that was minted; at several issuers it counts once, by its highest sensitivity."""
        if not row.ever:
            return
        right, known = (row.resource, row.privilege), self.rights.get((row.resource, row.privilege), "")
        higher = SENSITIVITIES.get(row.sensitivity, 0.0) > SENSITIVITIES.get(known, 0.0)
        self.rights[right] = row.sensitivity if higher else known

    @property
    def points(self) -> float:
        """The points of all rights together (`detector.risk.reach`)."""
        return sum(points(privilege, sensitivity) for (_, privilege), sensitivity in self.rights.items())

    def sensitivities(self) -> tuple[str, ...]:
        """Which there are, the least first."""
        found = {sensitivity for sensitivity in self.rights.values() if sensitivity}
        return tuple(sorted(found, key=lambda told: SENSITIVITIES.get(told, 0.0)))
