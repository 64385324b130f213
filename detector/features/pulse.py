"""How busy a requester is just now: paces, fan-out, what it left unused, how often it was refused.

A pulse follows every observed event at once, because a burst that only shows
after the quarantine shows too late. It holds counts of the present, nothing
that could teach: what is usual is learnt from its grades, after quarantine.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct, field

from detector.features.rhythm import DAY

HORIZONS: Final = (600.0, 3600.0, DAY)
"""Time constants (seconds) of the paces: a burst, a working hour, a day."""

SPREAD_SECONDS: Final = 3600.0
"""Different resources within this time are a fan-out."""

MOST_SPREAD: Final = 32
"""Resources remembered for the fan-out: past it "very many" is all that matters."""


class Pulse(Struct):
    """Faded counts of the latest grants and uses. Times are the log's clock, Unix seconds."""

    last: float = 0.0
    paces: tuple[float, float, float] = (0.0, 0.0, 0.0)
    refusals: float = 0.0
    denials: float = 0.0
    denied_at: float = 0.0
    unused: float = 0.0
    unused_at: float = 0.0
    recent: dict[str, float] = field(default_factory=dict)

    def gap(self, now: float) -> float | None:
        """Seconds since the last grant; `None` for the first."""
        return max(now - self.last, 0.0) if self.last else None

    def pace(self, now: float) -> tuple[float, float, float]:
        """Grants lately by horizon, each fading with its time constant."""
        elapsed = now - self.last
        if elapsed <= 0:
            return self.paces
        exp, (burst, hour, day) = math.exp, self.paces
        return (
            burst * exp(-elapsed / HORIZONS[0]),
            hour * exp(-elapsed / HORIZONS[1]),
            day * exp(-elapsed / HORIZONS[2]),
        )

    def spread(self, resource: str, now: float) -> int:
        """Different resources asked for in the last hour, this one counted."""
        since, count = now - SPREAD_SECONDS, 1
        for name in reversed(self.recent):
            if self.recent[name] < since:
                break
            if name != resource:
                count += 1
        return count

    def refused(self, now: float) -> float:
        """Refused grants lately, fading over an hour."""
        return self.refusals and self.refusals * _fade(now - self.last, HORIZONS[1])

    def denied(self, now: float) -> float:
        """Denied uses lately, fading over an hour."""
        return self.denials and self.denials * _fade(now - self.denied_at, HORIZONS[1])

    def idle(self, now: float) -> float:
        """Credentials minted and not used yet, fading over a day: some logs never show a use."""
        return self.unused and self.unused * _fade(now - self.unused_at, DAY)

    def beat(self, resource: str, now: float, *, refused: bool) -> None:
        """Count one grant, or one refused."""
        refusals = self.refused(now)
        burst, hour, day = self.pace(now)
        self.paces = (burst + 1.0, hour + 1.0, day + 1.0)
        self.refusals = refusals + 1.0 if refused else refusals
        self.last = max(now, self.last)
        recent = self.recent
        recent.pop(resource, None)
        recent[resource] = now
        if len(recent) > MOST_SPREAD:
            del recent[next(iter(recent))]

    def minted(self, now: float) -> None:
        """Count one credential that nobody has used yet."""
        self.unused = self.idle(now) + 1.0
        self.unused_at = now

    def first_use(self) -> None:
        """One of the unused credentials was used."""
        self.unused = max(self.unused - 1.0, 0.0)

    def use(self, now: float, *, denied: bool) -> None:
        """Count one use of a credential."""
        if denied:
            self.denials = self.denied(now) + 1.0
            self.denied_at = now


def _fade(elapsed: float, horizon: float) -> float:
    return math.exp(-elapsed / horizon) if elapsed > 0 else 1.0
