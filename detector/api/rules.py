"""Deny rules: listed, written, switched and withdrawn, each change by somebody with a name."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from detector.api.bodies import document
from detector.api.callers import Caller, needs
from detector.api.decisions import Reader, as_json
from detector.api.problems import Problem, invalid
from detector.api.service import Service, Turns
from detector.api.wire import Enforcement, NewRule, Withdrawal, rule_view
from detector.rules import Rule, RuleState

OPERATORS: Final = needs("operator")
Operator = Annotated[Caller, Depends(OPERATORS)]

Changed: TypeAlias = tuple[Rule, Future[int]]


def rules(service: Service) -> APIRouter:
    """The routes of `/v1/deny-rules`."""
    routes = APIRouter()
    engine = service.engine
    limit = service.limits.request_bytes

    @routes.get("/v1/deny-rules")
    async def listing(_caller: Reader, state: Annotated[RuleState | None, Query()] = None) -> Response:
        views, turns, now = [], Turns(), engine.now()
        for rule in engine.rules():
            if state is None or rule.state(now) == state:
                views.append(msgspec.Raw(msgspec.json.encode(_view(service, rule))))
            await turns.rest()  # there may be twenty thousand
        return as_json({"deny_rules": views})

    @routes.post("/v1/deny-rules", status_code=201)
    async def create(request: Request, caller: Operator) -> Response:
        new = await document(request.scope, request.receive, NewRule, limit=limit)
        try:
            changed = engine.propose_rule(
                new.selector.selector(),
                by=caller.name,
                reason=new.reason,
                lifetime_seconds=new.lifetime_seconds,
                goal=new.mode,
                override=new.override,
            )
        except ValueError as error:
            field, _, wrong = str(error).partition(": ")
            raise invalid([(f"selector.{field}", wrong) if wrong else ("selector", field)]) from None
        return await _settled(service, changed, status=201)

    @routes.get("/v1/deny-rules/{rule_id}")
    async def show(rule_id: str, _caller: Reader) -> Response:
        rule = engine.rule(rule_id)
        if rule is None:
            raise _unknown(rule_id)
        return as_json(_view(service, rule))

    @routes.post("/v1/deny-rules/{rule_id}/enforce")
    async def enforce(rule_id: str, request: Request, caller: Operator) -> Response:
        how = await document(request.scope, request.receive, Enforcement, limit=limit, blank=Enforcement())
        changed = _changed(rule_id, lambda: engine.enforce_rule(rule_id, by=caller.name, override=how.override))
        return await _settled(service, changed)

    @routes.post("/v1/deny-rules/{rule_id}/shadow")
    async def shadow(rule_id: str, caller: Operator) -> Response:
        return await _settled(service, _changed(rule_id, lambda: engine.shadow_rule(rule_id, by=caller.name)))

    @routes.post("/v1/deny-rules/{rule_id}/withdraw")
    async def withdraw(rule_id: str, request: Request, caller: Operator) -> Response:
        why = await document(request.scope, request.receive, Withdrawal, limit=limit)
        changed = _changed(rule_id, lambda: engine.withdraw_rule(rule_id, by=caller.name, reason=why.reason))
        return await _settled(service, changed)

    return routes


def _changed(rule_id: str, change: Callable[[], Changed]) -> Changed:
    """The change made. Raises a 404 `Problem` for an unknown rule, a 409 one for a change its state does not allow."""
    try:
        return change()
    except KeyError:
        raise _unknown(rule_id) from None
    except ValueError as error:
        raise Problem(409, str(error)) from None


async def _settled(service: Service, changed: Changed, *, status: int = 200) -> Response:
    rule, durable = changed
    recorded = await service.durability.of(durable)
    view = {**_view(service, rule), "recorded": recorded}
    return as_json(view, status=status, headers={"Location": f"/v1/deny-rules/{rule.id}"})


def _view(service: Service, rule: Rule) -> dict[str, Any]:
    return rule_view(rule, hits=service.engine.hits(rule.id), now=service.engine.now())


def _unknown(rule_id: str) -> Problem:
    return Problem(404, f"no deny rule {rule_id[:100]!r}")
