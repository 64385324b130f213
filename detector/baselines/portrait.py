"""One requester as its events have drawn it: habits, rhythm, and how busy it is just now.

`Portrait` is what was learnt, after quarantine. `Pulse` is the present: it
follows every observed event at once, because a burst that only shows after the
quarantine shows too late; it holds counts, no values that could teach.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field
from river.stats import Var

from detector.baselines.fading import DAY
from detector.baselines.habit import Habit
from detector.baselines.histogram import Histogram
from detector.features.facets import GRANT_FACETS, USE_FACETS

HORIZONS: Final = (600.0, 3600.0, DAY)
"""Time constants (seconds) of the paces: a burst, a working hour, a day."""

GRANT_GRADES: Final = ("gap", "pace_10m", "pace_1h", "pace_1d", "spread", "unused", "refusals")
USE_GRADES: Final = ("age", "uses", "denials")
SPREAD_SECONDS: Final = 3600.0
"""Different resources within this time are a fan-out."""
MOST_SPREAD: Final = 64
"""Resources remembered for the fan-out: past it "very many" is all that matters."""


class Portrait(Struct):
    """What was learnt of one requester; `first` and `last` are its first and latest learnt stamps."""

    grants: list[Habit] = field(default_factory=lambda: [Habit() for _ in GRANT_FACETS])
    uses: list[Habit] = field(default_factory=list)
    hours: Histogram = field(default_factory=Histogram)
    grades: list[Histogram] = field(default_factory=lambda: [Histogram() for _ in GRANT_GRADES])
    use_grades: list[Histogram] = field(default_factory=list)
    lifetime: Var = field(default_factory=Var)
    events: int = 0
    first: float = 0.0
    last: float = 0.0

    def open_uses(self) -> list[Habit]:
        """The usage habits, made at the first use: many credentials are never seen used."""
        if not self.uses:
            self.uses = [Habit() for _ in USE_FACETS]
            self.use_grades = [Histogram() for _ in USE_GRADES]
        return self.uses


class Pulse(Struct):
    """How busy a requester is: faded counts of its latest events, by horizon."""

    last: float = 0.0
    paces: list[float] = field(default_factory=lambda: [0.0] * len(HORIZONS))
    refusals: float = 0.0
    denials: float = 0.0
    denied_at: float = 0.0
    unused: float = 0.0
    unused_at: float = 0.0
    recent: dict[str, float] = field(default_factory=dict)

    def gap(self, now: float) -> float:
        """Seconds since the last grant; 0 for the first."""
        return max(now - self.last, 0.0) if self.last else 0.0

    def pace(self, horizon: int, now: float) -> float:
        """Grants lately, fading with the horizon's time constant."""
        return self.paces[horizon] * _fade(now - self.last, HORIZONS[horizon])

    def spread(self, resource: str, now: float) -> int:
        """Different resources asked for in the last hour, this one counted."""
        since = now - SPREAD_SECONDS
        others = sum(1 for r, at in self.recent.items() if at >= since and r != resource)
        return others + 1

    def refused(self, now: float) -> float:
        """Refused grants lately, fading over an hour."""
        return self.refusals * _fade(now - self.last, HORIZONS[1])

    def denied(self, now: float) -> float:
        """Denied uses lately, fading over an hour."""
        return self.denials * _fade(now - self.denied_at, HORIZONS[1])

    def beat(self, resource: str, now: float, *, refused: bool) -> None:
        """Count one grant, or one refused."""
        refusals = self.refused(now)
        self.paces = [self.pace(i, now) + 1.0 for i in range(len(HORIZONS))]
        self.refusals = refusals + 1.0 if refused else refusals
        self.last = max(now, self.last)
        recent = self.recent
        recent.pop(resource, None)
        recent[resource] = now
        if len(recent) > MOST_SPREAD:
            del recent[next(iter(recent))]

    def idle(self, now: float) -> float:
        """Credentials minted and not used yet, fading over a day: some logs never show a use."""
        return self.unused * _fade(now - self.unused_at, DAY)

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
    return float(2.718281828459045 ** (-elapsed / horizon)) if elapsed > 0 else 1.0
