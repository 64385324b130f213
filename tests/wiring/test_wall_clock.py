"""The machine's clock may be set; the log's time never goes back, and never stands still."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.features.rhythm import DAY
from detector.rules import Selector
from detector.wiring.compose import embedded
from detector.wiring.files import load
from detector.wiring.settings import Settings
from detector.wiring.wall_clock import PACE, WallClock

HOUR = 3_600.0
YEARS = 3_650 * DAY


class Machine:
    """A clock that goes, and may be set."""

    def __init__(self) -> None:
        self.shows = 1_772_409_600.0

    def __call__(self) -> float:
        """What it shows."""
        return self.shows


@given(st.lists(st.floats(-1e9, 1e9), max_size=30))
def test_it_never_goes_back_and_never_behind_the_machine(steps: list[float]) -> None:
    """However the machine's clock is set, and however it goes."""
    machine = Machine()
    clock = WallClock(machine)
    told = [clock()]
    for step in steps:
        machine.shows += step
        told.append(clock())
        assert told[-1] >= machine.shows
    assert all(before <= after for before, after in pairwise(told))


def test_set_back_it_goes_on_at_half_the_pace_until_it_is_caught_up_with() -> None:
    """A day ahead for a moment: an hour later half an hour has passed, two days later it is the machine's own time."""
    machine = Machine()
    clock = WallClock(machine)
    begun = clock()
    machine.shows += DAY
    assert clock() == begun + DAY
    machine.shows -= DAY
    assert clock() == begun + DAY
    machine.shows += HOUR
    assert clock() == begun + DAY + PACE * HOUR
    machine.shows += 2 * DAY
    assert clock() == machine.shows


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, in a directory of the test's own."""
    return load(None, environment={}, overrides={"server": {"data": tmp_path / "data"}})


def test_a_slip_of_ten_years_leaves_no_rule_in_force_for_ten_years(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set right again after a minute, also by a restart: a rule of an hour raised meanwhile ends within two."""
    machine = Machine()
    monkeypatch.setattr("detector.wiring.compose.WallClock", lambda: WallClock(machine))
    store = embedded(settings, warn=pytest.fail)
    machine.shows += YEARS
    selector = Selector(requester="svc", resource="x")
    rule, _ = store.engine.propose_rule(
        selector, by="me", reason="x", lifetime_seconds=HOUR, goal="enforced", override="x"
    )
    store.close()
    machine.shows -= YEARS
    again = embedded(settings, warn=pytest.fail)
    assert again.engine.rules()[0].state(again.engine.now()) == "enforced"
    machine.shows += 2 * HOUR
    assert again.engine.rules()[0].state(again.engine.now()) == "expired"
    assert rule.expires > machine.shows, "by the machine's own clock it would be in force for years"
    again.close()
