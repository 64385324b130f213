"""The log itself: its signed head, proofs that a decision is in it, its entries as they lie there, its key."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Annotated, Any, Final, Protocol, runtime_checkable

from fastapi import APIRouter, Depends, Query, Response

from detector.api.callers import Caller, needs
from detector.api.decisions import as_json, gone
from detector.api.problems import Problem
from detector.api.rules import Operator
from detector.api.service import Service
from detector.engine.records import KeyRotated
from detector.proof import Growth, Inclusion
from detector.store.errors import EntriesForgotten
from detector.store.rows import Row
from detector.store.sqlite import Rotation

MOST_ENTRIES: Final = 1_000
"""Entries in one answer: a megabyte or so."""
USUAL_ENTRIES: Final = 100
MOST_BYTES: Final = 8_388_608
"""Bytes of bodies in one answer, unless one entry alone is larger: a log may hold large ones."""
LAST_POSITION: Final = 2**62

Auditor = Annotated[Caller, Depends(needs("auditor", "operator"))]
Prover = Annotated[Caller, Depends(needs("auditor", "analyst", "operator"))]
After = Annotated[int, Query(ge=0, le=LAST_POSITION)]
Since = Annotated[int, Query(ge=1, le=LAST_POSITION)]
Limit = Annotated[int, Query(ge=1, le=MOST_ENTRIES)]


@runtime_checkable
class Provable(Protocol):
    """A log that keeps a tree over its entries: an optional gift of the store's."""

    def checkpoint(self) -> bytes | None:
        """The newest checkpoint, as a signed note; `None` before the first."""

    def prove(self, decision: str) -> Inclusion:
        """That a decision is in the log. Raises `KeyError`."""

    def growth(self, old: int) -> Growth:
        """That the log grew out of one of `old` entries. Raises `KeyError`."""

    def entries(self, after: int, limit: int) -> list[Row]:
        """Up to so many entries after a position. Raises `EntriesForgotten`."""

    def rotate_key(self) -> Rotation:
        """Sign with another key from here on. Raises `OSError` or `sqlite3.Error`."""


def proofs(service: Service) -> APIRouter:
    """The routes of `/v1/log`."""
    routes = APIRouter()

    @routes.get("/v1/log/checkpoint")
    async def checkpoint(_caller: Prover) -> Response:
        note = _log(service).checkpoint()
        if note is None:
            raise Problem(404, "no checkpoint is signed yet: the first comes a second after the first entry")
        return Response(note, media_type="text/plain")

    @routes.get("/v1/log/proof/{decision_id}")
    async def proof(decision_id: str, caller: Prover) -> Response:
        log = _log(service)
        try:
            found = await asyncio.to_thread(log.prove, decision_id)
        except KeyError:
            raise gone(service, decision_id) or Problem(
                404, f"no decision {decision_id[:100]!r} is under a checkpoint"
            ) from None
        service.readings.note(caller, "proof", decision_id)
        return as_json(found)

    @routes.get("/v1/log/growth")
    async def growth(_caller: Prover, since: Since) -> Response:
        log = _log(service)
        try:
            return as_json(await asyncio.to_thread(log.growth, since))
        except KeyError:
            raise Problem(404, f"since: no checkpoint is over {since} entries yet") from None

    @routes.get("/v1/log/entries")
    async def entries(caller: Auditor, after: After = 0, limit: Limit = USUAL_ENTRIES) -> Response:
        log = _log(service)
        try:
            rows = await asyncio.to_thread(log.entries, after, limit)
        except EntriesForgotten as error:
            raise Problem(410, f"after: {error}") from None
        service.readings.note(caller, "entries", "")
        return as_json({"entries": _within(rows), "head": service.log.head()})

    @routes.post("/v1/log/rotate-key")
    async def rotate_key(caller: Operator) -> Response:
        log = _log(service)
        try:
            rotation = await asyncio.to_thread(log.rotate_key)
        except (OSError, sqlite3.Error) as error:
            raise Problem(503, f"the old key goes on signing: {error}", headers={"Retry-After": "1"}) from None
        size, old, new = rotation
        durable = service.engine.keep_house(KeyRotated(size=size, old=old, new=new, by=caller.name))
        service.logger.warning("log key rotated", by=caller.name, verifier_key=new)
        recorded = await service.durability.of(durable)
        return as_json({"verifier_key": new, "size": size, "recorded": recorded})

    return routes


def _log(service: Service) -> Provable:
    if not isinstance(service.log, Provable):
        raise Problem(404, "this log is in memory, and keeps no tree")
    return service.log


def _within(rows: list[Row]) -> list[dict[str, Any]]:
    """As many of the rows as one answer holds, one at least; a body as the text that was written, to the byte."""
    shown: list[dict[str, Any]] = []
    left = MOST_BYTES
    for row in rows:
        left -= len(row.body)
        if left < 0 and shown:
            break
        shown.append({**row._asdict(), "body": row.body.decode(errors="replace")})
    return shown
