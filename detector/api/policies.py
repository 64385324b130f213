"""Policy documents: tried on history, applied, looked at, their intents answered for anew."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from detector.api.bodies import document
from detector.api.decisions import Reader, as_json
from detector.api.problems import Problem, invalid
from detector.api.rules import Operator
from detector.api.service import Service
from detector.api.wire import NewPolicy, Reauthorisation, moment
from detector.engine.policy_life import PolicyConflict
from detector.engine.policy_memory import Applied, Documents
from detector.features.rhythm import DAY
from detector.policies import Document, DryRun, Misfit, digest, read, state, written
from detector.wiring.history import Past, dry_run

MOST_DAYS: Final = 366
"""How far a dry-run looks back at most."""

DAYS: Final = 30
Days = Annotated[int, Query(ge=1, le=MOST_DAYS)]


def policies(service: Service) -> APIRouter:
    """The routes of `/v1/policy`."""
    routes = APIRouter()
    engine, limit = service.engine, service.limits.request_bytes
    turn = asyncio.Lock()  # one dry-run at a time: each reads the log on a thread of its own

    @routes.get("/v1/policy")
    async def show(_caller: Reader) -> Response:
        return as_json(policy_view(engine.state.memory.documents, now=service.clock()))

    @routes.get("/v1/policy/history")
    async def history(_caller: Reader) -> Response:
        return as_json({"history": history_view(engine.state.memory.documents)})

    @routes.post("/v1/policy/dry-run")
    async def rehearse(request: Request, caller: Operator, days: Days = DAYS) -> Response:
        new = _read(await document(request.scope, request.receive, dict, limit=limit))
        log, policy, since = service.log, engine.state.policy, engine.state.memory.stamp - days * DAY
        if not isinstance(log, Past):
            raise Problem(503, "this log cannot be read back, so nothing can be tried on it")
        async with turn:
            found = await asyncio.to_thread(dry_run, log, new, policy, since=since)
        durable = engine.take_dry_run(new, found, by=caller.name)
        return as_json({**dry_run_view(new, found), "recorded": await service.durability.of(durable)})

    @routes.post("/v1/policy")
    async def apply(request: Request, caller: Operator) -> Response:
        new = await document(request.scope, request.receive, NewPolicy, limit=limit)
        wanted = _read(new.document, "document")
        try:
            durable = engine.apply_policy(wanted, by=caller.name, because=new.reason, override=new.override)
        except PolicyConflict as conflict:
            raise Problem(409, str(conflict)) from None
        service.logger.info("policy applied", version=wanted.version, by=caller.name, override=new.override)
        return await _settled(service, durable)

    @routes.post("/v1/policy/intents/{intent}/reauthorise")
    async def reauthorise(intent: str, request: Request, caller: Operator) -> Response:
        why = await document(request.scope, request.receive, Reauthorisation, limit=limit)
        try:
            durable = engine.reauthorise(intent, by=caller.name, because=why.reason)
        except KeyError:
            raise Problem(404, f"no intent {intent[:100]!r} in the policy document in force") from None
        return await _settled(service, durable)

    return routes


def _read(value: Any, *within: str) -> Document:
    """The policy document in a body, or `within` it. Raises a 422 `Problem` naming the field."""
    try:
        return read(value)
    except Misfit as misfit:
        raise invalid([(written((*within, *misfit.path)) or "body", misfit.reason)]) from None


async def _settled(service: Service, durable: Future[int]) -> Response:
    recorded = await service.durability.of(durable)
    view = policy_view(service.engine.state.memory.documents, now=service.clock())
    return as_json({**view, "recorded": recorded})


def policy_view(documents: Documents, *, now: float) -> dict[str, Any]:
    """The document in force and how its intents stand; `due` are those that somebody has to answer for anew."""
    intents = []
    for name, known in documents.authorised.items():
        found = state(known.intent, known.at, now)
        intents.append(
            {
                "id": name,
                "state": found,
                "requester": known.intent.requester,
                "authorised": moment(known.at),
                "by": known.by,
                "reauthorise_by": moment(known.at + known.intent.reauthorise_days * DAY),
                "expires": moment(known.intent.expires.timestamp()),
            }
        )
    latest = documents.past[-1] if documents.past else None
    return {
        **(_applied(latest) if latest is not None else {"version": 0}),
        "document": None if documents.document is None else msgspec.to_builtins(documents.document),
        "intents": intents,
        "due": documents.due(now),
    }


def history_view(documents: Documents) -> list[dict[str, Any]]:
    """The documents that came into force, the newest first, without what they say: the log has that."""
    return [_applied(applied) for applied in reversed(documents.past)]


def dry_run_view(tried: Document, found: DryRun) -> dict[str, Any]:
    """What a document would have done, as operators read it."""
    return {
        "version": tried.version,
        "digest": digest(tried),
        "since": moment(found.since),
        "until": moment(found.until),
        "position": found.position,
        "grants": found.grants,
        "hit": found.hit,
        "requesters": found.requesters,
        "eased": found.eased,
        "in_words": found.words(),
        "limits": [
            {**msgspec.to_builtins(one), "requesters": dict(one.requesters), "resources": dict(one.resources)}
            for one in found.limits
        ],
        "intents": msgspec.to_builtins(found.intents),
        "levels": msgspec.to_builtins(found.levels),
    }


def _applied(applied: Applied) -> dict[str, Any]:
    return {
        "version": applied.version,
        "digest": applied.digest,
        "applied": moment(applied.at),
        "by": applied.by,
        "because": applied.because,
        "overridden": applied.overridden or None,
    }
