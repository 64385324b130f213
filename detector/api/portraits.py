"""Requesters and issuers: what is normal for them, and what their risk is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from fastapi import APIRouter, Response

from detector.api.callers import Caller
from detector.api.decisions import Reader, as_json
from detector.api.problems import Problem
from detector.api.service import Service


def portraits(service: Service) -> APIRouter:
    """The routes of `/v1/requesters` and `/v1/issuers`: names hold `/` and `:`, percent-encoded or plain."""
    routes = APIRouter()

    @routes.get("/v1/requesters/{name:path}")
    async def requester(name: str, caller: Reader) -> Response:
        return _portrait(service, caller, "requester", service.engine.requester, name)

    @routes.get("/v1/issuers/{name:path}")
    async def issuer(name: str, caller: Reader) -> Response:
        return _portrait(service, caller, "issuer", service.engine.issuer, name)

    return routes


def _portrait(
    service: Service,
    caller: Caller,
    what: Literal["requester", "issuer"],
    look: Callable[[str], Mapping[str, Any] | None],
    name: str,
) -> Response:
    view = look(name)
    if view is None:
        raise Problem(404, f"no {what} {name[:200]!r} has been seen")
    service.readings.note(caller, what, str(view[what]))
    return as_json(view)
