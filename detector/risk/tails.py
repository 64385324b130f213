"""How far scores of the legitimate reach, and at which threshold a budget of false alarms is kept.

Scores are counted by bins and fade, so that a reference costs the same after
ten rows and ten million. What is concluded from counts pays for how few they
are: it holds in 19 of 20 references, not on average over them (training-conditional; Vovk 2012).

Wrong where tomorrow's legitimate rows are unlike those that were counted.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt
from typing import Final

from msgspec import Struct, field

BINS: Final = 8
"""Bins a nat: an eighth of a nat is less than any two honest weeks differ by."""

FLOOR: Final = 1.0
"""Nats below which a score only counts as one of all: no threshold is ever there."""

SURE: Final = 1.645
"""The normal quantile of 95 %."""

PEAK_FROM: Final = 1.0
"""Nats of accumulated risk above which a day's peak tells how the tail falls."""

PRIOR_PEAKS: Final = 20.0
PRIOR_UNITS: Final = 900.0
PRIOR_EXCESS: Final = 0.9
"""What is believed before anything was counted: twenty peaks in 900 requester-days, exceeding
the floor by 0.9 nats on average, as in simulated honest life."""


class Tally(Struct):
    """Scores counted by bins of 1/8 nat; `total` counts those below the floor too."""

    total: float = 0.0
    bins: dict[int, float] = field(default_factory=dict)

    def add(self, nats: float, weight: float = 1.0) -> None:
        """Count one score; a negative weight takes one back."""
        self.total = max(self.total + weight, 0.0)
        if nats >= FLOOR:
            place = int(nats * BINS)
            self.bins[place] = max(self.bins.get(place, 0.0) + weight, 0.0)

    def merge(self, other: Tally) -> None:
        """Take another tally's counts in."""
        self.total += other.total
        for place, count in other.bins.items():
            self.bins[place] = self.bins.get(place, 0.0) + count

    def fade(self, factor: float) -> None:
        """Let all counts weigh less; what weighs next to nothing is forgotten."""
        self.total *= factor
        self.bins = {place: count * factor for place, count in self.bins.items() if count * factor > 1e-3}  # noqa: PLR2004

    def above(self, nats: float) -> float:
        """How many scores were in this score's bin or a higher one."""
        if nats < FLOOR:
            return self.total
        least = int(nats * BINS)
        return sum(count for place, count in self.bins.items() if place >= least)

    def chance(self, nats: float) -> float:
        """A p-value: the chance of a score as high, no less than the reference can vouch for."""
        return min(most(self.above(nats)) / self.total, 1.0) if self.total else 1.0

    def cut(self, budget: float) -> float | None:
        """The lowest threshold (nats) above which, surely, no more than `budget` of all scores lie.

        `None` where the reference is too short to tell of so small a share.
        """
        if budget <= 0.0 or most(0.0) > budget * self.total:
            return None
        past = (max(self.bins, default=0) + 1) / BINS
        return max(self.lowest(lambda above: most(above) <= budget * self.total, past), FLOOR)

    def lowest(self, borne: Callable[[float], bool], otherwise: float) -> float:
        """The lowest bin's edge (nats) above which so many scores lie as are borne; `otherwise` where there is none."""
        above, edge = 0.0, otherwise
        for place in sorted(self.bins, reverse=True):
            above += self.bins[place]
            if not borne(above):
                break
            edge = place / BINS
        return edge


class Peaks(Struct):
    """Highest accumulated risk of requester-days: how many there were, how many passed `PEAK_FROM`, and by how much."""

    units: float = 0.0
    count: float = 0.0
    excess: float = 0.0

    def add(self, nats: float, weight: float = 1.0) -> None:
        """Count one requester-day; a negative weight takes one back."""
        self.units = max(self.units + weight, 0.0)
        if nats > PEAK_FROM:
            self.count = max(self.count + weight, 0.0)
            self.excess = max(self.excess + weight * (nats - PEAK_FROM), 0.0)

    def merge(self, other: Peaks) -> None:
        """Take others in."""
        self.units, self.count, self.excess = (
            self.units + other.units,
            self.count + other.count,
            self.excess + other.excess,
        )

    def fade(self, factor: float) -> None:
        """Let all of it weigh less."""
        self.units, self.count, self.excess = self.units * factor, self.count * factor, self.excess * factor

    def level(self, chance: float) -> float:
        """The accumulated risk (nats) that a requester-day passes with no more than `chance`.

        So rare a day was never counted: peaks over a floor fall off
        exponentially (Pickands 1975; a CUSUM's do), and both how many there are
        and how slowly they fall off is taken at its upper 95 % limit.
        """
        count = self.count + PRIOR_PEAKS
        rate = most(count) / (self.units + PRIOR_UNITS)
        slope = (self.excess + PRIOR_PEAKS * PRIOR_EXCESS) / count * (1.0 + SURE / sqrt(count))
        return PEAK_FROM + slope * max(log(rate / chance), 0.0)


def most(count: float) -> float:
    """The upper 95 % limit of a Poisson mean that gave `count` (Wilson and Hilferty 1931).

    >>> round(most(0.0), 2), round(most(10.0), 2)
    (2.97, 16.96)
    """
    one = count + 1.0
    return one * (1.0 - 1.0 / (9.0 * one) + SURE / (3.0 * sqrt(one))) ** 3
