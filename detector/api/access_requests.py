"""Access requests: a broker asks for somebody's answer to a step-up, looks what became of it, or waits no longer."""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from detector.api import settling
from detector.api.access_wire import ERROR, Cancellation, MachineAnswer, handle, result
from detector.api.bodies import document, headers_of, must_be_json, parse, raw_body
from detector.api.callers import Caller, Refused, authorise, caller_of
from detector.api.decisions import as_json
from detector.api.limits import Rate
from detector.api.offers import REQUESTS, base_url
from detector.api.problems import Problem, invalid
from detector.api.service import Service
from detector.api.submitting import binding_of, body_digest, denied, digest, requested, shape
from detector.engine.access import Unavailable
from detector.engine.tasks import Task

TASK_BYTES: Final = 16
"""Of a task's id, which nobody may guess: 128 bits."""

LONGEST_KEY: Final = 256

POLLS_PER_SECOND: Final = 0.5
POLLS_AT_ONCE: Final = 3.0
"""Looks at one pending task that are answered; whoever waits as long as he is told stays far below."""

LEAST_WAIT: Final = 2
MOST_WAIT: Final = 60
WAIT_SHARE: Final = 0.1
"""Seconds until the next look: a tenth of how long it has waited already, so that looks grow rarer."""


def access_requests(service: Service) -> APIRouter:
    """The routes of `/access/v1/requests`."""
    routes = APIRouter()
    limit = service.limits.request_bytes
    polls = Rate(per_second=POLLS_PER_SECOND, burst=POLLS_AT_ONCE)

    @routes.post(REQUESTS, status_code=202)
    async def submit(request: Request) -> Response:
        caller = _broker(service, request)
        must_be_json(request.scope)
        body = parse(await raw_body(request.scope, request.receive, limit))
        name, task, status = await _submitted(service, caller, body, _key(request))
        view = _view(service, request, name, task)
        return as_json(view, status=status, headers={"Location": view["task"]["status_endpoint"]})

    @routes.get(REQUESTS + "/{task}")
    async def look(task: str, request: Request) -> Response:
        caller = _broker(service, request)
        own = _own(service, caller, task)
        if own.state(service.clock()) != "pending":
            return as_json(_view(service, request, task, own))
        wait = polls.wait(task)
        if wait > 0:
            retry = {"Retry-After": str(max(1, round(wait + 0.5)))}
            raise Problem(429, "this was looked at just now; wait as long as the answer said", headers=retry)
        return as_json(_view(service, request, task, own), headers={"Retry-After": str(_pause(service, own))})

    @routes.post(REQUESTS + "/{task}/cancel")
    async def cancel(task: str, request: Request) -> Response:
        caller = _broker(service, request)
        said = await document(request.scope, request.receive, Cancellation, limit=limit, blank=Cancellation())
        _own(service, caller, task)
        because = " ".join(part for part in (said.reason, said.comment) if part)
        await settling.end(service, caller, task, "cancelled", because=because)
        return as_json(_view(service, request, task, settling.task_of(service, task)))

    @routes.post(REQUESTS + "/{task}/answer")
    async def answer(task: str, request: Request) -> Response:
        caller = _broker(service, request)
        said = await document(request.scope, request.receive, MachineAnswer, limit=limit)
        if said.method == "workload_proof":
            _own(service, caller, task)
        await settling.answer(service, caller, task, said.method, approve=True, proof=said.proof)
        found = settling.task_of(service, task)
        return as_json(_view(service, request, task, found, whole=found.broker == caller.name))

    return routes


def _broker(service: Service, request: Request) -> Caller:
    """A broker that is known. Raises a 401 or 403 `Problem`."""
    caller = authorise(caller_of(request.scope), ("broker",), local=True)
    if not service.gate.trusts(caller, "broker"):
        raise Refused(401, "Authorization: brokers have tokens here, so this needs one", why="missing")
    return caller


def _own(service: Service, caller: Caller, name: str) -> Task:
    """A task that this broker made: of another's it learns nothing. Raises a 404 or 410 `Problem`."""
    task = service.engine.access_request(name)
    if task is None or task.broker != caller.name:
        raise Problem(404, f"no access request {name[:100]!r}", kind=f"{ERROR}unknown_task")
    if task.state(service.clock()) == "expired":
        raise Problem(410, "the access request was not answered in time", kind=f"{ERROR}task_expired")
    return task


async def _submitted(service: Service, caller: Caller, body: Any, key: str) -> tuple[str, Task, int]:
    """The task of a submission, made now or known already, and the status that says which. Raises a `Problem`."""
    submitted, tasks = shape(body), service.engine.state.memory.tasks
    kept, sent = digest(caller.name, key) if key else "", body_digest(body)
    known = tasks.named(key=kept) if kept else None
    if known is not None:
        return _repeated(*known, sent)
    binding = binding_of(service, caller, submitted)
    known = tasks.named(decision=binding.decision)
    if known is not None:
        return _repeated(*known, sent)
    decided = await denied(service, caller, submitted, binding)
    known = tasks.named(decision=binding.decision)  # another submission may have come while the log was looked in
    if known is not None:
        return _repeated(*known, sent)
    record = requested(service, caller, submitted, decided, binding)
    name = f"arq-{secrets.token_urlsafe(TASK_BYTES)}"
    try:
        recorded = service.engine.request_access(msgspec.structs.replace(record, task=name, key=kept, body=sent))
    except Unavailable as why:
        status = 429 if why.crowd == "its own" else 503
        raise Problem(status, str(why), headers={"Retry-After": str(MOST_WAIT)}) from None
    await settling.durable(service, recorded)
    if record.emergency:
        service.logger.warning("emergency", task=name, by=caller.name, because=record.because)
    return name, settling.task_of(service, name), 202


def _repeated(name: str, task: Task, sent: str) -> tuple[str, Task, int]:
    """The task of a submission that was sent before; one decision has one. Raises a 409 `Problem` for another body."""
    if task.body != sent:
        raise Problem(409, "another access request was made so already", kind=f"{ERROR}duplicate_request")
    return name, task, 202 if task.status == "pending" else 201


def _view(service: Service, request: Request, name: str, task: Task, *, whole: bool = True) -> dict[str, Any]:
    base, now = base_url(service, request.scope), service.clock()
    view: dict[str, Any] = {"task": handle(name, task, base=base, now=now)}
    if whole and task.status == "approved":
        view["result"] = result(name, task, service.desk)
    return view


def _pause(service: Service, task: Task) -> int:
    return round(min(max(WAIT_SHARE * (service.clock() - task.created), LEAST_WAIT), MOST_WAIT))


def _key(request: Request) -> str:
    key = headers_of(request.scope).get(b"idempotency-key", b"").decode("latin-1").strip()
    if len(key) > LONGEST_KEY:
        raise invalid([("Idempotency-Key", f"may have {LONGEST_KEY} characters")])
    return key
