"""Emergencies: the kill switch, and broken glasses with their reviews."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from detector.api.bodies import document
from detector.api.decisions import Reader, as_json
from detector.api.problems import Problem
from detector.api.rules import Operator
from detector.api.service import Service
from detector.api.wire import GlassReview, KillSwitch, moment
from detector.engine.memory import BrokenGlass, Halt


def emergencies(service: Service) -> APIRouter:
    """The routes of `/v1/kill-switch` and `/v1/break-glass`."""
    routes = APIRouter()
    engine, limit = service.engine, service.limits.request_bytes

    @routes.get("/v1/kill-switch")
    async def look(_caller: Reader) -> Response:
        return as_json(switch_view(engine.state.halted))

    @routes.post("/v1/kill-switch")
    async def turn(request: Request, caller: Operator) -> Response:
        said = await document(request.scope, request.receive, KillSwitch, limit=limit)
        durable = engine.turn_kill_switch(engaged=said.engaged, by=caller.name, because=said.reason)
        service.logger.warning("kill switch", engaged=said.engaged, by=caller.name, because=said.reason)
        recorded = await service.durability.of(durable)
        return as_json({**switch_view(engine.state.halted), "recorded": recorded})

    @routes.get("/v1/break-glass")
    async def glasses(_caller: Reader, reviewed: Annotated[bool | None, Query()] = None) -> Response:
        listed = engine.state.memory.glasses.items()
        views = [glass_view(name, glass) for name, glass in reversed(listed)]
        return as_json({"break_glass": [view for view in views if reviewed in {None, view["finding"] is not None}]})

    @routes.post("/v1/break-glass/{glass}/review")
    async def review(glass: str, request: Request, caller: Reader) -> Response:
        said = await document(request.scope, request.receive, GlassReview, limit=limit)
        known = engine.state.memory.glasses.get(glass)
        if known is None:
            raise Problem(404, f"no broken glass {glass[:100]!r}")
        durable = engine.review_glass(glass, said.finding, by=caller.name, note=said.note)
        recorded = await service.durability.of(durable)
        return as_json({**glass_view(glass, known), "recorded": recorded})

    return routes


def switch_view(halted: Halt | None) -> dict[str, Any]:
    """The kill switch as operators read it."""
    if halted is None:
        return {"engaged": False}
    return {"engaged": True, "since": moment(halted.since), "by": halted.by, "because": halted.because}


def glass_view(name: str, glass: BrokenGlass) -> dict[str, Any]:
    """A broken glass as whoever reviews it reads it."""
    return {
        "id": name,
        "requester": glass.requester,
        "purpose": glass.purpose,
        "opened": moment(glass.opened),
        "until": moment(glass.until),
        "decisions": glass.decisions,
        "finding": glass.finding,
        "reviewer": glass.reviewer or None,
    }
