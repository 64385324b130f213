"""One requester's habit in one facet: which values it shows, and how often it shows a new one.

The chance of a new value is estimated from how often this requester has shown
new values before (a Beta posterior around its peers' rate), so an ephemeral
runner with a new address every hour is not surprising and a service with one
address for a year is. Where a new value goes is `crowd`'s to say. Kneser-Ney
smoothing of language models is the model (Kneser, Ney 1995; Teh 2006).

Wrong when a requester changes its ways for good: until the new ways are learnt
each of them is news.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

MOST_VALUES: Final = 512
"""Distinct values kept for one requester and facet: past it the rarest half is
forgotten, so that a requester who invents names costs bounded memory."""

PRIOR_EVENTS: Final = 3.0
"""How many events the peers' rate of novelty is worth against the requester's own."""

UNSEEN: Final = 0.4
"""Novelties that every habit is taken to owe still: what was never new in n
events is new next time with odds of about this to n, and a newcomer's second
value is no surprise (Krichevsky, Trofimov 1981 take a half)."""

KNEE: Final = 60.0
"""Events up to which each counts fully as evidence that novelty is rare. A busy
requester's thousandth repetition says less than its tenth: redeploys come per
week, not per request, and so does abuse."""

SLOPE: Final = 0.5
"""How evidence grows past the knee: with the power of the number of events."""


class Habit(Struct):
    """Faded counts of one facet's values. `fresh` counts the novelties after the first value."""

    counts: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    fresh: float = 0.0

    def learn(self, value: str, weight: float) -> bool:
        """Count one value; whether it was new to this requester."""
        counts = self.counts
        self.total += weight
        if value in counts:
            counts[value] += weight
            return False
        if counts:
            self.fresh += weight
        if len(counts) >= MOST_VALUES:
            self._forget()
        counts[value] = weight
        return True

    def _forget(self) -> None:
        kept = sorted(self.counts.items(), key=lambda item: item[1], reverse=True)
        self.counts = dict(kept[: MOST_VALUES // 2])
        self.total = sum(self.counts.values())

    def novelty(self, weight: float, rate: float) -> float:
        """The chance that the next value is new, given the peers' `rate` of novelty."""
        events = self.total / weight
        fresh = self.fresh / weight
        if events > KNEE:
            telling = KNEE * (events / KNEE) ** SLOPE
            fresh *= telling / events
            events = telling
        return (fresh + UNSEEN + PRIOR_EVENTS * rate) / (events + UNSEEN + PRIOR_EVENTS)
