"""A circuit breaker: who has failed lately is left alone for a while, then asked again by few.

Closed, everybody asks. It opens after so many failures in a row, or once so large a share of the latest asks has
failed; open, nobody asks. When its pause is over it is half open: at most `probes` ask at a time, and the first failure
opens it again, for twice as long; `successes` in a row close it.

Wrong where failures are the asker's own: those must not be counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

BreakerState: TypeAlias = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tripping:
    """When a breaker opens, for how long, and how it closes. Raises `ValueError` naming what cannot be.

    `share` of the latest `window` asks, at `consecutive` failures in a row at the latest. The pause is
    `open_seconds` at first, and `longest_open_seconds` at most; between half and all of it, by chance, so that
    many brokers do not come back at once.
    """

    consecutive: int = 5
    share: float = 0.5
    window: int = 20
    open_seconds: float = 1.0
    longest_open_seconds: float = 30.0
    probes: int = 1
    successes: int = 2

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("consecutive", "window", "probes", "successes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: must be 1 or more, not {getattr(self, name)}")
        if not 0 < self.share <= 1:
            raise ValueError(f"share: must be above 0 and at most 1, not {self.share}")
        if not 0 < self.open_seconds <= self.longest_open_seconds < float("inf"):
            raise ValueError("open_seconds: must be above 0, and at most longest_open_seconds, which is finite")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to ask once: in which era of the breaker it was given, and whether it is a probe."""

    era: int
    probe: bool


class Breaker:
    """One circuit. `monotonic` is in seconds, `dice` gives numbers in [0, 1), `changed` hears of a new state."""

    def __init__(
        self,
        tripping: Tripping,
        *,
        monotonic: Callable[[], float],
        dice: Callable[[], float],
        changed: Callable[[BreakerState], None] = lambda _: None,
    ) -> None:
        self._tripping, self._monotonic, self._dice, self._changed = tripping, monotonic, dice, changed
        self._era = 0
        self._until: float | None = None
        self._pause = tripping.open_seconds
        self._failed_in_row = 0
        self._latest: deque[bool] = deque(maxlen=tripping.window)
        self._probing = 0
        self._succeeded = 0

    @property
    def state(self) -> BreakerState:
        """As it is now."""
        if self._until is None:
            return "closed"
        return "open" if self._monotonic() < self._until else "half_open"

    def enter(self) -> Ticket | None:
        """Leave to ask, to be handed back by `leave` or `forget`; `None` where nobody is to ask now."""
        state = self.state
        if state == "closed":
            return Ticket(self._era, probe=False)
        if state == "open" or self._probing >= self._tripping.probes:
            return None
        if not self._probing and not self._succeeded:
            self._changed("half_open")
        self._probing += 1
        return Ticket(self._era, probe=True)

    def leave(self, ticket: Ticket, *, ok: bool) -> None:
        """Tell how it went. What was asked before the breaker last changed says nothing about now."""
        if ticket.era != self._era:
            return
        if ticket.probe:
            self._probing -= 1
            self._probed(ok=ok)
            return
        self._latest.append(ok)
        self._failed_in_row = 0 if ok else self._failed_in_row + 1
        failed = self._latest.count(False)
        full = len(self._latest) == self._tripping.window
        if self._failed_in_row >= self._tripping.consecutive or (
            full and failed >= self._tripping.share * len(self._latest)
        ):
            self._open()

    def forget(self, ticket: Ticket) -> None:
        """The ask was given up by its asker: it says nothing."""
        if ticket.era == self._era and ticket.probe:
            self._probing -= 1

    def _probed(self, *, ok: bool) -> None:
        if not ok:
            self._pause = min(2 * self._pause, self._tripping.longest_open_seconds)
            self._open()
            return
        self._succeeded += 1
        if self._succeeded >= self._tripping.successes:
            self._until, self._pause = None, self._tripping.open_seconds
            self._turn("closed")

    def _open(self) -> None:
        self._until = self._monotonic() + self._pause * (0.5 + 0.5 * self._dice())
        self._turn("open")

    def _turn(self, state: BreakerState) -> None:
        self._era += 1
        self._probing = self._succeeded = self._failed_in_row = 0
        self._latest.clear()
        self._changed(state)
