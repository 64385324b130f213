"""OpenID AuthZEN Authorization API 1.0: one evaluation, many of them, and what we are and can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from detector.api.bodies import must_be_json, parse, raw_body
from detector.api.callers import Caller, authorise, caller_of
from detector.api.decisions import as_json
from detector.api.durability import landed
from detector.api.evaluations import STEP_UP, Answered, decision, evaluated, failure, malformed
from detector.api.offers import REQUESTS, base_url
from detector.api.problems import Problem
from detector.api.score import ask, respond
from detector.api.service import Service, Turns

EVALUATION: Final = "/access/v1/evaluation"
EVALUATIONS: Final = "/access/v1/evaluations"
METADATA: Final = "/.well-known/authzen-configuration"
KEYS: Final = "/access/v1/jwks"

CAPABILITIES: Final = ("urn:openid:authzen:capability:access-request",)

STOPS: Final[Mapping[str, bool | None]] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""The decision at which each evaluation semantic stops."""

DEFAULTED: Final = ("subject", "action", "resource", "context")

CACHED: Final = {"Cache-Control": "max-age=300"}
"""Metadata and keys change when an operator changes them."""


class Evaluation:
    """`POST /access/v1/evaluation`, bare as `Score` is: every mint may wait for it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one evaluation with 200 and a decision."""
        caller, body = await _asked(self._service, scope, receive)
        await respond(send, await _one(self._service, scope, caller, body))


class Evaluations:
    """`POST /access/v1/evaluations`: several in one body, in order; those that are not reached are not asked."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer each in its place. Without any it is a single evaluation."""
        service = self._service
        caller, body = await _asked(service, scope, receive)
        members = body.get("evaluations")
        members = [] if members is None else members
        if not isinstance(members, list):
            raise malformed("evaluations", "must be a list")
        if not members:
            await respond(send, await _one(service, scope, caller, body))
            return
        if len(members) > service.limits.batch_items:
            raise Problem(413, f"evaluations: at most {service.limits.batch_items} in one request")
        stop, turns = _semantic(body), Turns()
        found: list[Answered | Problem] = []
        for number, member in enumerate(members):
            found.append(_member(service, caller, body, member, number))
            if stop is not None and _permitted(found[-1]) is stop:
                break
            await turns.rest()
        records = [one.asked.durable for one in found if isinstance(one, Answered) and one.asked.durable is not None]
        if records:  # they become durable in their order: one wait, for the last, is enough for all
            await service.durability.of(records[-1])
        base = base_url(service, scope)
        await respond(send, {"evaluations": [_shown(service, caller, one, base) for one in found]})


def authzen(service: Service) -> APIRouter:
    """The routes of the metadata document, and of the keys that verify what we sign."""
    routes = APIRouter()

    @routes.get(METADATA)
    async def metadata(request: Request) -> Response:
        base = base_url(service, request.scope)
        return as_json(
            {
                "policy_decision_point": base,
                "access_evaluation_endpoint": base + EVALUATION,
                "access_evaluations_endpoint": base + EVALUATIONS,
                "access_request_endpoint": base + REQUESTS,
                "jwks_uri": base + KEYS,
                "capabilities": list(CAPABILITIES),
                "supported_obligations": [STEP_UP],
            },
            headers=CACHED,
        )

    @routes.get(KEYS)
    async def keys() -> Response:
        return as_json(service.desk.seals.keys.jwks(), headers=CACHED)

    return routes


async def _asked(service: Service, scope: Scope, receive: Receive) -> tuple[Caller, Mapping[str, Any]]:
    caller = authorise(caller_of(scope), ("broker",), local=True)
    must_be_json(scope)
    body = parse(await raw_body(scope, receive, service.limits.request_bytes))
    if not isinstance(body, Mapping):
        raise malformed("body", "must be an object")
    return caller, body


async def _one(service: Service, scope: Scope, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    answered = _answered(service, caller, body)
    recorded = await service.durability.of(answered.asked.durable)
    if not recorded:
        service.telemetry.unrecorded()
    return decision(service, caller, answered, recorded=recorded, base=base_url(service, scope))


def _answered(service: Service, caller: Caller, record: Mapping[str, Any], at: str = "") -> Answered:
    """One evaluation, asked. Raises a `Problem`."""
    request, context = evaluated(record, caller, now=service.clock(), at=at), record.get("context")
    understood = context.get("supported_obligations") if isinstance(context, Mapping) else None
    return Answered(request.id, ask(service, caller, request), understood)


def _member(service: Service, caller: Caller, body: Mapping[str, Any], member: Any, number: int) -> Answered | Problem:
    """One evaluation, its missing keys taken from the request's own. What is wrong with it is its own failure."""
    at = f"evaluations[{number}]."
    try:
        if not isinstance(member, Mapping):
            raise malformed(at.rstrip("."), "must be an object")
        whole = {name: body[name] for name in DEFAULTED if name in body} | dict(member)
        context = whole.get("context")
        if "context" not in member and isinstance(context, Mapping) and isinstance(context.get("id"), str):
            # One id for all of them would make each the repetition of the first.
            whole["context"] = {**context, "id": f"{context['id']}/{number}"}
        return _answered(service, caller, whole, at)
    except Problem as problem:
        return problem


def _permitted(found: Answered | Problem) -> bool:
    return isinstance(found, Answered) and found.asked.decision.answer == "allow"


def _shown(service: Service, caller: Caller, found: Answered | Problem, base: str) -> dict[str, Any]:
    if isinstance(found, Problem):
        return failure(found)
    recorded = landed(found.asked.durable)
    if not recorded:
        service.telemetry.unrecorded()
    return decision(service, caller, found, recorded=recorded, base=base)


def _semantic(body: Mapping[str, Any]) -> bool | None:
    options = body.get("options")
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise malformed("options", "must be an object")
    semantic = options.get("evaluations_semantic", "execute_all")
    if not isinstance(semantic, str) or semantic not in STOPS:
        raise malformed("options.evaluations_semantic", f"must be one of {', '.join(STOPS)}")
    return STOPS[semantic]
