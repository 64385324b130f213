"""One requester's habits: which values it shows in each facet, when and how much, and how often it does something new.

All facets of an event are learnt together, so one faded total serves them all.
Wrong when a requester changes its ways for good: until the new ways are learnt
each of them is news.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from detector.features.rhythm import GRADES

MOST_VALUES: Final = 512
"""Distinct values kept for one requester and facet: past it the rarest half is
forgotten, so that a requester who invents names costs bounded memory."""

COLD_EVENTS: Final = 20
"""Events below which a requester is cold: it is held against peers that do as it does, and judged by a threshold
of its own. By then it has shown most of its everyday."""

UNSEEN: Final = 0.4
"""Novelties that every habit is taken to owe still: what was never new in n
events is new next time with odds of about this to n, and a newcomer's second
value is no surprise (Krichevsky, Trofimov 1981 take a half)."""

PRIOR_EVENTS: Final = 3.0
"""How many events the peers' rate of novelty is worth against the requester's own."""

KNEE: Final = 60.0
"""Events up to which each counts fully as evidence that novelty is rare. A busy
requester's thousandth repetition says less than its tenth: redeploys come per
week, not per request, and so does abuse."""

SLOPE: Final = 0.5
"""How evidence grows past the knee: with the power of the number of events."""


FREE_A_DAY: Final = 200
"""Events of one requester that teach on any day, however few it usually has."""

GROWTH_A_DAY: Final = 4
"""How many times its usual day a requester may teach in one day: work grows, but whoever would
make something usual by sheer number has to take days over it (Kloft, Laskov 2012)."""


class Habits(Struct):
    """Faded counts. `counts` and `fresh` run parallel to the facets.

    `histograms` run parallel to the grades, each ending with its sum.
    `fresh` counts a facet's novelties after its first value, `total` all events
    (both faded by inflation, see `fading`); `events` counts them unfaded, and `exposed`
    how many of them the fleet's `Hazard` has counted, facet by facet. `day`, counted
    from 1970, is the last that taught, `today` its events so far, `days` how many taught.
    """

    counts: list[dict[str, float]]
    fresh: list[float]
    histograms: list[list[float]]
    exposed: list[int]
    total: float = 0.0
    events: int = 0
    since: float = 0.0
    until: float = 0.0
    day: int = 0
    today: int = 0
    days: int = 0

    @classmethod
    def empty(cls, facets: int, grades: int, since: float) -> Habits:
        """Nothing learnt yet, for so many facets and grades."""
        bins = [[0.0] * (GRADES + 1) for _ in range(grades)]
        return cls([{} for _ in range(facets)], [0.0] * facets, bins, [0] * facets, since=since)

    def takes(self, day: int) -> bool:
        """Whether one more event of that day may teach; counts it."""
        if day != self.day:
            self.day, self.today = day, 0
            self.days += 1
        self.today += 1
        return self.today <= FREE_A_DAY or self.today * self.days <= GROWTH_A_DAY * self.events

    def telling(self, weight: float) -> tuple[float, float]:
        """How many events the habits' novelties are to be held against, and the scale that makes `fresh` fit."""
        events = self.total / weight
        if events <= KNEE:
            return events, 1.0 / weight
        telling = KNEE * (events / KNEE) ** SLOPE
        return telling, telling / events / weight

    def novelty(self, facet: int, rate: float, weight: float) -> float:
        """The chance that the facet's next value is new, given the peers' `rate` of novelty.

        A Beta posterior around the peers' rate: an ephemeral runner with a new
        address every hour is not surprising, a service with one address for a
        year is.
        """
        events, scale = self.telling(weight)
        fresh = self.fresh[facet] * scale
        return posterior(fresh, events, rate)

    def learn(self, facet: int, value: str, weight: float) -> None:
        """Count a value that the facet has not shown before."""
        counts = self.counts[facet]
        if counts:
            self.fresh[facet] += weight
        if len(counts) >= MOST_VALUES:
            kept = sorted(counts.items(), key=lambda item: item[1], reverse=True)
            self.counts[facet] = counts = dict(kept[: MOST_VALUES // 2])
        counts[value] = weight


def posterior(fresh: float, events: float, rate: float) -> float:
    """The chance that the next is new after so many that were, of so many events, given the `rate` elsewhere."""
    return (fresh + UNSEEN + PRIOR_EVENTS * rate) / (events + UNSEEN + PRIOR_EVENTS)
