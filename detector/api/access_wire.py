"""Access requests over the wire: as the Access Request and Approval Profile has them, and as approvers read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from detector.api.wire import Text, moment
from detector.engine.tasks import Task
from detector.evidence import QUANTA
from detector.stepup.desk import Desk

ERROR: Final = "urn:openid:authzen:access-request:error:"
"""What the profile's kinds of problem begin with."""

LONGEST_BECAUSE: Final = 280
"""Characters of a justification that are kept: a hundred thousand of them wait in memory."""

LONGEST_TOKEN: Final = 8_192


class Denial(Struct, frozen=True):
    """What of a denied decision an access request brings back, unchanged."""

    expires_at: Annotated[str, Meta(max_length=64)]
    binding_token: Annotated[str, Meta(max_length=LONGEST_TOKEN)] = ""
    evaluation_id: Annotated[str, Meta(max_length=200)] = ""


class RequestedAccess(Struct, frozen=True):
    """Until when access is wanted (RFC 3339), and whether it cannot wait."""

    requested_until: Annotated[str, Meta(max_length=64)] | None = None
    emergency: bool = False


class Submission(Struct, frozen=True):
    """An access request. What else it holds is ignored, as the profile wants it."""

    subject: dict[str, Any]
    resource: dict[str, Any]
    action: dict[str, Any]
    denial: Denial
    context: dict[str, Any] | None = None
    requested_access: RequestedAccess = RequestedAccess()
    client: dict[str, Any] | None = None


class MachineAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer that no person gives: a workload's proof, or a second broker's word."""

    method: Literal["workload_proof", "second_broker"]
    proof: Annotated[str, Meta(max_length=LONGEST_TOKEN)] = ""


class Cancellation(Struct, frozen=True):
    """Why a broker waits no longer."""

    reason: Annotated[str, Meta(max_length=200)] = ""
    comment: Annotated[str, Meta(max_length=1_000)] = ""


class Answering(Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody approves, denies, or takes an approval back."""

    because: Text


def handle(name: str, task: Task, *, base: str, now: float) -> dict[str, Any]:
    """A task as its broker sees it: never who answered, nor why."""
    where = f"{base}/access/v1/requests/{name}"
    state = task.state(now)
    shown: dict[str, Any] = {"id": name, "status": state, "status_endpoint": where}
    if state == "pending":
        shown |= {
            "expires_at": moment(task.expires),
            "links": {"cancel": f"{where}/cancel"},
            "display": {
                "title": "Waiting for approval",
                "description": f"It may be given by: {', '.join(task.methods)}.",
            },
        }
    return shown


def result(name: str, task: Task, desk: Desk) -> dict[str, Any]:
    """What an approved task comes to: evaluate again, with this approval. The same for every look at it."""
    state = desk.seals.approve(
        task.approval, task=name, decision=task.decision, scope=task.scope, now=task.ended, until=task.until
    )
    return {
        "mode": "reevaluate",
        "approval": {
            "id": task.approval,
            "approved_at": moment(task.ended),
            "approved_until": moment(task.until),
            "state": state,
        },
    }


def for_approvers(name: str, task: Task, *, now: float) -> dict[str, Any]:
    """A task as whoever may answer it reads it: who asks, for what, how odd it was, what was said of it."""
    approved = task.status == "approved"
    return {
        "id": name,
        "status": task.state(now),
        "decision_id": task.decision,
        "requester": task.requester,
        "on_behalf_of": list(task.parties),
        "issuer": task.issuer,
        "resource": task.resource,
        "ttl_seconds": task.ttl_seconds,
        "broker": task.broker,
        "evidence": task.evidence / QUANTA,
        "emergency": task.emergency,
        "because": task.because,
        "methods": list(task.methods),
        "created": moment(task.created),
        "expires": moment(task.expires),
        "answered_by": task.by or None,
        "method": task.method or None,
        "answered": moment(task.ended) if task.by else None,
        "approved_until": moment(task.until) if approved else None,
        "used": task.used,
    }


def justification(context: Mapping[str, Any]) -> str:
    """What an access request says it is wanted for, cut to what is kept."""
    said = context.get("business_justification")
    return said[:LONGEST_BECAUSE] if isinstance(said, str) else ""


def actors(client: Mapping[str, Any] | None, subject: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom a request says it is acted through. Unproven as it is, it only keeps them from answering.

    >>> actors({"actor": {"id": "agent-7", "act": {"sub": "planner"}}}, {})
    ('agent-7', 'planner')
    """
    properties = subject.get("properties")
    acting = properties.get("act") if isinstance(properties, Mapping) else None
    found: list[str] = []
    for start in (client.get("actor") if client else None, acting):
        actor, depth = start, 0
        while isinstance(actor, Mapping) and depth < MOST_ACTORS:
            named = actor.get("id") or actor.get("sub")
            if isinstance(named, str) and named:
                found.append(named[:LONGEST_BECAUSE])
            actor, depth = actor.get("act"), depth + 1
    return tuple(found)


MOST_ACTORS: Final = 8
"""Links of a chain of actors that are looked at."""
