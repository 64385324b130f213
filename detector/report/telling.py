"""How moments, numbers and names are told: the same value, the same text, on every machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

REDACTED: Final = "redacted:"
"""What a value begins with that was redacted before it was logged: a keyed hash, which says nothing else."""

LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""Past it a calendar has no dates; a lifetime that long is a mistake, and told as this."""


def moment(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC, to the millisecond.

    >>> moment(1_772_409_600.0)
    '2026-03-02T00:00:00.000Z'
    """
    told = datetime.fromtimestamp(min(max(seconds, 0.0), LATEST), UTC)
    return told.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def opaque(value: str) -> bool:
    """Whether a value was redacted: then nothing may be read out of its characters."""
    return value.startswith(REDACTED)


class Names(Struct):
    """The first few different names of something, and whether there were more.

    Kept as a tuple: most identities have one or two, and it costs a tenth of a set.
    """

    shown: tuple[str, ...] = ()
    more: bool = False

    def add(self, name: str, limit: int) -> None:
        """See a name; past `limit` different ones it is only noted that there are more."""
        if name in self.shown:
            return
        if len(self.shown) >= limit:
            self.more = True
        else:
            self.shown = (*self.shown, name)


class Spread:
    """How something in seconds is spread: how many, the least, the most, the median.

    Values are kept to three digits, so that a few thousand counters hold any number of them:
    the median is right to half a percent, the least and the most are exact.

    >>> spread = Spread()
    >>> for seconds in (900.0, 900.0, 3_600.0): spread.add(seconds)
    >>> spread.count, spread.median(), spread.most
    (3, 900.0, 3600.0)
    """

    __slots__ = ("_counts", "count", "least", "most")

    def __init__(self) -> None:
        self._counts: dict[float, int] = {}
        self.count = 0
        self.least: float | None = None
        self.most: float | None = None

    def add(self, seconds: float) -> None:
        """Take one value in."""
        if self.least is None or seconds < self.least:
            self.least = seconds
        if self.most is None or seconds > self.most:
            self.most = seconds
        kept = float(f"{seconds:.3g}")
        self._counts[kept] = self._counts.get(kept, 0) + 1
        self.count += 1

    def median(self) -> float | None:
        """The middle one, of an even number the lower of the two; `None` where there is none."""
        half = (self.count + 1) // 2
        for seconds in sorted(self._counts):
            half -= self._counts[seconds]
            if half <= 0:
                return seconds
        return None
