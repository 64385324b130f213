"""Observing: what issuers and resources logged comes in, in any dialect, and is durable before it is answered."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from detector.api.bodies import LINES, is_json, may_be_large, media_type, parse, raw_body
from detector.api.callers import authorise, caller_of
from detector.api.limits import STRANGER
from detector.api.problems import Problem, invalid
from detector.api.score import respond
from detector.api.service import Service, Turns
from detector.intake import Rejected, decode_body
from detector.sources import DIALECTS

NATIVE: Final = "native"
CHOICES: Final = (NATIVE, *(name for name in DIALECTS if name != NATIVE), "auto")

FLUSH_EVERY: Final = 2_000
"""Events between two waits for the disk: one large body must not fill the log's queue by itself."""


class Events:
    """`POST /v1/events`: a JSON array, JSON Lines, or raw logs with `?dialect=`.

    Bare ASGI like `Score`, because a body may be tens of megabytes: its events
    are decoded and folded one by one, with stops for breath between them.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take in what can be read, say what could not, once all of it is durable."""
        service = self._service
        caller = authorise(caller_of(scope), ("ingest",), local=True)
        dialect = _dialect(scope)
        media = media_type(scope)
        if media not in LINES and not is_json(media):
            raise Problem(415, "Content-Type: must be application/json or application/x-ndjson")
        large = STRANGER not in scope and may_be_large(scope, service.limits.request_bytes)
        async with service.large if large else nullcontext():
            taken = await self._take_in(scope, receive, dialect, trusted=service.gate.trusts(caller, "ingest"))
        await respond(send, taken.answer())

    async def _take_in(self, scope: Scope, receive: Receive, dialect: str, *, trusted: bool) -> _Taken:
        """Read, decode and observe a body, and wait until that is durable."""
        service = self._service
        body = await raw_body(scope, receive, service.limits.events_bytes)
        taken = _Taken(service)
        async with service.long_work(scope):
            turns = Turns()
            for found in decode_body(body, dialect=dialect, on_rejected=taken.rejected):
                if found is not None:
                    name, event = found
                    service.engine.observe(event, trusted=trusted)
                    taken.accepted[name] += 1
                    if taken.total() % FLUSH_EVERY == 0:
                        await taken.durable()
                await turns.rest()
        if not taken.total() and media_type(scope) not in LINES:
            _must_hold_records(body)
        await taken.durable()
        return taken


class _Taken:
    """What came of one body."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._listed: list[dict[str, Any]] = []
        self._rejections = 0
        self.accepted: Counter[str] = Counter()

    def total(self) -> int:
        """The events accepted so far."""
        return self.accepted.total()

    def rejected(self, rejection: Rejected) -> None:
        """Count a record that could not be read, and list it while there is room."""
        self._rejections += 1
        self._service.telemetry.unreadable(rejection.dialect, rejection.reason)
        if len(self._listed) < self._service.limits.rejected_listed:
            self._listed.append({"line": rejection.line, "reason": rejection.reason})

    async def durable(self) -> None:
        """Wait for the disk. Raises a 503 `Problem` where it does not come."""
        last: Future[int] | None = self._service.engine.flushed()
        if not await self._service.durability.of_bulk(last, seconds=self._service.limits.bulk_deadline_seconds):
            raise Problem(
                503,
                "the events were read but are not durable yet; sending the same again is safe: duplicates count once",
                headers={"Retry-After": "5"},
            )

    def answer(self) -> dict[str, Any]:
        """Counts, and the first rejections in full."""
        for dialect, events in self.accepted.items():
            self._service.telemetry.accepted(dialect, events)
        return {"accepted": self.total(), "rejected": self._listed, "rejected_total": self._rejections}


def _must_hold_records(body: bytes) -> None:
    """Raise a `Problem` where it was the whole body that could not be read, not this or that record in it."""
    if not isinstance(parse(body), list | dict):
        raise invalid([("body", "must be an array of events, or an object that holds records")])


def _dialect(scope: Scope) -> str:
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    dialect: str = query.get("dialect", [NATIVE])[-1]
    if dialect not in CHOICES:
        raise invalid([("dialect", f"must be one of {', '.join(CHOICES)}")])
    return dialect
