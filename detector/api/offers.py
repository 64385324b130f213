"""What a step-up offers to go on with, and the approvals that brokers bring back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.types import Scope

from detector.api.bodies import headers_of
from detector.api.callers import Caller
from detector.api.going import AccessOffer, ApprovalAnswer, Going, NextAction, StepUp, outcome_of
from detector.api.service import Service
from detector.api.wire import moment
from detector.engine.access import scope_of
from detector.engine.records import Decided
from detector.engine.tasks import Method
from detector.events import GrantRequest
from detector.policies import Advice, stricter
from detector.stepup.seals import Binding, SealBroken

REQUESTS: Final = "/access/v1/requests"

APPROVAL: Final = "approval"
"""The field that brings an approval back, as the Access Request and Approval Profile names it."""


def going(service: Service, caller: Caller, decided: Decided) -> Going:
    """What a broker is told beside the decision itself. Signs where it was stepped up, and only then."""
    step_up = _step_up(service, caller, decided) if decided.answer == "step_up" else None
    given = decided.presented
    if given is None:
        return Going(step_up=step_up)
    offered = step_up is not None and step_up.access_request is not None
    if given.refused is not None:
        again = offered and given.refused in {"approval_expired", "out_of_scope"}
        action: NextAction = "request" if again else "none"
        told = ApprovalAnswer(id=given.approval or None, passed=False, reason=given.refused, next_action=action)
        return Going(step_up=step_up, approval=told)
    if not given.until:
        return Going(step_up=step_up, approval=ApprovalAnswer(id=given.approval, passed=False))
    left = max(math.floor(given.until - service.clock()), 0)
    told = ApprovalAnswer(id=given.approval, passed=True, approved_until=moment(given.until))
    advice = Advice(max_ttl_seconds=float(left), because=(f"approval {given.approval}",))
    return Going(step_up=step_up, approval=told, advice=advice)


def _step_up(service: Service, caller: Caller, decided: Decided) -> StepUp:
    return StepUp(outcome_of(decided), _offer(service, caller, decided) if decided.moves_risk else None)


def _offer(service: Service, caller: Caller, decided: Decided) -> AccessOffer | None:
    """What an access request is made with; `None` where nothing could answer one."""
    desk, request = service.desk, decided.request
    methods = ways(service, decided)
    if not methods:
        return None
    now = service.clock()
    expires = math.floor(now + desk.terms.offer_seconds)
    told = moment(expires)
    scope = scope_of(request, service.engine.state.identities.fold)
    binding = Binding(decided.decision, scope, caller.name, float(expires), told)
    return AccessOffer(
        endpoint=REQUESTS,
        expires_at=told,
        binding_token=desk.seals.bind(binding, now=now),
        template="+".join(methods),
        methods=methods,
    )


def ways(service: Service, decided: Decided) -> tuple[Method, ...]:
    """What may answer for a decision that was stepped up. For what breaks a hard limit only people do."""
    request = decided.request
    known = service.engine.state.sensitivities.level(request.resource)
    methods = service.desk.allowed(stricter(request.sensitivity, known))
    return tuple(method for method in methods if method == "human") if decided.weighed.limits else methods


def bringing(service: Service, caller: Caller, request: GrantRequest) -> GrantRequest:
    """The request with the approval that it brings, where that is one of ours, given to this broker.

    One that is not leaves an empty id: the request is then decided as not approved, and told so.
    """
    if APPROVAL not in request.unknown:
        return request
    others = {name: value for name, value in request.unknown.items() if name != APPROVAL}
    brought = _approval(service, caller, request.unknown[APPROVAL])
    return msgspec.structs.replace(request, approval=brought, unknown=others)


def _approval(service: Service, caller: Caller, brought: Any) -> str:
    if not isinstance(brought, Mapping):
        return ""
    state, name = brought.get("state"), brought.get("id")
    if not isinstance(state, str) or not isinstance(name, str):
        return ""
    try:
        sealed = service.desk.seals.approval(state, now=service.clock())
    except SealBroken:
        return ""
    found = service.engine.state.memory.tasks.named(approval=sealed)
    if sealed != name or found is None or found[1].broker != caller.name:
        return ""
    return sealed


def base_url(service: Service, scope: Scope) -> str:
    """Where we are, as the caller reaches us: as configured, else as it called."""
    if service.desk.terms.url:
        return service.desk.terms.url.rstrip("/")
    host = headers_of(scope).get(b"host", b"").decode("latin-1")
    server = scope.get("server") or ("127.0.0.1", 80)
    return f"{scope.get('scheme', 'http')}://{host or f'{server[0]}:{server[1]}'}"
