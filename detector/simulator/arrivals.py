"""When a requester asks: season, bursts, heavy tails, clocks and surges.

Sessions arrive as a Poisson process whose daily rate is itself drawn (gamma),
so that days are over-dispersed as real ones are, and each session holds a
geometric number of requests at log-normal gaps. Fitted by eye and by
`tests/simulator/test_arrivals.py` to real arrivals.
When it is wrong: no dependence between requesters but through upheavals.
"""

from __future__ import annotations

import math

from detector.simulator.dice import Dice
from detector.simulator.model import DAY, HOUR, LONG_DAYS, Requester, Rhythm

Arrival = tuple[float, int, str | None]
"""A time, the session it belongs to, and the upheaval that caused it."""


_FRESH = 2 * DAY  # for so long the clocks' shift shows
_MATURE = 60 * DAY  # in a long log, what grows or dwindles has done most of it by then


def arrivals(requester: Requester, start: float, end: float, dice: Dice) -> list[Arrival]:
    """Every time the requester asks, in order, between its birth and its end."""
    rhythm, out, session = requester.rhythm, list[Arrival](), 0
    first, last = max(start, requester.since), min(end, requester.until)
    day, long = first - (first - start) % DAY, end - start > LONG_DAYS * DAY
    while day < last:
        for at, because in _starts(
            rhythm, day, _MATURE * -math.expm1((start - day) / _MATURE) if long else day - start, dice
        ):
            session += 1
            out.extend(
                (time, session, because)
                for time in _session(rhythm, at, dice)
                if first <= time < last and not _asleep(rhythm, time)
            )
        day += DAY
    out.sort()
    return out


def _starts(rhythm: Rhythm, day: float, grown: float, dice: Dice) -> list[tuple[float, str | None]]:
    """When this (UTC) day's sessions begin; it has grown for `grown` seconds."""
    clock = rhythm.offset.draw(dice, day)
    offset = clock.value * HOUR
    shifted = clock.because if day - clock.since < _FRESH else None
    weekday = int((day + offset) // DAY + 3) % 7  # 1970-01-01 was a Thursday
    quiet = rhythm.weekend if weekday >= 5 else 1.0  # noqa: PLR2004 - Saturday
    growth = 1.0 + rhythm.growth_per_day * grown / DAY
    lull = min((x.factor for x in rhythm.lulls if x.since <= day < x.until), default=1.0)
    factor = quiet * growth * lull * dice.gamma(rhythm.evenness)
    out: list[tuple[float, str | None]] = []
    if rhythm.clock:
        for hour in rhythm.clock:
            if dice.chance((0.985 if weekday < 5 else rhythm.weekend) * lull):  # noqa: PLR2004
                late = dice.exponential(rhythm.gap_seconds) if dice.chance(0.95) else dice.exponential(1800.0)
                out.append((day + (hour * HOUR - offset) % DAY + late, shifted))
    else:
        for _ in range(dice.poisson(rhythm.per_day * factor / rhythm.session)):
            hour = dice.weighted(range(24), rhythm.hours) + dice.unit()
            out.append((day + (hour * HOUR - offset) % DAY, shifted))
    for surge in rhythm.surges:
        since, until = max(day, surge.since), min(day + DAY, surge.until)
        if since < until:
            extra = rhythm.per_day * (surge.factor - 1.0) * (until - since) / DAY / rhythm.session
            out.extend((dice.between(since, until), surge.because) for _ in range(dice.poisson(extra)))
    return out


def _session(rhythm: Rhythm, at: float, dice: Dice) -> list[float]:
    """The times of one session's requests."""
    times = [at]
    if not rhythm.clock:
        for _ in range(dice.geometric(rhythm.session - 1.0)):
            times.append(times[-1] + 1.0 + dice.lognormal(rhythm.gap_seconds, 1.1))
    return times


def _asleep(rhythm: Rhythm, time: float) -> bool:
    return any(since <= time < until for since, until in rhythm.quiet)
