"""Who took up what: values across many requesters, counted once a requester.

A value that many peers took up lately is a roll-out, and likely for the next
peer too; a value that nobody ever showed is likely only where new values keep
appearing. Counts are continuation counts: one for each requester that adopted
the value, fading over two weeks.

Wrong for the first of a roll-out, which looks like any stranger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from detector.features.rhythm import GRADES

BACK_OFF: Final = 2.0
"""How many adoptions the wider scope is worth against the narrower one's own."""

MOST_VALUES: Final = 65_536
"""Distinct values kept a scope and facet; past it the rarest half goes."""

MATURE_EVENTS: Final = 10
"""Events after which a requester's novelty counts as its peers' rate: what a
newcomer shows first is always new and says nothing of habit."""

PRIOR_RATE: Final = 0.03
"""The rate of novelty before anything was learnt: one event in thirty, the low
end of what public histories of honest work show (4 to 34 %)."""

PRIOR_EVENTS: Final = 40.0
"""How many events that prior is worth."""


class Crowd(Struct):
    """One scope: a peer group, an issuer, the fleet. Lists run parallel to the facets.

    `counts` and `totals` are adoptions; `firsts` those whose value was new to the
    whole fleet; `fresh` and `events` the novelties and events of mature
    requesters; `histograms` the grades of all who belong to it, and in a last place their sum.
    """

    counts: list[dict[str, float]]
    totals: list[float]
    firsts: list[float]
    fresh: list[float]
    histograms: list[list[float]]
    events: float = 0.0

    @classmethod
    def empty(cls, facets: int, grades: int) -> Crowd:
        """Nobody yet, for so many facets and grades."""
        zeros = [0.0] * facets
        bins = [[0.0] * (GRADES + 1) for _ in range(grades)]
        return cls([{} for _ in range(facets)], zeros, zeros.copy(), zeros.copy(), bins)

    def adopt(self, facet: int, value: str, weight: float, *, first: bool) -> None:
        """Count a requester's first use of a value; `first`: nobody in the fleet had shown it."""
        counts = self.counts[facet]
        if len(counts) >= MOST_VALUES and value not in counts:
            kept = sorted(counts.items(), key=lambda item: item[1], reverse=True)
            self.counts[facet] = counts = dict(kept[: MOST_VALUES // 2])
        counts[value] = counts.get(value, 0.0) + weight
        self.totals[facet] += weight
        if first:
            self.firsts[facet] += weight

    def rate(self, facet: int, weight: float) -> float:
        """How often a mature requester here shows a value that is new to itself."""
        prior = PRIOR_EVENTS * weight
        return (self.fresh[facet] + PRIOR_RATE * prior) / (self.events + prior)


def chance(facet: int, value: str, scopes: Sequence[Crowd], weight: float, sure: float = 1.0) -> float:
    """The probability that a requester's next new value is this one.

    `scopes` run from the fleet to the narrowest, whose adoptions count as far as it is
    `sure` that the requester belongs there. All values that nobody has shown count as
    one and the same: "something new to all".
    """
    fleet = scopes[0]
    known = value in fleet.counts[facet]
    mass = fleet.counts[facet][value] if known else fleet.firsts[facet] + weight
    p = mass / (fleet.totals[facet] + 2.0 * weight)
    back_off, narrowest = BACK_OFF * weight, len(scopes) - 1  # of the fleet nothing is unsure
    for place in range(1, len(scopes)):
        scope, trust = scopes[place], sure if place == narrowest else 1.0
        mass = scope.counts[facet].get(value, 0.0) if known else scope.firsts[facet]
        p = (trust * mass + back_off * p) / (trust * scope.totals[facet] + back_off)
    return min(p, 1.0)
