"""The sequential test: bets that are fair to the healthy, and that win against whoever is odd day after day."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.risk.wealth import RECORD_DAYS, RECORDS, SETTLED_DAYS, STAKES, Days, bet


@given(st.floats(1e-9, 1.0), st.floats(1e-9, 1.0))
def test_a_rarer_day_is_never_a_worse_bet(one: float, other: float) -> None:
    """Bets fall as p-values rise."""
    low, high = sorted((one, other))
    assert bet(low) >= bet(high) - 1e-6


def test_a_bet_is_fair() -> None:
    """On average over uniform p-values it comes to what was staked, by the trapezium rule on a logarithmic grid."""
    grid = [10.0 ** (-12 + 12 * step / 40_000) for step in range(40_001)]
    area = sum((b - a) * (bet(a) + bet(b)) / 2.0 for a, b in pairwise(grid))
    assert area == pytest.approx(1.0, abs=0.04)  # what lies below 1e-12 is 1/ln(1e12) = 0.036


def year(dice: random.Random, *, odd: int = 0) -> float:
    """The highest wealth in a year of uniform p-values, the last `odd` days with one in a thousand."""
    days, highest = Days(), 0.0
    for day in range(1, 366 + SETTLED_DAYS):
        days.day = day
        chance = 0.001 if day > 365 + SETTLED_DAYS - odd else max(dice.random(), 1e-9)
        days.close(odd=chance < 0.05, chance=chance, counted=0)
        highest = max(highest, days.wealth)
    return highest


def test_a_healthy_year_seldom_wins_much() -> None:
    """Of two thousand healthy years fewer than one in twenty reach 20, as was promised (Ville)."""
    dice = random.Random(7)
    assert sum(year(dice) >= 20.0 for _ in range(2_000)) < 100


def test_odd_days_in_a_row_win() -> None:
    """Five days of one in a thousand are beyond any budget; one such day is not."""
    dice = random.Random(7)
    assert year(dice, odd=5) > 2_000.0
    assert year(dice, odd=1) < 20.0


def test_newcomers_bet_nothing() -> None:
    """What is news on a first day is no evidence."""
    days = Days(day=1, lived=SETTLED_DAYS - 1)
    assert days.held(1e-6) == 0.0
    days.close(odd=True, chance=1e-6, counted=0)
    assert days.wealth == 0.0
    assert days.held(1e-6) > 1.0 / STAKES


def test_the_record_forgets() -> None:
    """Odd days count for a month, and more than a few are all the same."""
    days = Days()
    for day in range(1, 11):
        days.day = day
        days.close(odd=True, chance=1.0, counted=0)
    assert days.record(11) == RECORDS - 1
    assert days.record(11 + RECORD_DAYS) == 0
