"""Access requests as brokers make them, and step-ups as approvers answer them."""

from __future__ import annotations

from typing import Any, Final, get_args

from detector.api.openapi.authzen import EVALUATION_EXAMPLE
from detector.api.openapi.parts import READING_BODY, body, in_path, operation, success
from detector.api.openapi.schemas import MOMENT, Schema, listing, ref, shape
from detector.engine.tasks import Method, Status

_TEXT: Final[Schema] = {"type": "string"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_METHODS: Final[Schema] = listing({"enum": list(get_args(Method))})

SUBMISSION_EXAMPLE: Final[Schema] = {
    **EVALUATION_EXAMPLE,
    "denial": {"expires_at": "2026-03-02T00:10:00.000Z", "binding_token": "eyJhbGciOiJFZERTQSJ9.e30.c2ln"},
    "requested_access": {"requested_until": "2026-03-02T01:00:00Z"},
}


def access_requests() -> Schema:
    """Their paths."""
    which = in_path("task", "An access request's id.")

    def on_one(name: str, tag: str, summary: str, *, refusals: tuple[int, ...], **more: Any) -> Schema:
        more.setdefault("gives", success(_task()))
        return operation(name, tag, summary, parameters=[which], refusals=refusals, **more)

    return {
        "/access/v1/requests": {
            "post": operation(
                "request_access",
                "broker",
                "Ask for somebody's answer to a step-up (AuthZEN Access Request and Approval Profile)",
                parameters=[_idempotency()],
                takes=body(ref("Submission"), SUBMISSION_EXAMPLE),
                gives={**success(_task(), status=202), **success(_task(), status=201)},
                refusals=(409, 410, *READING_BODY),
            )
        },
        "/access/v1/requests/{task}": {
            "get": on_one("access_request", "broker", "What became of it; look again in a while", refusals=(404, 410))
        },
        "/access/v1/requests/{task}/cancel": {
            "post": on_one(
                "cancel_access_request",
                "broker",
                "Wait for it no longer",
                takes=body(ref("Cancellation"), {"comment": "the deployment was stopped"}, required=False),
                refusals=(404, 409, 410, *READING_BODY),
            )
        },
        "/access/v1/requests/{task}/answer": {
            "post": on_one(
                "answer_access_request",
                "broker",
                "Bring the workload's own proof, or vouch as a second broker",
                takes=body(
                    ref("MachineAnswer"), {"method": "workload_proof", "proof": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"}
                ),
                refusals=(404, 409, 410, *READING_BODY),
            )
        },
        **_step_ups(which),
    }


def _step_ups(which: Schema) -> Schema:
    view = success(_view())

    def answered(name: str, summary: str) -> Schema:
        takes = body(ref("Answering"), {"because": "the new runner is ours, see change 4711"})
        refusals = (404, 409, *READING_BODY)
        return {
            "post": operation(name, "approver", summary, parameters=[which], takes=takes, gives=view, refusals=refusals)
        }

    return {
        "/v1/step-ups": {
            "get": operation(
                "step_ups",
                "approver",
                "What waits for an answer, emergencies first, then the oldest. Also analysts",
                parameters=[_status()],
                gives=success(shape({"step_ups": listing(_view()), "total": {"type": "integer", "minimum": 0}})),
                refusals=(422,),
            )
        },
        "/v1/step-ups/{task}": {
            "get": operation(
                "step_up",
                "approver",
                "One of them, with the decision that it answers. Also analysts",
                parameters=[which],
                gives=view,
                refusals=(404,),
            )
        },
        "/v1/step-ups/{task}/approve": answered("approve_step_up", "Approve it: for exactly what was asked, by you"),
        "/v1/step-ups/{task}/deny": answered("deny_step_up", "Deny it"),
        "/v1/step-ups/{task}/revoke": answered("revoke_approval", "Take an approval back"),
    }


def _task() -> Schema:
    task = shape(
        {
            "id": _TEXT,
            "status": {"enum": list(get_args(Status))},
            "status_endpoint": _TEXT,
            "expires_at": MOMENT,
            "links": {"type": "object"},
            "display": {"type": "object"},
        },
        required=("id", "status", "status_endpoint"),
    )
    approval = shape({"id": _TEXT, "approved_at": MOMENT, "approved_until": MOMENT, "state": _TEXT})
    result = shape({"mode": {"const": "reevaluate"}, "approval": approval})
    return shape({"task": task, "result": result}, required=("task",))


def _view() -> Schema:
    number = {"type": "number"}
    return shape(
        {
            "id": _TEXT,
            "status": {"enum": list(get_args(Status))},
            "decision_id": _TEXT,
            "requester": _TEXT,
            "on_behalf_of": listing(_TEXT),
            "issuer": _TEXT,
            "resource": _TEXT,
            "ttl_seconds": {"type": ["number", "null"]},
            "broker": _TEXT,
            "evidence": number,
            "emergency": {"type": "boolean"},
            "because": _TEXT,
            "methods": _METHODS,
            "created": MOMENT,
            "expires": MOMENT,
            "answered_by": _MAYBE,
            "method": _MAYBE,
            "answered": _MAYBE,
            "approved_until": _MAYBE,
            "used": {"type": "integer", "minimum": 0, "description": "Decisions that passed on the approval."},
        }
    )


def _status() -> Schema:
    return {
        "name": "status",
        "in": "query",
        "required": False,
        "description": "Those with this status.",
        "schema": {"enum": list(get_args(Status)), "default": "pending"},
    }


def _idempotency() -> Schema:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Sent again with the same body, it gives the same task; with another body, 409.",
        "schema": {"type": "string", "maxLength": 256},
    }
