"""Who took up what: the values of one facet across many requesters, counted once a requester.

A value that many peers took up lately is a roll-out, and likely for the next
peer too; a value that nobody ever showed is likely only where new values keep
appearing. Counts are continuation counts: one for each requester that adopted
the value, fading over two weeks.

Wrong for the first of a roll-out, which looks like any stranger.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

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

PRIOR_WEIGHT: Final = 40.0
"""How many events that prior is worth."""


class Adoption(Struct):
    """Adoptions of one facet's values in one scope (a peer group, an issuer, the fleet).

    `firsts` counts those adoptions whose value was new to the whole fleet,
    `fresh` the novelties of mature requesters.
    """

    counts: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    firsts: float = 0.0
    fresh: float = 0.0

    def adopt(self, value: str, weight: float, *, first: bool) -> None:
        """Count a requester's first use of a value; `first`: nobody in the fleet had shown it."""
        counts = self.counts
        if len(counts) >= MOST_VALUES and value not in counts:
            kept = sorted(counts.items(), key=lambda item: item[1], reverse=True)
            self.counts = counts = dict(kept[: MOST_VALUES // 2])
        counts[value] = counts.get(value, 0.0) + weight
        self.total += weight
        if first:
            self.firsts += weight

    def rate(self, events: float, weight: float) -> float:
        """How often a mature requester shows a value new to itself, of faded `events` of such."""
        prior = PRIOR_WEIGHT * weight
        return (self.fresh + PRIOR_RATE * prior) / (events + prior)


def chance(value: str, scopes: tuple[Adoption, ...], weight: float) -> float:
    """The probability that a requester's next new value is this one.

    `scopes` run from the fleet to the narrowest. Every value nobody has shown
    counts as one and the same: "something new to all".
    """
    fleet = scopes[0]
    known = value in fleet.counts
    mass = fleet.counts[value] if known else fleet.firsts + weight
    p = mass / (fleet.total + 2.0 * weight)
    back_off = BACK_OFF * weight
    for scope in scopes[1:]:
        mass = scope.counts.get(value, 0.0) if known else scope.firsts
        p = (mass + back_off * p) / (scope.total + back_off)
    return min(p, 1.0)
