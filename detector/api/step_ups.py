"""Step-ups as approvers have them: what waits for an answer, why it was stepped up, and the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from detector.api import settling
from detector.api.access_wire import Answering, for_approvers
from detector.api.bodies import document
from detector.api.callers import Caller, needs
from detector.api.decisions import as_json, decision_of
from detector.api.problems import Problem
from detector.api.service import Service, Turns
from detector.api.wire import answer
from detector.engine.tasks import Status, Task

MOST_LISTED: Final = 200
"""In one answer: what somebody reads; how many there are is said beside."""

APPROVERS: Final = needs("approver", "operator")
LOOKERS: Final = needs("approver", "operator", "analyst")

Approver = Annotated[Caller, Depends(APPROVERS)]
Looker = Annotated[Caller, Depends(LOOKERS)]


def step_ups(service: Service) -> APIRouter:
    """The routes of `/v1/step-ups`."""
    routes = APIRouter()
    limit = service.limits.request_bytes

    @routes.get("/v1/step-ups")
    async def listing(_caller: Looker, status: Annotated[Status, Query()] = "pending") -> Response:
        now, total = service.clock(), 0
        first: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        async for name, task in _in_order(service, status):
            total += 1
            into = first if task.emergency else others
            if len(into) < MOST_LISTED:
                into.append(for_approvers(name, task, now=now))
        return as_json({"step_ups": [*first, *others][:MOST_LISTED], "total": total})

    @routes.get("/v1/step-ups/{task}")
    async def show(task: str, caller: Looker) -> Response:
        return as_json(await _whole(service, caller, task))

    @routes.post("/v1/step-ups/{task}/approve")
    async def approve(task: str, request: Request, caller: Approver) -> Response:
        said = await document(request.scope, request.receive, Answering, limit=limit)
        await settling.answer(service, caller, task, "human", approve=True, because=said.because)
        return as_json(_view(service, task))

    @routes.post("/v1/step-ups/{task}/deny")
    async def deny(task: str, request: Request, caller: Approver) -> Response:
        said = await document(request.scope, request.receive, Answering, limit=limit)
        await settling.answer(service, caller, task, "human", approve=False, because=said.because)
        return as_json(_view(service, task))

    @routes.post("/v1/step-ups/{task}/revoke")
    async def revoke(task: str, request: Request, caller: Approver) -> Response:
        said = await document(request.scope, request.receive, Answering, limit=limit)
        settling.task_of(service, task)
        await settling.end(service, caller, task, "revoked", because=said.because)
        return as_json(_view(service, task))

    return routes


async def _in_order(service: Service, status: Status) -> AsyncIterator[tuple[str, Task]]:
    """Those of one status: what waits the oldest first, what has ended the latest first. With stops for breath."""
    now, tasks, turns = service.clock(), service.engine.state.memory.tasks, Turns()
    waiting, ended = list(tasks.pending.items()), list(tasks.ended.items())
    for name, task in waiting if status == "pending" else [*ended, *waiting][::-1]:
        if task.state(now) == status:
            yield name, task
        await turns.rest()


async def _whole(service: Service, caller: Caller, name: str) -> dict[str, Any]:
    """With why it was stepped up, as far as the decision is still kept."""
    task = settling.task_of(service, name)
    view = for_approvers(name, task, now=service.clock())
    try:
        decided = await decision_of(service, task.decision)
    except Problem:
        return {**view, "decision": None}
    service.readings.note(caller, "decision", task.decision)
    return {**view, "decision": answer(decided, recorded=service.log.head() > decided.position)}


def _view(service: Service, name: str) -> dict[str, Any]:
    return for_approvers(name, settling.task_of(service, name), now=service.clock())
