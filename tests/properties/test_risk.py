"""Risk: it only falls with time, it has bounds, and one row takes away no more than a little."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.engine.policy import RulePolicy, Thresholds
from detector.risk import ALLOWANCE, ASKED_CAP, CAP, HALF_LIFE_SECONDS, LEAST_STEP, Risk, step, worth

nats = st.floats(-50.0, 50.0)
moves = st.lists(st.tuples(nats, st.booleans(), st.floats(0.0, 1e6)), max_size=30)


def accumulated(steps: list[tuple[float, bool, float]]) -> Risk:
    """A risk that rows have moved, each so much later than the one before."""
    risk, now = Risk(), 0.0
    for evidence, asked, later in steps:
        now += later
        step(risk, worth(evidence), now, asked=asked)
    return risk


@given(moves, st.floats(0.0, 1e8), st.floats(0.0, 1e8))
def test_risk_only_falls_with_time(steps: list[tuple[float, bool, float]], one: float, other: float) -> None:
    """Whatever happened, waiting longer never means more risk; looking changes nothing."""
    risk = accumulated(steps)
    sooner, later = sorted((one, other))
    before = copy.copy(risk)
    assert 0.0 <= risk.level(risk.stamp + later) <= risk.level(risk.stamp + sooner) <= risk.level(risk.stamp)
    assert risk.observed_level(risk.stamp + later) <= risk.observed_level(risk.stamp + sooner)
    assert risk == before


@given(moves)
def test_risk_has_bounds(steps: list[tuple[float, bool, float]]) -> None:
    """Never below nothing, never above its caps, each part by itself."""
    risk = accumulated(steps)
    assert 0.0 <= risk.observed <= CAP
    assert 0.0 <= risk.asked <= ASKED_CAP


@given(moves, nats)
def test_asking_never_moves_what_was_observed(steps: list[tuple[float, bool, float]], evidence: float) -> None:
    """An ask moves the asked part alone: neither locks out nor launders."""
    risk = accumulated(steps)
    before = risk.observed
    step(risk, worth(evidence), risk.stamp, asked=True)
    assert risk.observed == before


@given(moves, nats, nats)
def test_more_evidence_is_never_less_risk(steps: list[tuple[float, bool, float]], one: float, other: float) -> None:
    """Of two rows at the same moment, the one with more evidence leaves at least as much risk."""
    less, more = sorted((one, other))
    lower, higher = accumulated(steps), accumulated(steps)
    step(lower, worth(less), lower.stamp)
    step(higher, worth(more), higher.stamp)
    assert lower.level(lower.stamp) <= higher.level(higher.stamp)


@given(moves, st.floats(-1e6, 0.0))
def test_one_row_takes_away_no_more_than_a_little(steps: list[tuple[float, bool, float]], evidence: float) -> None:
    """However well a row fits, it launders no more than the least step."""
    risk = accumulated(steps)
    before = risk.observed
    step(risk, worth(evidence), risk.stamp)
    assert risk.observed >= before + LEAST_STEP - 1e-9


@given(moves)
def test_a_clock_set_back_restores_nothing(steps: list[tuple[float, bool, float]]) -> None:
    """A moment before the stamp counts as the stamp."""
    risk = accumulated(steps)
    assert risk.level(risk.stamp - 1e6) == risk.level(risk.stamp)
    stamp = risk.stamp
    step(risk, 0.0, stamp - 1e6)
    assert risk.stamp == stamp


def test_half_is_forgotten_in_a_half_life() -> None:
    """The fading is the one that the constant names."""
    risk = Risk()
    step(risk, 10.0, 0.0)
    assert risk.level(HALF_LIFE_SECONDS) == pytest.approx(5.0)


def test_what_an_own_decision_added_can_be_left_out() -> None:
    """Leaving out more than was asked leaves what was observed."""
    risk = Risk(observed=3.0, asked=2.0, stamp=5.0)
    assert [risk.level(5.0, without=less) for less in (0.0, 1.5, 9.0)] == [5.0, 3.5, 3.0]


def test_the_allowance_keeps_mild_oddity_from_adding_up() -> None:
    """A thousand mildly odd rows come to nothing; a few that are odd enough to look at come to something."""
    mild, odd = Risk(), Risk()
    for number in range(1_000):
        step(mild, worth(ALLOWANCE - 0.01), float(number))
    for number in range(3):
        step(odd, worth(ALLOWANCE + 2.0), float(number))
    assert mild.level(1_000.0) == 0.0
    assert odd.level(3.0) == pytest.approx(6.0, abs=0.1)


def test_asking_is_capped_below_every_threshold_that_ships() -> None:
    """What asks alone can come to earns, by itself, neither a step-up, nor a deny, nor a rule."""
    assert min(Thresholds().step_up, Thresholds().deny, RulePolicy().raise_at) > ASKED_CAP
