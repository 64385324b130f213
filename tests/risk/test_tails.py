"""Thresholds drawn from counts: they keep the budget they are drawn for, and say when they can't tell."""

from __future__ import annotations

import random
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.risk.tails import BINS, FLOOR, PEAK_FROM, Peaks, Tally, most

scores = st.lists(st.floats(-5.0, 20.0), max_size=200)


def tally(values: list[float]) -> Tally:
    """Each of them counted once."""
    made = Tally()
    for value in values:
        made.add(value)
    return made


@pytest.mark.parametrize(("count", "limit"), [(0, 2.996), (1, 4.744), (5, 10.513), (20, 29.062), (100, 118.08)])
def test_the_upper_limit_is_the_exact_one(count: int, limit: float) -> None:
    """Against the 95 % limits that tables of the chi-square distribution give."""
    assert most(count) == pytest.approx(limit, rel=0.01)


@given(scores, st.floats(-5.0, 20.0))
def test_what_is_above_is_counted_and_no_less(values: list[float], nats: float) -> None:
    """Bins round in the direction of more rows above, never of fewer."""
    above = sum(value >= nats for value in values)
    assert (
        above
        <= tally(values).above(nats)
        <= sum(value >= nats - 1.0 / BINS for value in values if nats >= FLOOR) + (len(values) if nats < FLOOR else 0)
    )


@given(scores, st.sampled_from((0.01, 0.05, 0.2)))
def test_no_more_than_the_budget_lies_above_a_cut(values: list[float], budget: float) -> None:
    """Whatever was counted; a budget that is too small for so few gives no cut at all."""
    made = tally(values)
    cut = made.cut(budget)
    if len(values) * budget < most(0.0):
        assert cut is None
    else:
        assert cut is not None
        assert most(sum(value >= cut for value in values)) <= budget * len(values)


def test_a_cut_keeps_its_budget_on_what_comes_later() -> None:
    """In at least nine of ten halves of one stream (19 of 20 are meant), and it wastes no more than half of it."""
    kept, used = 0, 0.0
    for seed in range(60):
        dice = random.Random(seed)
        cut = tally([dice.expovariate(1.0) for _ in range(20_000)]).cut(0.002)
        assert cut is not None
        share = exp(-cut)  # what is truly above it
        kept += share <= 0.002
        used += share / 0.002 / 60
    assert kept >= 54
    assert used > 0.5


def test_taking_back_and_fading_leave_what_is_left() -> None:
    """A row taken back was never there; faded rows weigh their part."""
    made = tally([2.0, 3.0, 3.0])
    made.add(3.0, -1.0)
    made.fade(0.5)
    assert (made.total, made.above(3.0), made.above(1.5)) == (1.0, 0.5, 1.0)


def test_a_level_is_passed_as_seldom_as_asked_for() -> None:
    """Peaks that fall off exponentially pass the level no more often than wished, in nine of ten references."""
    kept = 0
    for seed in range(60):
        dice, peaks = random.Random(seed), Peaks()
        for _ in range(5_000):
            peaks.add(PEAK_FROM + dice.expovariate(1.0) if dice.random() < 0.02 else 0.0)
        true = PEAK_FROM + log(0.02 / 1e-6)
        kept += peaks.level(1e-6) >= true
    assert kept >= 54


def test_more_and_higher_peaks_raise_the_level() -> None:
    """And so does a smaller chance."""
    calm, wild = Peaks(), Peaks()
    for number in range(1_000):
        calm.add(1.5 if number % 50 == 0 else 0.0)
        wild.add(4.0 if number % 50 == 0 else 0.0)
    assert calm.level(1e-6) < wild.level(1e-6) < wild.level(1e-8)
