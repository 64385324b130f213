"""What the routes serve from, and how they take turns with it.

The engine is single-threaded and lives on the event loop's thread: a route
calls it directly, and one that has much to do stops for breath.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Scope
from structlog.typing import FilteringBoundLogger

from detector.api.access import Readings
from detector.api.callers import Gate
from detector.api.durability import Durability
from detector.api.limits import LARGE_AT_ONCE, STRANGER, Limits
from detector.engine import Engine
from detector.engine.ports import Log
from detector.signals.transmitter import Transmitter
from detector.stepup.desk import Desk
from detector.telemetry import Telemetry

TURN_SECONDS: Final = 0.003
"""Long work holds the loop this long at a time: a score that arrives meanwhile waits for a few such turns at
most, which is below what a broker notices, and the loop's own turn costs a hundredth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The engine and what stands around it; made once by `create_app`."""

    engine: Engine
    log: Log
    gate: Gate
    readings: Readings
    durability: Durability
    limits: Limits
    telemetry: Telemetry
    logger: FilteringBoundLogger
    desk: Desk
    clock: Callable[[], float]
    signals: Transmitter | None = None
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))
    strangers: asyncio.Lock = field(default_factory=asyncio.Lock)

    def long_work(self, scope: Scope) -> AbstractAsyncContextManager[object]:
        """Taken around long work: strangers do theirs one after the other, so that it costs others one turn in two."""
        return self.strangers if STRANGER in scope else nullcontext()


class Turns:
    """Lets others have the loop now and then during long work."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def rest(self) -> None:
        """Give up the loop if this turn has been long enough."""
        if time.perf_counter() - self._since >= TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = time.perf_counter()
