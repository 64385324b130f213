"""When and how much: hours, half octaves, and how busy a requester is just now."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.features.pulse import DAY, HORIZONS, MOST_SPREAD, SPREAD_SECONDS, Pulse
from detector.features.rhythm import GRADES, HOURS, grade, hour_of_week

NOON = 1_772_452_800.0  # Monday, 2026-03-02T12:00:00Z


@given(st.floats(0, 7e9))
def test_the_hour_of_the_week_is_the_calendars(time: float) -> None:
    """Hours 0 to 23 of a working day, 24 to 47 of Saturday and Sunday, in UTC, as the calendar has it."""
    at = datetime.fromtimestamp(int(time), UTC)
    expected = at.hour + (24 if at.isoweekday() >= 6 else 0)
    assert hour_of_week(time) == expected < HOURS


@given(st.floats(0, 1e300), st.floats(0, 1e300))
def test_grades_never_fall(one: float, other: float) -> None:
    """More is never a lower grade, whatever the quantity, and a grade is always one of the grades."""
    less, more = sorted((one, other))
    assert 0 <= grade(less) <= grade(more) < GRADES


def test_grades_are_half_octaves() -> None:
    """Nothing is grade 0; doubling a large quantity is two grades; small differences are none."""
    assert grade(0.0) == grade(-5.0) == 0
    assert grade(2_000.0) - grade(1_000.0) == 2
    assert grade(300.0) == grade(310.0)
    assert grade(1e30) == GRADES - 1


def test_pace_counts_and_fades() -> None:
    """Each grant counts one on every horizon and fades with the horizon's own time constant."""
    pulse = Pulse()
    for _ in range(10):
        pulse.beat("r", NOON, refused=False)
    assert pulse.pace(NOON) == (10.0, 10.0, 10.0)
    faded = pulse.pace(NOON + HORIZONS[0])
    assert faded[0] == pytest.approx(10.0 / 2.718281828, rel=1e-6)
    assert faded[0] < faded[1] < faded[2] < 10.0


def test_a_gap_is_the_time_since_the_last_grant() -> None:
    """The first grant has no gap; a clock set back makes none either."""
    pulse = Pulse()
    assert pulse.gap(NOON) is None
    pulse.beat("r", NOON, refused=False)
    assert (pulse.gap(NOON + 90.0), pulse.gap(NOON - 90.0)) == (90.0, 0.0)


def test_the_spread_counts_different_resources_of_the_last_hour() -> None:
    """This one counted, the same one once, and those of more than an hour ago not."""
    pulse = Pulse()
    assert pulse.spread("a", NOON) == 1
    for number, resource in enumerate("abcab"):
        pulse.beat(resource, NOON + number, refused=False)
    assert pulse.spread("a", NOON + 10.0) == 3
    assert pulse.spread("d", NOON + 10.0) == 4
    assert pulse.spread("d", NOON + SPREAD_SECONDS + 10.0) == 1


def test_the_spread_is_bounded() -> None:
    """Past some thirty resources "very many" is all that is remembered."""
    pulse = Pulse()
    for number in range(1_000):
        pulse.beat(f"r{number}", NOON, refused=False)
    assert len(pulse.recent) <= MOST_SPREAD
    assert pulse.spread("new", NOON) == MOST_SPREAD + 1


def test_refusals_and_denials_fade_within_hours() -> None:
    """Refused grants and denied uses count one each and are forgotten by the next day."""
    pulse = Pulse()
    for _ in range(3):
        pulse.beat("r", NOON, refused=True)
        pulse.use(NOON, denied=True)
        pulse.use(NOON, denied=False)
    assert (pulse.refused(NOON), pulse.denied(NOON)) == (3.0, 3.0)
    later = NOON + HORIZONS[1]
    assert 1.0 < pulse.refused(later) < 1.2
    assert 1.0 < pulse.denied(later) < 1.2
    assert pulse.denied(NOON + DAY) < 1e-6


def test_unused_mints_never_fall_below_none() -> None:
    """More first uses than mints, as late logs may have it, leave nothing unused, not less."""
    pulse = Pulse()
    pulse.minted(NOON)
    for _ in range(3):
        pulse.first_use()
    assert pulse.idle(NOON) == 0.0


@given(st.lists(st.floats(0, 3e5), min_size=2, max_size=20))
def test_with_time_alone_a_pulse_only_calms_down(times: list[float]) -> None:
    """Nothing that a pulse counts grows by waiting, except the gap."""
    pulse = Pulse()
    pulse.beat("r", NOON, refused=True)
    pulse.use(NOON, denied=True)
    pulse.minted(NOON)
    for earlier, later in pairwise(sorted(times)):
        for count in (pulse.refused, pulse.denied, pulse.idle):
            assert count(NOON + later) <= count(NOON + earlier)
        assert all(b <= a for a, b in zip(pulse.pace(NOON + earlier), pulse.pace(NOON + later), strict=True))
        assert pulse.spread("x", NOON + later) <= pulse.spread("x", NOON + earlier)
        assert pulse.gap(NOON + later) >= pulse.gap(NOON + earlier)
