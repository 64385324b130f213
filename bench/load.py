"""A load generator that costs little: raw HTTP/1.1 over kept connections, requests prepared beforehand.

It shares two cores with the server that it measures, so a costly client would
measure itself: this one spends 70 µs of processor time a request where k6 spent
140 beside it, and both report the same latencies.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_MARK = re.compile(rb"\"recorded\":false")


@dataclass(slots=True)
class Outcome:
    """What came back: how often which status, how long each took (seconds), over how long."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    unrecorded: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """The latency that this share of answers did not exceed, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3

    def check(self) -> None:
        """Raise where anything but 200 came back: a refused request is quick, and no measure."""
        if set(self.statuses) != {200}:
            message = f"answers were not all 200: {dict(self.statuses)}"
            raise RuntimeError(message)


class Connection(asyncio.Protocol):
    """One kept connection with at most one request under way."""

    def __init__(self, outcome: Outcome) -> None:
        """Answers are counted in `outcome`."""
        self._outcome = outcome
        self._received = b""
        self._since = 0.0
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to send."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own does not say that it is one

    async def exchange(self, request: bytes, since: float | None = None) -> None:
        """Send, and wait for the whole answer. Time counts from `since`, else from the sending."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._since = time.perf_counter() if since is None else since
        self._transport.write(request)
        await self._answered

    def data_received(self, data: bytes) -> None:
        """Count an answer once it is whole."""
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        length = _LENGTH.search(self._received, 0, head) if head >= 0 else None
        if length is None or len(self._received) < head + 4 + int(length[1]):
            return
        outcome, answered = self._outcome, self._answered
        outcome.latencies.append(time.perf_counter() - self._since)
        outcome.statuses[int(self._received[9:12])] += 1
        outcome.unrecorded += _MARK.search(self._received) is not None
        self._received = b""
        assert answered is not None
        answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server went away: whoever waits is told."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def saturate(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Outcome:
    """Closed loop: each of the connections sends its next request as soon as it has its answer."""
    return uvloop.run(_saturate(port, requests, connections, seconds))


def steady(
    port: int, requests: Iterator[bytes], *, per_second: float, seconds: float, connections: int = 64
) -> Outcome:
    """Open loop: requests leave at a fixed rate, whatever the answers do; a late answer delays no other request."""
    return uvloop.run(_steady(port, requests, per_second, seconds, connections))


async def _connect(port: int, outcome: Outcome, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Connection(outcome), "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in made]


async def _saturate(port: int, requests: Iterator[bytes], count: int, seconds: float) -> Outcome:
    outcome = Outcome()
    connections = await _connect(port, outcome, count)
    began = time.perf_counter()

    async def work(connection: Connection) -> None:
        while time.perf_counter() - began < seconds:
            await connection.exchange(next(requests))

    await asyncio.gather(*[work(connection) for connection in connections])
    outcome.seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    outcome.check()
    return outcome


async def _steady(port: int, requests: Iterator[bytes], per_second: float, seconds: float, count: int) -> Outcome:
    outcome = Outcome()
    idle = deque(await _connect(port, outcome, count))
    freed = asyncio.Semaphore(count)
    under_way: set[asyncio.Task[None]] = set()

    async def one(due: float) -> None:
        # With a connection free the clock starts at the sending, without one it started when it was due:
        # a server that stalls must not be spared the requests that it held up.
        late = freed.locked()
        async with freed:
            connection = idle.popleft()
            await connection.exchange(next(requests), due if late else None)
            idle.append(connection)

    began = time.perf_counter()
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(due - time.perf_counter())
        task = asyncio.create_task(one(due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    outcome.seconds = time.perf_counter() - began
    for connection in idle:
        connection.close()
    outcome.check()
    return outcome
