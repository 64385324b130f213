"""A steady load that never stops: honest brokers that ask, a log shipper that reports, and a note of every answer.

An open loop: asks leave at a fixed rate whatever the answers do, over as many connections as that takes, so that a
server that stalls is not spared the asks that it held up. It runs on a thread of its own with its own loop; whoever
else calls meanwhile does so from a process of its own, and gives way to it (`aside`).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, Self

from bench import history
from bench.chaos.ground import Ground, numbered

PER_SECOND = 150.0
EVENTS_EVERY = 0.25
USES = 5
"""Uses in each report of the shipper: twenty a second."""

NEVER = 0
"""The status of what was never answered: the server was gone."""

ASIDE = 9
"""What a neighbour of the load is nice by: the server and the load need two cores, and there may be no more."""

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def aside() -> None:
    """Give way to the server and its load on the machine that all share."""
    os.nice(ASIDE)


@dataclass(slots=True)
class Answer:
    """One ask and what came back: in which phase it was sent, how long it took (seconds), the document."""

    phase: str
    asked: dict[str, Any]
    status: int = NEVER
    seconds: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)
    sent: float = 0.0

    @property
    def recorded(self) -> bool:
        """Whether it was said to be durable."""
        return self.told.get("recorded") is True


class Load:
    """Begins when entered, ends when left; `phase` names what is sent from now on."""

    def __init__(self, port: int, ground: Ground, *, prefix: str, per_second: float = PER_SECOND) -> None:
        """Not yet sending."""
        self.phase = "calm"
        self.answers: list[Answer] = []
        self.events: list[str] = []
        self.event_statuses: Counter[int] = Counter()
        self.reporting = True
        self._port, self._ground, self._prefix, self._per_second = port, ground, prefix, per_second
        self._ending = threading.Event()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let what is under way be answered."""
        self._ending.set()
        self._thread.join()

    @contextmanager
    def through(self, phase: str) -> Iterator[None]:
        """Whatever is sent within the block belongs to this phase; afterwards it is the phase from before."""
        before, self.phase = self.phase, phase
        yield
        self.phase = before

    def live(self, phase: str, seconds: float) -> None:
        """Go on for so long in a phase."""
        self.phase = phase
        time.sleep(seconds)

    async def _run(self) -> None:
        reporting = asyncio.create_task(self._report())
        under_way: set[asyncio.Task[None]] = set()
        began, asks = time.perf_counter(), numbered(self._ground, self._prefix)
        for number in count():
            due = began + number / self._per_second
            await asyncio.sleep(due - time.perf_counter())
            if self._ending.is_set():
                break
            answer = Answer(self.phase, next(asks))
            self.answers.append(answer)
            task = asyncio.create_task(self._ask(answer))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way, reporting)
        for _, writer in self._idle:
            writer.close()

    async def _ask(self, answer: Answer) -> None:
        answer.sent, began = time.time(), time.perf_counter()
        body = json.dumps(answer.asked).encode()
        try:
            answer.status, told = await self._post("/v1/score", body, "application/json", "broker")
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            answer.seconds = time.perf_counter() - began
        answer.told = json.loads(told)

    async def _report(self) -> None:
        """What was minted for each identity, once; then, again and again, what some of those credentials did."""
        await self._send([self._minted(place) for place in range(len(self._ground.mints))])
        for number in count():
            if self._ending.is_set():
                return
            if self.reporting:
                await self._send([self._used(number * USES + one) for one in range(USES)])
            await asyncio.sleep(EVENTS_EVERY)

    def _minted(self, place: int) -> dict[str, Any]:
        named = {"id": f"{self._prefix}-m{place}", "credential": f"{self._prefix}-c{place}"}
        return {**self._ground.mints[place], **named, "time": history.moment(time.time())}

    def _used(self, number: int) -> dict[str, Any]:
        place = number % len(self._ground.uses)
        named = {"id": f"{self._prefix}-u{number}", "credential": f"{self._prefix}-c{place}"}
        return {**self._ground.uses[place], **named, "time": history.moment(time.time())}

    async def _send(self, events: list[Mapping[str, Any]]) -> None:
        lines = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        try:
            status, _ = await self._post("/v1/events", lines, "application/x-ndjson", "ingest")
        except (OSError, asyncio.IncompleteReadError):
            status = NEVER
        self.event_statuses[status] += 1
        if status == 200:
            self.events.extend(str(event["id"]) for event in events)

    async def _post(self, path: str, body: bytes, media: str, role: str) -> tuple[int, bytes]:
        """Status and body. Raises what a server that went away raises; a connection that worked is used again."""
        connection = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = connection
        try:
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media}\r\n"
                f"Authorization: Bearer {self._ground.secrets[role]}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            told = await reader.readexactly(int(length[1]) if length is not None else 0)
        except BaseException:
            writer.close()
            raise
        self._idle.append(connection)
        return int(head[9:12]), told
