"""Decisions: what was decided and why, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final, Protocol, runtime_checkable

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from detector.api.bodies import document
from detector.api.callers import Caller, needs
from detector.api.problems import Problem
from detector.api.service import Service
from detector.api.wire import NewOutcome, answer
from detector.engine.records import Decided, Entry

READERS: Final = needs("analyst", "operator")
LABELLERS: Final = needs("analyst", "operator", "broker")
BROKERS_SAY: Final = frozenset({"approved", "refused"})
"""A broker knows how its step-up ended; whether a request was legitimate is an analyst's word."""

Reader = Annotated[Caller, Depends(READERS)]
Labeller = Annotated[Caller, Depends(LABELLERS)]


def decisions(service: Service) -> APIRouter:
    """The routes of `/v1/decisions`."""
    routes = APIRouter()

    @routes.get("/v1/decisions/{decision_id}")
    async def show(decision_id: str, _caller: Reader) -> Response:
        decided = await _decision(service, decision_id)
        recorded = service.log.head() > decided.position
        view = msgspec.to_builtins(answer(decided, recorded=recorded))
        return as_json({**view, "record": decided})

    @routes.post("/v1/decisions/{decision_id}/outcome")
    async def record_outcome(decision_id: str, request: Request, caller: Labeller) -> Response:
        said = await document(request.scope, request.receive, NewOutcome, limit=service.limits.request_bytes)
        if said.outcome not in BROKERS_SAY and not {"analyst", "operator"}.intersection(caller.roles):
            raise Problem(403, f"outcome: a broker may say {' or '.join(sorted(BROKERS_SAY))}, not {said.outcome}")
        try:
            durable = service.engine.record_outcome(decision_id, said.outcome, by=f"{said.by} ({caller.name})")
        except KeyError:
            raise _unknown(decision_id) from None
        recorded = await service.durability.of(durable)
        return as_json({"decision_id": decision_id, "outcome": said.outcome, "by": said.by, "recorded": recorded})

    return routes


@runtime_checkable
class Searchable(Protocol):
    """A log that can find the entries about one id: an optional gift of the store's."""

    def find(self, name: str) -> Iterator[Entry]:
        """The durable entries about one decision, event or rule, in order."""


async def _decision(service: Service, decision_id: str) -> Decided:
    """The decision: the engine knows the latest ones, the log all of them. Raises a 404 `Problem`."""
    decided = service.engine.decision(decision_id)
    log = service.log
    if decided is None and isinstance(log, Searchable):
        entries = await asyncio.to_thread(lambda: list(log.find(decision_id)))
        decided = next((entry.record for entry in entries if isinstance(entry.record, Decided)), None)
    if decided is None:
        raise _unknown(decision_id)
    return decided


def as_json(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as a JSON answer."""
    return Response(msgspec.json.encode(value), status_code=status, headers=headers, media_type="application/json")


def _unknown(decision_id: str) -> Problem:
    return Problem(404, f"no decision {decision_id[:100]!r}")
