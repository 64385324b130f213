"""The report of a period, for auditors who have a token and no shell."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from detector.api.callers import Caller, needs
from detector.api.problems import Problem, invalid
from detector.api.service import Service
from detector.report import Period, instant
from detector.store import StoreError
from detector.wiring.reporting import Form, written

AUDITORS: Final = needs("auditor", "operator")
Auditor = Annotated[Caller, Depends(AUDITORS)]

MEDIA: Final[dict[Form, str]] = {"md": "text/markdown; charset=utf-8", "json": "application/json"}

PAUSE_SECONDS: Final = 0.005
"""Given up after every thousand entries: a report takes a third longer for it, and a score that arrives
meanwhile waits less."""

RETRY_SECONDS: Final = 30
"""A million entries take about that long beside a server."""


class Stopped(Exception):
    """Nobody waits for the report any more."""


class Desk:
    """Makes one report at a time, on a thread of its own: two would read the same log twice, and cost scores twice."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._busy = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="report")

    async def make(self, period: Period, form: Form) -> bytes:
        """The report, written. Raises a 503 `Problem` while another one is made, or where the log cannot be read."""
        if self._busy:
            message = "another report is being made; ask again when it is done"
            raise Problem(503, message, headers={"Retry-After": str(RETRY_SECONDS)})
        self._busy, stop = True, threading.Event()
        work = partial(written, self._service.log, period, form, paged=partial(_give_way, stop))
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except StoreError as error:
            raise Problem(503, f"the log cannot be read: {error}") from None
        finally:
            stop.set()
            self._busy = False


def _give_way(stop: threading.Event, _entries: int) -> None:
    """Let the engine's thread have the interpreter; end where nobody waits any more. Raises `Stopped`."""
    if stop.is_set():
        raise Stopped
    time.sleep(PAUSE_SECONDS)


def reports(service: Service) -> APIRouter:
    """The route `/v1/report`."""
    routes, desk = APIRouter(), Desk(service)

    @routes.get("/v1/report")
    async def report(
        _caller: Auditor,
        since: Annotated[str | None, Query(alias="from")] = None,
        until: Annotated[str | None, Query()] = None,
        form: Annotated[Form, Query(alias="format")] = "json",
    ) -> Response:
        text = await desk.make(_period(since, until), form)
        return Response(text, headers={"Content-Type": MEDIA[form]})

    return routes


def _period(since: str | None, until: str | None) -> Period:
    """The period that is meant. Raises a 422 `Problem` naming the parameter."""
    bounds: list[float | None] = []
    for name, text in (("from", since), ("until", until)):
        try:
            bounds.append(None if text is None else instant(text))
        except ValueError as error:
            raise invalid([(name, str(error))]) from None
    try:
        return Period(*bounds)
    except ValueError as error:
        raise invalid([("until", str(error).partition(": ")[2])]) from None
