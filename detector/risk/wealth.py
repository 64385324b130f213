"""A sequential test for what is too slow to accumulate: bets against a requester being as ever.

Each of its days gives a p-value: how often a legitimate requester with such a
record of odd days has a day as odd. The p-value is turned into a bet that is
fair if the requester is healthy, and wealth is what the bets have won. So that
abuse may begin on any day, a 365th of a unit is staked afresh every day it is
active. Over a year a healthy requester's wealth then passes `1/a` with a
chance of no more than `a` (Ville 1939; e-detectors: Shin, Ramdas, Rinaldo 2023).

Wrong where days of one record are unlike in what is to come: then p-values
are no p-values. What is odd by the hour it cannot see: one day wins no more than the reference is long.

Source of the bet: Vovk, Wang, "E-values: calibration, combination and applications" (2021).
"""

from __future__ import annotations

from math import log
from typing import Final

from msgspec import Struct, field

STAKES: Final = 365.0
"""Days that one unit of wealth is staked over: the budget is by the year."""

RECORD_DAYS: Final = 30
"""How long an odd day stays on the record."""

RECORDS: Final = 4
"""Classes of record: no odd day, one, two or three, more."""

SETTLED_DAYS: Final = 14
"""Active days before which nothing is bet: what a newcomer does is news on most of them."""

KEPT_DAYS: Final = 7
"""Closed days that are remembered one by one, so that a label can still take them out of the reference."""


class Day(Struct, frozen=True, array_like=True):
    """A closed day: its record then, its oddest row, its highest risk (nats), the day it was counted on."""

    day: int
    record: int
    top: float
    peak: float
    counted: int


class Days(Struct):
    """A requester's days as they come: today's oddest row and highest risk (nats), its record, its wealth.

    `flagged` is the last day on which a flagged row of it counted for the thresholds.
    """

    day: int = 0
    top: float = 0.0
    peak: float = 0.0
    lived: int = 0
    flagged: int = 0
    wealth: float = 0.0
    odd: list[int] = field(default_factory=list)
    closed: list[Day] = field(default_factory=list)

    def record(self, day: int) -> int:
        """The class of its record on that day."""
        return min(sum(1 for odd in self.odd if odd > day - RECORD_DAYS).bit_length(), RECORDS - 1)

    def held(self, chance: float) -> float:
        """Its wealth if today ended now, with today's oddest row having that p-value."""
        return (self.wealth + 1.0 / STAKES) * bet(chance) if self.lived >= SETTLED_DAYS else 0.0

    def close(self, *, odd: bool, chance: float, counted: int) -> Day:
        """End the day that is under way: the bet is settled, the record kept."""
        done = Day(self.day, self.record(self.day), self.top, self.peak, counted)
        self.wealth = self.held(chance)
        self.lived += 1
        self.odd = [day for day in self.odd if day > self.day - RECORD_DAYS]
        if odd:
            self.odd.append(self.day)
        self.top = self.peak = 0.0
        return done

    def clear(self) -> None:
        """Somebody entitled to judge spoke for it: nothing is held against it any more."""
        self.wealth, self.top, self.peak, self.odd = 0.0, 0.0, 0.0, []


def bet(chance: float) -> float:
    """What a unit staked comes to for a p-value: on average over a healthy requester's, no more than it was.

    >>> [round(bet(p), 2) for p in (1.0, 0.5, 0.01, 0.001)]
    [0.5, 0.64, 4.45, 20.79]
    """
    if chance >= 0.999:  # noqa: PLR2004 - the limit at 1, where the fraction is 0/0
        return 0.5
    down = log(chance)
    return (1.0 - chance + chance * down) / (chance * down * down)
