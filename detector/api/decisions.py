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
from detector.engine import Engine
from detector.engine.answers import decided_after
from detector.engine.records import Decided, Entry, Trust

READERS: Final = needs("analyst", "operator")
LABELLERS: Final = needs("analyst", "operator", "approver", "broker")
BROKERS_SAY: Final = frozenset({"approved", "refused"})
"""A broker knows how its step-up ended; whether a request was legitimate is an analyst's word."""

Reader = Annotated[Caller, Depends(READERS)]
Labeller = Annotated[Caller, Depends(LABELLERS)]


def decisions(service: Service) -> APIRouter:
    """The routes of `/v1/decisions`."""
    routes = APIRouter()

    @routes.get("/v1/decisions/{decision_id}")
    async def show(decision_id: str, caller: Reader) -> Response:
        decided = await decision_of(service, decision_id)
        service.readings.note(caller, "decision", decision_id)
        recorded = service.log.head() > decided.position
        view = msgspec.to_builtins(answer(decided, recorded=recorded))
        return as_json({**view, "record": decided})

    @routes.post("/v1/decisions/{decision_id}/outcome")
    async def record_outcome(decision_id: str, request: Request, caller: Labeller) -> Response:
        said = await document(request.scope, request.receive, NewOutcome, limit=service.limits.request_bytes)
        if said.outcome not in BROKERS_SAY and not {"analyst", "operator"}.intersection(caller.roles):
            raise Problem(403, f"outcome: a broker may say {' or '.join(sorted(BROKERS_SAY))}, not {said.outcome}")
        decided = await decision_of(service, decision_id)
        _refuse_oneself(service, decided, caller.name, said.by)
        trust, by = trust_of(caller), f"{said.by} ({caller.name})"
        try:
            durable = service.engine.record_outcome(decision_id, said.outcome, by=by, trust=trust)
        except KeyError:
            raise Problem(
                409, f"decision {decision_id[:100]!r} is too old to be answered for: label it in the log"
            ) from None
        recorded = await service.durability.of(durable)
        return as_json({"decision_id": decision_id, "outcome": said.outcome, "by": said.by, "recorded": recorded})

    return routes


def trust_of(caller: Caller) -> Trust:
    """How far this caller's word on a decision goes."""
    if {"analyst", "operator"}.intersection(caller.roles):
        return "analyst"
    return "approver" if "approver" in caller.roles else "broker"


def _refuse_oneself(service: Service, decided: Decided, *names: str) -> None:
    """Nobody answers for himself. Raises a 403 `Problem`."""
    engine = service.engine
    own = {form for party in parties(engine, decided) for form in engine.names(party)}
    if any(not own.isdisjoint(engine.names(name)) for name in names):
        raise Problem(403, "by: nobody answers for a request of his own, or one made on his behalf")


def parties(engine: Engine, decided: Decided) -> frozenset[str]:
    """The canonical names of everybody that a request is made by, for, or on behalf of."""
    fold, request = engine.state.identities.fold, decided.request
    named = (request.requester, request.consumer or "", *request.on_behalf_of)
    return frozenset({decided.requester, *(fold(name) for name in named if name)})


@runtime_checkable
class Searchable(Protocol):
    """A log that can find the entries about one id: an optional gift of the store's."""

    def find(self, name: str) -> Iterator[Entry]:
        """The durable entries about one decision, event or rule, in order."""


@runtime_checkable
class Forgetful(Protocol):
    """A log that entries may be taken away from: an optional gift of the store's."""

    def forgotten(self) -> int:
        """The last entry that is forgotten; 0 where none is."""


def gone(service: Service, decision_id: str) -> Problem | None:
    """Why a decision is not shown any more, also where the engine still remembers it; `None` where it may be."""
    made = decided_after(decision_id)
    if made is None or not isinstance(service.log, Forgetful) or made >= service.log.forgotten():
        return None
    return Problem(
        410, f"decision {decision_id[:100]!r} is forgotten: the log was compacted, and keeps only the decision's hash"
    )


async def decision_of(service: Service, decision_id: str) -> Decided:
    """The decision: the engine knows the latest ones, the log all it keeps. Raises a 404 or 410 `Problem`."""
    forgotten = gone(service, decision_id)
    if forgotten is not None:
        raise forgotten
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
