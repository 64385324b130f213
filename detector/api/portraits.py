"""Requesters and issuers: what is normal for them, and what their risk is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Response

from detector.api.decisions import Reader, as_json
from detector.api.problems import Problem
from detector.api.service import Service


def portraits(service: Service) -> APIRouter:
    """The routes of `/v1/requesters` and `/v1/issuers`: names hold `/` and `:`, percent-encoded or plain."""
    routes = APIRouter()

    @routes.get("/v1/requesters/{name:path}")
    async def requester(name: str, _caller: Reader) -> Response:
        return _portrait("requester", service.engine.requester, name)

    @routes.get("/v1/issuers/{name:path}")
    async def issuer(name: str, _caller: Reader) -> Response:
        return _portrait("issuer", service.engine.issuer, name)

    return routes


def _portrait(what: str, look: Callable[[str], Mapping[str, Any] | None], name: str) -> Response:
    view = look(name)
    if view is None:
        raise Problem(404, f"no {what} {name[:200]!r} has been seen")
    return as_json(view)
