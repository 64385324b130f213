"""Waiting for the disk without waiting in line: one wake-up for a whole group commit.

The log's own thread makes a batch of records durable at once and resolves a
future for each. Waking the event loop for every one of them costs more than
answering the request, so they are handed over together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial


class Durability:
    """Tells requests that their record is on the disk, or that it will not be in time.

    `deadline` is in seconds, one for all, so that whoever came first is given up
    first and one timer serves everybody; `heard` is told how long each record
    took (seconds).
    """

    def __init__(self, *, deadline: float, heard: Callable[[float], None]) -> None:
        self._deadline = deadline
        self._heard = heard
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[float, asyncio.Future[bool]]] = deque()
        self._landed: deque[tuple[asyncio.Future[bool], float, Future[int]]] = deque()
        self._woken = False
        self._timer: asyncio.TimerHandle | None = None

    async def of(self, record: Future[int] | None) -> bool:
        """Whether the record is durable before the deadline. `None` is one that was durable long ago."""
        if record is None or record.done():
            return landed(record)
        loop = self._running_loop()
        ends = loop.time() + self._deadline
        waiter = self._waiter(record)
        self._waiting.append((ends, waiter))
        if self._timer is None:
            self._timer = loop.call_at(ends, self._give_up)
        return await waiter

    async def of_bulk(self, record: Future[int] | None, *, seconds: float) -> bool:
        """As `of`, with a deadline of its own: for work that may wait longer than a broker does."""
        if record is None or record.done():
            return landed(record)
        self._running_loop()
        waiter = self._waiter(record)
        done, _ = await asyncio.wait({waiter}, timeout=seconds)
        return waiter in done and waiter.result()

    def _waiter(self, record: Future[int]) -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        record.add_done_callback(partial(self._hand_over, waiter, loop.time()))
        return waiter

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a test's second loop: nothing of the first one can be woken any more
            self._loop, self._timer, self._woken = loop, None, False
            self._waiting.clear()
            self._landed.clear()
        return loop

    def _hand_over(self, waiter: asyncio.Future[bool], since: float, record: Future[int]) -> None:
        """On the log's thread: leave word, and wake the loop unless it has been woken already."""
        self._landed.append((waiter, since, record))
        if not self._woken and self._loop is not None:
            self._woken = True
            with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        """On the loop: answer everyone whose record landed. The flag falls first, so that no word is missed."""
        self._woken = False
        now = asyncio.get_running_loop().time()
        while self._landed:
            waiter, since, record = self._landed.popleft()
            self._heard(now - since)
            if not waiter.done():
                waiter.set_result(landed(record))

    def _give_up(self) -> None:
        """On the loop: tell those whose deadline has come that their record is still on its way."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting and (self._waiting[0][0] <= now or self._waiting[0][1].done()):
            _, waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(False)
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0][0], self._give_up)


def landed(record: Future[int] | None) -> bool:
    """Whether the record is durable by now, without waiting; `None` was durable long ago."""
    if record is None:
        return True
    if not record.done():
        return False
    try:
        return record.exception() is None
    except CancelledError:
        return False
