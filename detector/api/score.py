"""Asking: one grant request, or a list of them, before anything is minted."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from starlette.types import Receive, Scope, Send

from detector.api.bodies import must_be_json, parse, raw_body
from detector.api.callers import Caller, authorise, caller_of
from detector.api.durability import landed
from detector.api.limits import STRANGER
from detector.api.offers import bringing, going
from detector.api.problems import Problem, invalid
from detector.api.service import Service, Turns
from detector.api.wire import answer, asked_for, grant_request
from detector.engine import Asked, ConflictingRequest
from detector.events import GrantRequest

_ENCODER: Final = msgspec.json.Encoder()
_JSON: Final = (b"content-type", b"application/json")


class Score:
    """`POST /v1/score`, as a bare ASGI endpoint: every mint waits for it.

    Wrong to copy for other routes: it gives up FastAPI's declared bodies for its
    speed, so its description in the OpenAPI document is written by hand.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one grant request, once its decision is durable or the deadline has passed."""
        service = self._service
        caller = authorise(caller_of(scope), ("broker",), local=True)
        must_be_json(scope)
        body = await raw_body(scope, receive, service.limits.request_bytes)
        request = asked_for(body, now=service.clock())
        if STRANGER in scope:
            async with service.strangers:  # one of them between any two asks of others
                asked = ask(service, caller, request)
        else:
            asked = ask(service, caller, request)
        recorded = await service.durability.of(asked.durable)
        if not recorded:
            service.telemetry.unrecorded()
        on = going(service, caller, asked.decision)
        await respond(send, answer(asked.decision, recorded=recorded, request=request.id, on=on))


class ScoreBatch:
    """`POST /v1/score/batch`: each member is asked in its order, and answered in its place."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a list. A member that cannot be read gets a problem in its place, and the others their answers."""
        service = self._service
        caller = authorise(caller_of(scope), ("broker",), local=True)
        must_be_json(scope)
        records = parse(await raw_body(scope, receive, service.limits.request_bytes))
        if not isinstance(records, list):
            raise invalid([("body", "must be an array of grant requests")])
        if len(records) > service.limits.batch_items:
            raise Problem(413, f"a batch holds at most {service.limits.batch_items} requests")
        asked: list[_Member] = []
        async with service.long_work(scope):
            turns = Turns()
            for record in records:
                asked.append(_ask_or_problem(service, caller, record))
                await turns.rest()
        answered = [member.asked for member in asked if isinstance(member, _Answered)]
        records_made = [one.durable for one in answered if one.durable is not None]
        if records_made:  # they become durable in their order: one wait, for the last, is enough for all
            await service.durability.of(records_made[-1])
        await respond(send, [_member(service, caller, member) for member in asked])


class _Answered(NamedTuple):
    """A member of a batch by the id it was asked under, which the log's own may not be: that is redacted."""

    id: str
    asked: Asked


_Member: TypeAlias = _Answered | Problem


def ask(service: Service, caller: Caller, request: GrantRequest) -> Asked:
    """What the engine says of one request. Raises a `Problem`."""
    request = bringing(service, caller, request)
    try:
        return service.engine.ask(request, trusted=service.gate.trusts(caller, "broker"))
    except ConflictingRequest as conflict:
        raise Problem(409, str(conflict)) from None


async def respond(send: Send, value: Any) -> None:
    """Send a value as JSON."""
    body = _ENCODER.encode(value)
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _member(service: Service, caller: Caller, member: _Member) -> Any:
    if isinstance(member, Problem):
        return {"problem": member.document()}
    recorded = landed(member.asked.durable)
    if not recorded:
        service.telemetry.unrecorded()
    decided = member.asked.decision
    return answer(decided, recorded=recorded, request=member.id, on=going(service, caller, decided))


def _ask_or_problem(service: Service, caller: Caller, record: Any) -> _Member:
    try:
        request = grant_request(record, now=service.clock())
        return _Answered(request.id, ask(service, caller, request))
    except Problem as problem:
        return problem
