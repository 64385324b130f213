"""Whether what a broker submits is about a decision that we made, told it, and can still stand by."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from detector.api.access_wire import ERROR, LONGEST_BECAUSE, Submission, actors, justification
from detector.api.bodies import misfit
from detector.api.callers import Caller
from detector.api.decisions import decision_of
from detector.api.evaluations import MODEL, evaluated
from detector.api.offers import ways
from detector.api.problems import Problem, invalid
from detector.api.service import Service
from detector.engine.access import scope_of
from detector.engine.asking_records import AccessRequested
from detector.engine.records import Decided
from detector.events import GrantRequest
from detector.sources.fields import moment
from detector.stepup.seals import Binding, SealBroken, SealExpired

DIGITS: Final = 32
"""Hexadecimal digits of a digest: 128 bits."""

_CANONICAL: Final = msgspec.json.Encoder(order="deterministic")


def digest(*parts: str) -> str:
    """What stands for these in memory."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:DIGITS]


def body_digest(body: Any) -> str:
    """A submission's own: alike however its members are ordered and spaced."""
    return digest(_CANONICAL.encode(body).decode())


def binding_of(service: Service, caller: Caller, submitted: Submission) -> Binding:
    """What the denial that is brought back proves. Raises a 400 or 410 `Problem`, as the profile has them."""
    denial = submitted.denial
    if not denial.binding_token:
        raise unbound("denial.binding_token", "is missing: it came with the decision")
    try:
        binding = service.desk.seals.binding(denial.binding_token, now=service.clock())
    except SealExpired:
        raise Problem(
            410, "denial.binding_token: its time is over; evaluate again", kind=f"{ERROR}expired_denial"
        ) from None
    except SealBroken as why:
        raise unbound("denial.binding_token", f"is not to be believed: {why}") from None
    if denial.expires_at != binding.told:
        raise unbound("denial.expires_at", "is not what the decision said")
    if denial.evaluation_id and denial.evaluation_id != binding.decision:
        raise unbound("denial.evaluation_id", "is another decision's")
    if binding.broker != caller.name:
        raise unbound("denial.binding_token", "was told to another broker")
    return binding


async def denied(service: Service, caller: Caller, submitted: Submission, binding: Binding) -> Decided:
    """The decision that an access request is about, which has to be of just what is submitted. Raises a `Problem`."""
    try:
        decided = await decision_of(service, binding.decision)
    except Problem:
        raise unbound("denial", "is of a decision that is not kept any more") from None
    if decided.answer != "step_up" or not decided.moves_risk:
        raise Problem(400, "denial: nothing could answer that decision", kind=f"{ERROR}not_requestable")
    again = _again(service, caller, submitted, decided)
    engine = service.engine
    scopes = {binding.scope, scope_of(decided.request, engine.state.identities.fold), engine.scope(again)}
    if len(scopes) > 1 or again.ttl_seconds != decided.request.ttl_seconds:
        raise unbound("body", "subject, resource, action or context are not those of the decision")
    return decided


def _again(service: Service, caller: Caller, submitted: Submission, decided: Decided) -> GrantRequest:
    """What is submitted, as the request that it would have been. One that came as a grant request knows no types."""
    record = {
        "subject": submitted.subject,
        "resource": submitted.resource,
        "action": submitted.action,
        "context": submitted.context,
    }
    request = evaluated(record, caller, now=service.clock())
    if MODEL in decided.request.attributes:
        return request
    attributes = {name: value for name, value in request.attributes.items() if name != MODEL}
    actions = decided.request.actions if request.actions[0] in decided.request.actions else request.actions
    if not decided.request.actions:
        actions = ()
    return msgspec.structs.replace(request, attributes=attributes, actions=actions)


def requested(
    service: Service, caller: Caller, submitted: Submission, decided: Decided, binding: Binding
) -> AccessRequested:
    """The record of an access request, but for its id and keys. Raises a 422 `Problem` naming the field."""
    request, now = decided.request, service.clock()
    wanted, emergency = _wanted(submitted, now), submitted.requested_access.emergency
    because = justification(submitted.context or {})
    if emergency and not because:
        raise invalid([("context.business_justification", "is needed of an emergency")])
    through = actors(submitted.client, submitted.subject)
    named = (request.consumer or "", *request.on_behalf_of, *through)
    return AccessRequested(
        task="",
        decision=decided.decision,
        requester=decided.requester,
        issuer=request.issuer,
        resource=request.resource,
        scope=binding.scope,
        evidence=decided.weighed.evidence,
        methods=ways(service, decided),
        by=caller.name,
        expires=now + service.desk.terms.pending_seconds,
        limits=decided.weighed.limits,
        parties=tuple(dict.fromkeys(party for party in named if party)),
        ttl_seconds=request.ttl_seconds,
        wanted=wanted,
        emergency=emergency,
        because=because or (request.purpose or "")[:LONGEST_BECAUSE],
    )


def _wanted(submitted: Submission, now: float) -> float | None:
    told = submitted.requested_access.requested_until
    if told is None:
        return None
    try:
        wanted = moment(told)
    except (ValueError, OverflowError):
        raise invalid([("requested_access.requested_until", "must be an RFC 3339 time with an offset")]) from None
    if wanted <= now:
        raise invalid([("requested_access.requested_until", "lies in the past")])
    return wanted


def unbound(field: str, reason: str) -> Problem:
    """A submission that cannot be bound to a decision of ours."""
    return Problem(400, f"{field}: {reason}", errors=[(field, reason)], kind=f"{ERROR}invalid_denial_binding")


def shape(value: Any) -> Submission:
    """A parsed body as a submission. Raises a `Problem` naming the field."""
    if isinstance(value, Mapping) and value.get("items") is not None:
        raise unbound("items", "one access request is about one decision")
    try:
        return msgspec.convert(value, Submission)
    except msgspec.ValidationError as error:
        raise misfit(str(error)) from None
