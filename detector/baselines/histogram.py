"""Hours of the week and graded quantities as histograms that fade as habits do.

Wrong at the start of a season never seen, such as the first month's end.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from detector.features.rhythm import GRADES

NEIGHBOUR: Final = 0.35
"""How much of an hour's, or grade's, weight its two neighbours lend: daylight
saving and a late start move work by an hour."""

PRIOR_EVENTS: Final = 6.0
"""How many events the wider scope's histogram is worth against one's own."""


class Histogram(Struct):
    """Faded counts of hours or grades. Empty until the first is counted, to stay small."""

    bins: list[float] = field(default_factory=list)
    total: float = 0.0

    def learn(self, index: int, weight: float) -> None:
        """Count one hour or grade."""
        if not self.bins:
            self.bins = [0.0] * GRADES
        self.bins[index] += weight
        self.total += weight

    def mass(self, index: int) -> float:
        """The weight at an index with what its neighbours lend."""
        bins = self.bins
        if not bins:
            return 0.0
        near = bins[index - 1] + bins[(index + 1) % GRADES]
        return bins[index] * (1.0 - NEIGHBOUR) + near * NEIGHBOUR

    def above(self, index: int) -> float:
        """The weight at an index and everywhere above it."""
        return sum(self.bins[index:]) if self.bins else 0.0


def density(index: int, own: Histogram, wider: Histogram, weight: float) -> float:
    """The probability of an hour or grade: one's own histogram, backed by a wider one, backed by even odds."""
    even = (wider.mass(index) + PRIOR_EVENTS * weight / GRADES) / (
        wider.total + PRIOR_EVENTS * weight
    )
    return (own.mass(index) + PRIOR_EVENTS * weight * even) / (own.total + PRIOR_EVENTS * weight)


def tail(index: int, own: Histogram, wider: Histogram, weight: float) -> float:
    """The probability of a grade at least this high, backed as `density` is."""
    even = (wider.above(index) + PRIOR_EVENTS * weight * (1 - index / GRADES) * 0.5) / (
        wider.total + PRIOR_EVENTS * weight
    )
    p = (own.above(index) + PRIOR_EVENTS * weight * even) / (own.total + PRIOR_EVENTS * weight)
    return min(max(p, 1e-9), 1.0)
