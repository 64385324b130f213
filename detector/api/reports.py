"""The report of a period, for auditors who have a token and no shell."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from detector.api.callers import Caller, needs
from detector.api.problems import Problem, invalid
from detector.api.service import Service
from detector.report import Period, instant
from detector.store import StoreError
from detector.wiring.reporting import Form, Writing

AUDITORS: Final = needs("auditor", "operator")
Auditor = Annotated[Caller, Depends(AUDITORS)]

MEDIA: Final[dict[Form, str]] = {"md": "text/markdown; charset=utf-8", "json": "application/json"}

RETRY_SECONDS: Final = 30
"""A million entries take about that long."""

LOOK_SECONDS: Final = 0.5
"""Between two looks whether whoever asked is still there."""


class Desk:
    """Makes one report at a time: two would read the same log twice, and take the second core too."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._busy = False

    async def make(self, period: Period, form: Form, request: Request) -> bytes:
        """The report, written. Raises a 503 `Problem` while another one is made, or where the log cannot be read."""
        if self._busy:
            message = "another report is being made; ask again when it is done"
            raise Problem(503, message, headers={"Retry-After": str(RETRY_SECONDS)})
        self._busy, writing = True, Writing(self._service.log, period, form)
        made = asyncio.ensure_future(asyncio.to_thread(writing.run))
        try:
            while not (await asyncio.wait({made}, timeout=LOOK_SECONDS))[0]:
                if await request.is_disconnected():
                    writing.stop()
            return made.result()
        except StoreError as error:
            raise Problem(503, f"the log cannot be read: {error}") from None
        finally:
            writing.stop()
            self._busy = False


def reports(service: Service) -> APIRouter:
    """The route `/v1/report`."""
    routes, desk = APIRouter(), Desk(service)

    @routes.get("/v1/report")
    async def report(
        request: Request,
        caller: Auditor,
        since: Annotated[str | None, Query(alias="from")] = None,
        until: Annotated[str | None, Query()] = None,
        form: Annotated[Form, Query(alias="format")] = "json",
    ) -> Response:
        period = _period(since, until)
        service.readings.note(caller, "report", f"{since or ''}/{until or ''}")
        text = await desk.make(period, form, request)
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
