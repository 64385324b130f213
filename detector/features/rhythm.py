"""When, and how much: the hour of the week, and quantities as grades.

A grade is a small integer, coarser as the quantity grows (half octaves), so
that "three a minute" and "thirty a minute" differ and 300 and 310 do not.
"""

from __future__ import annotations

from math import log2 as _log2
from typing import Final

DAY_HOURS: Final = 24

HOURS: Final = 2 * DAY_HOURS
"""Hours of a working day, then of a day of the weekend (UTC)."""

WATCH: Final = 4
"""Hours in a watch: as sailors keep them, six to a day."""

GRADES: Final = 48
"""Half octaves up to 2**24: seven months in seconds, sixteen million of anything."""

UNTOLD: Final = -1
"""The grade of what cannot be told: the distance from the last request, of the first one."""

SITTING_SECONDS: Final = 3_600.0
"""A request that follows another within this time belongs to the same sitting, and keeps its hours."""

DAY: Final = 86_400.0
"""Seconds in a day, for all who count in days."""

_DAY: Final = int(DAY)
_HOUR: Final = 3_600
_THURSDAY: Final = 4
"""1970-01-01 was a Thursday: days since then, plus this, modulo seven, are 0 on Sunday."""
_SATURDAY: Final = 6


def hour_of_week(time: float) -> int:
    """The hour (UTC) on a working day, 0 to 23, or of the weekend, 24 to 47."""
    seconds = int(time)
    weekday = (seconds // _DAY + _THURSDAY) % 7
    hour = seconds % _DAY // _HOUR
    return hour + 24 if weekday in {0, _SATURDAY} else hour


def watch(time: float) -> str:
    """The watch (UTC) that a time falls in.

    >>> watch(0.0), watch(3 * 86_400.0 - 1.0)
    ('00:00 to 04:00 on a working day', '20:00 to 24:00 on a weekend')
    """
    hour = hour_of_week(time)
    start = hour % DAY_HOURS // WATCH * WATCH
    return f"{start:02d}:00 to {start + WATCH:02d}:00 on a {'working day' if hour < DAY_HOURS else 'weekend'}"


def grade(quantity: float) -> int:
    """A quantity (0 and up) in half octaves.

    >>> [grade(x) for x in (0, 0.5, 1, 2, 60, 3600)]
    [0, 1, 2, 3, 11, 23]
    """
    if not quantity > 0:
        return 0
    found = int(2.0 * _log2(1.0 + quantity))
    return found if found < GRADES else GRADES - 1
