"""The machine's clock as the log's time follows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

PACE: Final = 0.5
"""Of a clock that was set back: slow enough to be caught up with, quick enough that what lasts an hour is over in two.
Held against a simulated life that is set back a day, no honest request is denied for it."""


class WallClock:
    """Goes forwards with the machine's clock, at once, and never back.

    A clock that was set ahead and set right again would hold the log's time where it is until it has caught up, a day
    or after a slip of the year ten years, in which no rule ends, no risk fades and nothing is learnt. So it
    goes on from there at half the machine's pace until then. Wrong meanwhile: everything lasts twice as long.

    >>> shown = iter([100.0, 100.0, 40.0, 60.0, 200.0])
    >>> clock = WallClock(reading=lambda: next(shown))
    >>> [clock(), clock(), clock(), clock()]
    [100.0, 100.0, 110.0, 200.0]
    """

    __slots__ = ("_read", "_reading", "_told")

    def __init__(self, reading: Callable[[], float] = time.time) -> None:
        self._reading = reading
        self._read = self._told = reading()

    def begin(self, stamp: float) -> None:
        """Go on from a log's newest stamp (Unix seconds), where the machine's clock is behind it."""
        self._told = max(self._told, stamp)

    def __call__(self) -> float:
        """Unix seconds."""
        read = self._reading()
        passed = max(read - self._read, 0.0)
        self._read, self._told = read, max(read, self._told + PACE * passed)
        return self._told
