"""Shared Signals over HTTP: discovery, keys, the streams that receivers manage, and polling.

Errors are the standard's: 400 for what cannot be read or is wrong, 404 for a stream that is not the caller's.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response

from detector.api.bodies import document
from detector.api.callers import Caller, needs
from detector.api.decisions import as_json
from detector.api.problems import Problem
from detector.api.service import Service
from detector.signals.receivers import About, NewStatus, Poll, Receivers, StreamDisabled, Verify, Wanted
from detector.signals.streams import Stream, StreamsFull
from detector.signals.transmitter import Transmitter

RECEIVERS: Final = needs("receiver")
Receiver = Annotated[Caller, Depends(RECEIVERS)]

NO_STORE: Final = {"Cache-Control": "no-store"}
AUDIENCE: Final = "urn:assayer:receiver:"
"""What an audience begins with; the id of the receiver's token follows."""

Document = TypeVar("Document")
Done = TypeVar("Done")


def signals(service: Service) -> APIRouter:
    """The routes of `/ssf`, and the transmitter's metadata."""
    routes = APIRouter()
    _discovery(routes, service)
    _streams(routes, service)
    _stream_by_stream(routes, service)
    return routes


def _discovery(routes: APIRouter, service: Service) -> None:
    @routes.get("/.well-known/ssf-configuration")
    async def metadata() -> Response:
        return as_json(_transmitter(service).metadata())

    @routes.get("/ssf/jwks.json")
    async def jwks() -> Response:
        keys = _transmitter(service).keys
        if keys is None:
            raise _off()
        return as_json(await asyncio.to_thread(keys.jwks))


def _streams(routes: APIRouter, service: Service) -> None:
    """Streams as such: read, made, changed, replaced, deleted."""

    @routes.get("/ssf/stream")
    async def read(caller: Receiver, stream_id: Annotated[str | None, Query()] = None) -> Response:
        receivers = _transmitter(service).receivers
        if stream_id is not None:
            return _shown(receivers, _one(receivers, stream_id, caller))
        return as_json([receivers.shown(stream) for stream in receivers.of(caller.key)], headers=NO_STORE)

    @routes.post("/ssf/stream", status_code=201)
    async def create(request: Request, caller: Receiver) -> Response:
        receivers = _transmitter(service).receivers
        wanted = await _body(service, request, Wanted, blank=Wanted())
        audience = AUDIENCE + caller.key.removeprefix("token ")
        made = await _done(lambda: receivers.create(wanted, owner=caller.key, audience=audience), full=409)
        return _shown(receivers, made, status=201)

    @routes.patch("/ssf/stream")
    async def change(request: Request, caller: Receiver) -> Response:
        receivers = _transmitter(service).receivers
        wanted = await _body(service, request, Wanted)
        stream = _one(receivers, wanted.stream_id, caller)
        return _shown(receivers, await _done(lambda: receivers.change(stream, wanted)))

    @routes.put("/ssf/stream")
    async def replace(request: Request, caller: Receiver) -> Response:
        receivers = _transmitter(service).receivers
        wanted = await _body(service, request, Wanted)
        stream = _one(receivers, wanted.stream_id, caller)
        return _shown(receivers, await _done(lambda: receivers.replace(stream, wanted)))

    @routes.delete("/ssf/stream", status_code=204)
    async def delete(caller: Receiver, stream_id: Annotated[str | None, Query()] = None) -> Response:
        receivers = _transmitter(service).receivers
        stream = _one(receivers, stream_id, caller)
        await _done(lambda: receivers.delete(stream))
        return Response(status_code=204, headers=NO_STORE)


def _stream_by_stream(routes: APIRouter, service: Service) -> None:
    """What is done with one stream: its status, its subjects, verification, polling."""

    @routes.get("/ssf/status")
    async def status(caller: Receiver, stream_id: Annotated[str | None, Query()] = None) -> Response:
        return _status(_one(_transmitter(service).receivers, stream_id, caller))

    @routes.post("/ssf/status")
    async def set_status(request: Request, caller: Receiver) -> Response:
        receivers = _transmitter(service).receivers
        wanted = await _body(service, request, NewStatus)
        stream = _one(receivers, wanted.stream_id, caller)
        return _status(await _done(lambda: receivers.set_status(stream, wanted)))

    @routes.post("/ssf/subjects:add")
    async def add_subject(request: Request, caller: Receiver) -> Response:
        receivers = _transmitter(service).receivers
        about = await _body(service, request, About)
        stream = _one(receivers, about.stream_id, caller)
        await _done(lambda: receivers.add_subject(stream, about))
        return Response(status_code=200, headers=NO_STORE)

    @routes.post("/ssf/subjects:remove", status_code=204)
    async def remove_subject(request: Request, caller: Receiver) -> Response:
        receivers = _transmitter(service).receivers
        about = await _body(service, request, About)
        stream = _one(receivers, about.stream_id, caller)
        await _done(lambda: receivers.remove_subject(stream, about), full=403)
        return Response(status_code=204, headers=NO_STORE)

    @routes.post("/ssf/verify", status_code=204)
    async def verify(request: Request, caller: Receiver) -> Response:
        receivers = _transmitter(service).receivers
        asked = await _body(service, request, Verify)
        stream = _one(receivers, asked.stream_id, caller)
        await _done(lambda: receivers.verify(stream, asked), full=429)
        return Response(status_code=204, headers=NO_STORE)

    @routes.post("/ssf/poll/{stream_id}")
    async def poll(stream_id: str, request: Request, caller: Receiver) -> Response:
        receivers = _transmitter(service).receivers
        polled = await _body(service, request, Poll, blank=Poll())
        stream = _one(receivers, stream_id, caller)
        try:
            return as_json(await _answered(receivers.poll(stream, polled)), headers=NO_STORE)
        except KeyError:
            raise Problem(404, "this stream is pushed, not polled") from None


def _transmitter(service: Service) -> Transmitter:
    """The transmitter. Raises a 404 `Problem` where there is none, or none with a name."""
    if service.signals is None or not service.signals.issuer:
        raise _off()
    return service.signals


def _one(receivers: Receivers, name: str | None, caller: Caller) -> Stream:
    """One of the caller's streams. Raises a 400 `Problem` where none is named, a 404 one for somebody else's."""
    if not name:
        raise Problem(400, "stream_id: names the stream", errors=[("stream_id", "is missing")])
    try:
        return receivers.one(name, owner=caller.key)
    except KeyError:
        raise Problem(404, f"no stream {name[:100]!r} of this receiver") from None


async def _body(
    service: Service, request: Request, shape: type[Document], *, blank: Document | None = None
) -> Document:
    """The body as a `shape`. The standard has one status for all that is wrong with it."""
    try:
        return await document(request.scope, request.receive, shape, limit=service.limits.request_bytes, blank=blank)
    except Problem as problem:
        if problem.status != 422:  # noqa: PLR2004 - see above
            raise
        raise Problem(400, problem.detail, errors=problem.errors) from None


async def _done(change: Callable[[], Done], *, full: int = 409) -> Done:
    """A change that waits for the disk, made where nobody waits. `full` is the status of there being too many."""
    return await _answered(asyncio.to_thread(change), full=full)


async def _answered(change: Awaitable[Done], *, full: int = 409) -> Done:
    try:
        return await change
    except StreamsFull as error:
        headers = {"Retry-After": "60"} if full == 429 else {}  # noqa: PLR2004 - too many at once, not altogether
        raise Problem(full, str(error), headers=headers) from None
    except StreamDisabled as error:
        raise Problem(409, str(error)) from None
    except sqlite3.Error as error:
        raise Problem(503, f"the streams cannot be written: {error}", headers={"Retry-After": "5"}) from None
    except ValueError as error:
        field, _, wrong = str(error).partition(": ")
        raise Problem(400, str(error), errors=[(field, wrong)]) from None


def _shown(receivers: Receivers, stream: Stream, *, status: int = 200) -> Response:
    return as_json(receivers.shown(stream), status=status, headers=NO_STORE)


def _status(stream: Stream) -> Response:
    shown: dict[str, Any] = {"stream_id": stream.id, "status": stream.status}
    return as_json({**shown, "reason": stream.reason} if stream.reason else shown, headers=NO_STORE)


def _off() -> Problem:
    return Problem(404, "Shared Signals are off: signals.issuer is not set")
