"""How odd an issuer's requesters are at once: many a little odd at one issuer is a compromised issuer.

In windows of six hours each requester counts once, with the oddest that was new about
it; their sum is held against what so many requesters of this issuer usually come to.
What makes a roll-out quiet for each requester still counts here.

Wrong when everybody moves at once for good reasons: a disaster drill, a rebuilt cluster.
So pressure makes an issuer's odd requests be looked at sooner; it denies nobody.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

from msgspec import Struct, field

WINDOW_SECONDS: Final = 6 * 3600.0
"""A working session of abuse, and several times a day to compare with."""

MOST_NATS: Final = 4.0
"""What one requester adds at most: pressure is about many."""

LEAST_WINDOWS: Final = 12
"""Windows (three days) before which an issuer has nothing to be compared with."""

LEAST_REQUESTERS: Final = 4
"""Fewer than this are not many."""

FORGET: Final = 0.99
"""What is left of a window's weight after the next: a month of them counts."""

LEAST_VARIANCE: Final = 0.1
"""Square nats a requester: no issuer is so calm that two odd requesters are an alarm."""

ALARM_AT: Final = 3.0
"""Standard deviations from which an issuer is under pressure: one window in seventy of simulated
honest ones, drills first, and two of five compromised issuers."""

TIGHTEN: Final = 1.0
"""Nats by which the step-up threshold gives at an issuer under pressure."""


class Pressure(Struct):
    """One issuer's present window, requester by requester, and its faded history."""

    window: int = 0
    odd: dict[str, float] = field(default_factory=dict)
    windows: int = 0
    requesters: float = 0.0
    nats: float = 0.0
    weight: float = 0.0
    squares: float = 0.0

    def add(self, requester: str, nats: float, now: float) -> None:
        """A requester minted here, and what was new about it came to `nats`."""
        window = int(now // WINDOW_SECONDS)
        if window != self.window:
            self._close()
            self.window = window
        self.odd[requester] = max(self.odd.get(requester, 0.0), min(nats, MOST_NATS))

    def _close(self) -> None:
        count = len(self.odd)
        if not count:
            return
        total = sum(self.odd.values())
        off = total - count * self.usual()
        self.windows += 1
        self.requesters = FORGET * self.requesters + count
        self.nats = FORGET * self.nats + total
        self.weight = FORGET * self.weight + 1.0
        self.squares = FORGET * self.squares + off * off / count
        self.odd = {}

    def usual(self) -> float:
        """What one requester's window usually comes to (nats)."""
        return self.nats / self.requesters if self.requesters else 0.0

    def deviations(self, now: float) -> float:
        """By how many standard deviations this window's requesters are odder than usual; 0 where it can't be told."""
        count = len(self.odd)
        if int(now // WINDOW_SECONDS) != self.window or self.windows < LEAST_WINDOWS or count < LEAST_REQUESTERS:
            return 0.0
        variance = self.squares / self.weight + LEAST_VARIANCE
        return (sum(self.odd.values()) - count * self.usual()) / sqrt(count * variance)
