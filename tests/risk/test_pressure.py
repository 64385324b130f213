"""Pressure: many requesters a little odd at one issuer at once, against what that issuer is used to."""

from __future__ import annotations

import random

from detector.risk.pressure import ALARM_AT, LEAST_REQUESTERS, LEAST_WINDOWS, MOST_NATS, WINDOW_SECONDS, Pressure


def used_to(share: float, *, windows: int = 80, requesters: int = 20, seed: int = 7) -> tuple[Pressure, float]:
    """An issuer of which such a share of requesters is a little odd in every window; and now."""
    dice, pressure, now = random.Random(seed), Pressure(), 0.0
    for window in range(1, windows + 1):
        now = window * WINDOW_SECONDS
        for number in range(requesters):
            pressure.add(f"r{number}", 2.0 if dice.random() < share else 0.0, now)
    return pressure, now + WINDOW_SECONDS


def test_many_odd_at_once_are_an_alarm_and_one_very_odd_is_none() -> None:
    """Whoever holds the issuer shows in how many are odd, not in how odd one is."""
    for odd, alarm in ((1, False), (14, True)):
        pressure, now = used_to(0.1)
        for number in range(20):
            pressure.add(f"r{number}", 50.0 if odd == 1 and number == 0 else 2.5 if number < odd else 0.0, now)
        assert (pressure.deviations(now) >= ALARM_AT) is alarm
        assert sum(pressure.odd.values()) <= 20 * MOST_NATS


def test_what_an_issuer_is_used_to_is_no_alarm() -> None:
    """Half of them odd is pressure at a calm issuer, and an ordinary day at a restless one."""
    for share, alarm in ((0.05, True), (0.5, False)):
        pressure, now = used_to(share)
        for number in range(20):
            pressure.add(f"r{number}", 2.0 if number % 2 else 0.0, now)
        assert (pressure.deviations(now) >= ALARM_AT) is alarm


def test_it_says_nothing_where_it_cannot_tell() -> None:
    """With too short a history, with too few requesters, and after the window has passed."""
    young, now = used_to(0.1, windows=LEAST_WINDOWS)
    for number in range(20):
        young.add(f"r{number}", 4.0, now)
    assert young.deviations(now) > ALARM_AT
    assert young.deviations(now + WINDOW_SECONDS) == 0.0
    new, soon = used_to(0.1, windows=LEAST_WINDOWS - 1)
    few, later = used_to(0.1)
    for number in range(LEAST_REQUESTERS - 1):
        few.add(f"r{number}", 4.0, later)
    for number in range(20):
        new.add(f"r{number}", 4.0, soon)
    assert new.deviations(soon) == few.deviations(later) == 0.0


def test_an_alarm_is_seldom_where_nothing_happens() -> None:
    """In fewer than one window in a hundred of a steady issuer."""
    dice, pressure, alarms = random.Random(7), Pressure(), 0
    for window in range(1, 1_001):
        now = window * WINDOW_SECONDS
        for number in range(20):
            pressure.add(f"r{number}", dice.expovariate(1.0) if dice.random() < 0.2 else 0.0, now)
        alarms += pressure.deviations(now) >= ALARM_AT
    assert alarms < 10
