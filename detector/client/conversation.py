"""Asking, telling and listening to one sidecar, on one event loop: what both clients do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from detector.client import denylist
from detector.client.answers import Answer, Sent, answered, answered_each, recorded, sent
from detector.client.core import OPEN, Core
from detector.client.course import Heard
from detector.client.failures import Failure, Refused, Unavailable
from detector.client.line import JSON, Exchange, Line
from detector.client.requests import Asked

MOST_ANSWER_BYTES: Final = 262_144
"""Of one answer, or of what came of events: ours have one to three thousand."""

MOST_BATCH_BYTES: Final = 4_194_304
"""Of the answers to a whole batch."""

FIRST_SECONDS: Final = 2.0
"""A sidecar that starts along with its broker may need so long; one that is dead does not hold its broker up."""

NDJSON: Final = "application/x-ndjson"

Found = TypeVar("Found")


class Conversation:
    """What goes on between one client and its sidecar. Begins with what is first asked; ended by `close`."""

    def __init__(self, core: Core) -> None:
        settings = core.settings
        self._core = core
        self._line = Line(settings.url, bearer=core.token.bearer, tls=settings.tls)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: asyncio.Task[None] | None = None
        self._refreshing, self._looked = asyncio.Lock(), asyncio.Event()
        self._closed = False

    def begin(self) -> Line:
        """The connection; from its first use on the deny list is listened to. Raises `RuntimeError` once it is over."""
        loop = asyncio.get_running_loop()
        if self._closed:
            raise RuntimeError("this client is closed")
        if self._loop is None:
            self._loop = loop
            self._listening = loop.create_task(self._listen(), name="assayer deny list")
        elif self._loop is not loop:
            raise RuntimeError("this client belongs to another event loop")
        return self._line

    async def first_look(self) -> None:
        """Begin, and wait a moment for the deny list: a broker that starts should know it before it mints."""
        self.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                await self._looked.wait()

    async def close(self) -> None:
        """End it; asking is over then. Idempotent."""
        self._closed = True
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
        await self._line.close()

    async def ask(self, asked: Asked, ends: float) -> Answer:
        """The verdict, whoever gives it. Raises `Refused`."""

        def read(heard: Heard) -> Answer | Failure:
            found = answered(heard, request=asked.id)
            return found if isinstance(found, Failure) else self._core.believed(found)

        exchange = Exchange("POST", "/v1/score", MOST_ANSWER_BYTES, asked.body)
        found = await self._asked(exchange, ends, read)
        return self._core.failed([asked], found)[0] if isinstance(found, Failure) else self._core.counted(found)

    async def ask_batch(self, asked: Sequence[Asked], body: bytes, ends: float) -> list[Answer | Refused]:
        """The verdicts in their order; a request that is no good has its refusal in its place. Raises `Refused`."""
        core = self._core

        def read(heard: Heard) -> list[Answer | Refused] | Failure:
            found = answered_each(heard, requests=[one.id for one in asked])
            if isinstance(found, Failure):
                return found
            believed = [core.believed(one) if isinstance(one, Answer) else one for one in found]
            lie = next((one for one in believed if isinstance(one, Failure)), None)
            return found if lie is None else lie

        found = await self._asked(Exchange("POST", "/v1/score/batch", MOST_BATCH_BYTES, body), ends, read)
        if isinstance(found, Failure):
            return list(core.failed(asked, found))
        return [core.counted(one) if isinstance(one, Answer) else one for one in found]

    async def _asked(
        self, exchange: Exchange, ends: float, read: Callable[[Heard], Found | Failure]
    ) -> Found | Failure:
        """What was asked for, if the breaker lets it be asked and the answer is one. Raises `Refused`."""
        line, breaker = self.begin(), self._core.breaker
        ticket = breaker.enter()
        if ticket is None:
            return OPEN
        try:
            came = await line.drive(exchange, self._core.ask_course(ticket, ends))
        except BaseException:
            breaker.forget(ticket)
            raise
        return self._core.made_of(ticket, came, read)

    async def tell_outcome(self, decision: str, said: Mapping[str, object], ends: float) -> bool:
        """Tell how a step-up ended; whether that is durable. Raises `Refused` or `Unavailable`."""
        path = f"/v1/decisions/{quote(decision, safe='')}/outcome"
        return await self._told(path, msgspec.json.encode(said), JSON, ends, recorded)

    async def send_events(self, lines: bytes, dialect: str, ends: float) -> Sent:
        """Send JSON Lines; what came of them. Raises `Refused` or `Unavailable`."""
        return await self._told(f"/v1/events?{urlencode({'dialect': dialect})}", lines, NDJSON, ends, sent)

    async def _told(
        self, path: str, body: bytes, media: str, ends: float, read: Callable[[Heard], Found | Failure]
    ) -> Found:
        line = self.begin()
        came = await line.drive(Exchange("POST", path, MOST_ANSWER_BYTES, body, media), self._core.bulk_course(ends))
        found = came if isinstance(came, Failure) else read(came)
        if isinstance(found, Failure):
            raise Unavailable(found)
        return found

    async def refresh(self) -> bool:
        """Have the deny list told now; whether it was."""
        line, watch = self.begin(), self._core.watch
        async with self._refreshing:
            exchange = Exchange("GET", f"/v1/deny-rules/stream?since={watch.since()}", denylist.MOST_BYTES)
            came = await line.drive(exchange, self._core.watch_course())
            failure = await asyncio.to_thread(watch.learn, came)
            watch.told(failure)
        return failure is None

    async def _listen(self) -> None:
        while True:
            try:
                await self.refresh()
            except Exception:  # noqa: BLE001 - a listener that died in silence would leave a list that ages in silence
                self._core.tell("trouble", "refresh")
            self._looked.set()
            await asyncio.sleep(self._core.watch.pause())
