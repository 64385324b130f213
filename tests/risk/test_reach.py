"""Reach and stake: more privilege, sensitivity, lifetime or reach is never less at stake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.risk.reach import MOST_DEVIATIONS, PRIVILEGES, SENSITIVITIES, UNKNOWN, Reach, points

rights = st.tuples(st.sampled_from((*PRIVILEGES, "")), st.sampled_from((*SENSITIVITIES, "")))


@given(rights, st.floats(1.0, 1e7), st.floats(1.0, 1e7), st.floats(0.0, 1e4))
def test_more_is_never_less_at_stake(right: tuple[str, str], one: float, other: float, more: float) -> None:
    """In lifetime, in points and in what requester and issuer already reach."""
    short, long = sorted((one, other))
    near, far = Reach(), Reach()
    far.extend("r", "i", more)
    worth = points(*right)
    assert worth >= UNKNOWN
    assert near.stake("r", "i", worth, short) <= near.stake("r", "i", worth, long)
    assert near.stake("r", "i", worth, short) <= far.stake("r", "i", worth, short)
    assert near.stake("r", "i", worth, short) <= near.stake("r", "i", worth * 2.0, short)


@given(st.lists(st.floats(-5.0, 10.0), min_size=2, max_size=50))
def test_deviations_are_of_what_was_counted(stakes: list[float]) -> None:
    """The running mean and deviation are the textbook's; the result is bounded, and 0 while all are alike."""
    reach = Reach()
    for stake in stakes:
        reach.count(stake)
    mean = sum(stakes) / len(stakes)
    deviation = (sum((stake - mean) ** 2 for stake in stakes) / len(stakes)) ** 0.5
    assert reach.mean == pytest.approx(mean, abs=1e-9)
    assert abs(reach.deviations(1e9)) <= MOST_DEVIATIONS
    if deviation > 1e-6:
        assert reach.deviations(mean + deviation) == pytest.approx(1.0, rel=1e-3)


def test_a_right_is_worth_its_privilege_times_its_sensitivity() -> None:
    """Administration of something critical is worth eighty times reading something that nobody called sensitive."""
    assert points("admin", "critical") == 80.0 * points("read", "low")


def test_an_identity_reaches_as_far_as_its_rights() -> None:
    """And so does its issuer."""
    reach = Reach()
    reach.extend("r", "i", 3.0)
    reach.extend("r", None, 10.0)
    assert (reach.requesters, reach.issuers) == ({"r": 13.0}, {"i": 3.0})
