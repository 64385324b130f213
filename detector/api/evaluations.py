"""AuthZEN's information model and ours: an evaluation as a grant request, a decision as a Decision with its context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from detector.api.callers import Caller
from detector.api.offers import REQUESTS, going
from detector.api.problems import Problem
from detector.api.service import Service
from detector.api.wire import Answer, answer, grant_request
from detector.engine import Asked
from detector.events import GrantRequest
from detector.sources.fields import moment

STEP_UP: Final = "step-up"
"""The obligation type of the AuthZEN profile for obligations."""

MACHINERY: Final = frozenset({"access_request", "evaluation_id", "evaluated_at", "reason", "supported_obligations"})
"""Members of a request's context that speak of the protocol, not of the request."""

ENTITIES: Final = ("subject", "resource", "action")
MODEL: Final = "authzen"
"""The attribute that keeps of the information model what our events have no field for, so that it is in the scope."""

_FIELDS: Final = {"requester": "subject.id", "resource": "resource.id", "actions": "action.name"}
"""What AuthZEN calls a field of ours; any other is in the context."""

REASONS: Final = {"step_up": "approval_required", "deny": "denied"}
"""`context.reason` of a decision that nothing more particular is to be said about."""

USER_SAYS: Final = {
    "step_up": "This request is unusual: somebody has to approve it first.",
    "deny": "This request is refused.",
}
"""What may be shown to whoever asked: nothing that would teach a thief what gave him away."""


def malformed(field: str, reason: str) -> Problem:
    """A 400 naming the field, which is AuthZEN's answer to a request that lacks something or has it wrong."""
    return Problem(400, f"{field}: {reason}", errors=[(field, reason)])


def evaluated(record: Any, caller: Caller, *, now: float, at: str = "") -> GrantRequest:
    """The grant request that an evaluation asks about; `at` says where it stands. Raises a 400 `Problem`.

    `context` holds the grant's other fields. Without an issuer in it, the caller is the issuer: it is who would act
    on the decision. A time that is none of ours, which other systems' contexts may hold, counts as none.
    """
    if not isinstance(record, Mapping):
        raise malformed(at or "body", "must be an object")
    named = {name: _entity(record, name, at) for name in ENTITIES}
    context = record.get("context")
    context = {} if context is None else context
    if not isinstance(context, Mapping):
        raise malformed(f"{at}context", "must be an object")
    asked: dict[str, Any] = {name: value for name, value in context.items() if name not in MACHINERY}
    asked.setdefault("issuer", caller.name)
    if "time" in asked and not _ours(asked["time"]):
        del asked["time"]
    asked |= {
        "kind": "grant_request",
        "requester": named["subject"]["id"],
        "resource": named["resource"]["id"],
        "actions": [named["action"]["name"]],
    }
    attributes = asked.get("attributes")
    attributes = {} if attributes is None else attributes
    if not isinstance(attributes, Mapping):
        raise malformed(f"{at}context.attributes", "must be an object")
    asked["attributes"] = {**attributes, MODEL: _model(named)}
    try:
        return grant_request(asked, now=now)
    except Problem as problem:
        errors = [(f"{at}{_FIELDS.get(field, f'context.{field}')}", reason) for field, reason in problem.errors]
        raise Problem(400, "; ".join(f"{field}: {reason}" for field, reason in errors), errors=errors) from None


def _entity(record: Mapping[str, Any], name: str, at: str) -> Mapping[str, Any]:
    """A subject, resource or action: an object with its required texts."""
    entity = record.get(name)
    if entity is None:
        raise malformed(f"{at}{name}", "is missing")
    if not isinstance(entity, Mapping):
        raise malformed(f"{at}{name}", "must be an object")
    for key in ("name",) if name == "action" else ("type", "id"):
        if key not in entity:
            raise malformed(f"{at}{name}.{key}", "is missing")
        if not isinstance(entity[key], str) or not entity[key]:
            raise malformed(f"{at}{name}.{key}", "must be a text with something in it")
    if not isinstance(entity.get("properties", {}), Mapping):
        raise malformed(f"{at}{name}.properties", "must be an object")
    return entity


def _model(named: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Types and properties, but for the actor: whoever acts may be told elsewhere when access is requested."""
    model: dict[str, Any] = {"subject": named["subject"]["type"], "resource": named["resource"]["type"]}
    for name, entity in named.items():
        properties = dict(entity.get("properties", {}))
        if name == "subject":
            properties.pop("act", None)
        if properties:
            model[f"{name}_properties"] = properties
    return model


def _ours(time: Any) -> bool:
    try:
        moment(time)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


class Answered(NamedTuple):
    """An evaluation that was made: under which id, what came of it, and what it said of obligations."""

    id: str
    asked: Asked
    understood: Any


def decision(service: Service, caller: Caller, answered: Answered, *, recorded: bool, base: str) -> dict[str, Any]:
    """A Decision: `true` for what may be minted now, and nothing else.

    `base` is where we are, as the caller reaches us.
    """
    decided = answered.asked.decision
    on = going(service, caller, decided)
    told = answer(decided, recorded=recorded, request=answered.id, on=on)
    context: dict[str, Any] = {"evaluation_id": decided.decision, **msgspec.to_builtins(told)}
    if decided.answer == "allow":
        return {"decision": True, "context": context}
    refused = on.approval.reason if on.approval is not None else None
    context["reason"] = refused or REASONS[decided.answer]
    context["reason_admin"] = {"403": _said(told)}
    context["reason_user"] = {"403": USER_SAYS[decided.answer]}
    if on.approval is not None and on.approval.next_action is not None:
        context["next_action"] = on.approval.next_action
    if decided.answer == "step_up":
        context |= _way_on(service, told, base, answered.understood)
    return {"decision": False, "context": context}


def _way_on(service: Service, told: Answer, base: str, understood: Any) -> dict[str, Any]:
    terms = service.desk.terms
    found: dict[str, Any] = {}
    if not isinstance(understood, list) or STEP_UP in understood:
        properties: dict[str, Any] = {"acr_value": terms.acr_value}
        if terms.amr_values:
            properties["amr_values"] = list(terms.amr_values)
        found["obligations"] = [{"id": "step-up-1", "type": STEP_UP, "properties": properties}]
    step_up = told.step_up
    if step_up is not None and step_up.access_request is not None:
        offer = step_up.access_request
        found["step_up"] = {"outcome": step_up.outcome, "methods": list(offer.methods)}
        found["access_request"] = {
            "endpoint": base + REQUESTS,
            "template": offer.template,
            "expires_at": offer.expires_at,
            "binding_token": offer.binding_token,
            "display": {
                "title": "Approval is required",
                "description": f"It may be given by: {', '.join(offer.methods)}.",
            },
        }
    return found


def _said(told: Answer) -> str:
    """The reasons in a sentence, the weightiest first."""
    return "; ".join(reason.because for reason in told.reasons) or "refused"


def failure(problem: Problem) -> dict[str, Any]:
    """What stands in the place of an evaluation that could not be made: decisions default to closed."""
    return {"decision": False, "context": {"error": {"status": problem.status, "message": problem.detail}}}
