"""OpenID AuthZEN: evaluation, evaluations, metadata, keys."""

from __future__ import annotations

from typing import Any, Final

from detector.api.authzen import CAPABILITIES, EVALUATION, EVALUATIONS, KEYS, METADATA, STOPS
from detector.api.evaluations import STEP_UP
from detector.api.openapi.parts import READING_BODY, body, operation, success
from detector.api.openapi.schemas import Schema, grant_fields, listing, ref, shape
from detector.sources.fields import NAME_LENGTH

_ANY: Final[Schema] = {}
_PROPERTIES: Final[Schema] = {"type": "object", "additionalProperties": ref("Value")}
_NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH}
_TYPE: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 4 * NAME_LENGTH}

REFUSALS: Final = tuple(status for status in (*READING_BODY, 409) if status != 422)  # noqa: PLR2004 - AuthZEN's is 400

EVALUATION_EXAMPLE: Final[Schema] = {
    "subject": {"type": "workload", "id": "spiffe://prod/app/svc1"},
    "resource": {"type": "secret", "id": "aws/creds/app-write"},
    "action": {"name": "write"},
    "context": {"issuer": "vault:prod/aws", "privilege": "write", "ttl_seconds": 900, "task": "deploy-71"},
}

DECISION_EXAMPLE: Final[Schema] = {
    "decision": False,
    "context": {
        "evaluation_id": "d-01hr",
        "decision_id": "d-01hr",
        "verdict": "step_up",
        "reason": "approval_required",
        "reason_admin": {"403": "comes from a network it does not usually come from"},
        "reason_user": {"403": "This request is unusual: somebody has to approve it first."},
        "obligations": [{"id": "step-up-1", "type": STEP_UP, "properties": {"acr_value": "urn:assayer:acr:approved"}}],
        "access_request": {
            "endpoint": "/access/v1/requests",
            "template": "medium",
            "expires_at": "2026-03-02T00:10:00.000Z",
            "binding_token": "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
        },
    },
}


def authzen() -> Schema:
    """Their paths."""
    return {
        EVALUATION: {
            "post": operation(
                "evaluation",
                "broker",
                "AuthZEN: may this be minted? `false` also where it has to be stepped up first",
                takes=body(ref("Evaluation"), EVALUATION_EXAMPLE),
                gives=success(_decision(), DECISION_EXAMPLE),
                refusals=REFUSALS,
            )
        },
        EVALUATIONS: {
            "post": operation(
                "evaluations",
                "broker",
                "AuthZEN: several of them, with defaults; what is not reached is not asked",
                takes=body(_evaluations(), {**EVALUATION_EXAMPLE, "evaluations": [{"action": {"name": "read"}}]}),
                gives=success({"anyOf": [shape({"evaluations": listing(_decision())}), _decision()]}),
                refusals=REFUSALS,
            )
        },
        METADATA: {
            "get": operation("authzen_configuration", "public", "AuthZEN: what we are", gives=success(_metadata()))
        },
        KEYS: {
            "get": operation(
                "authzen_keys",
                "public",
                "The keys that verify binding tokens and approval states (RFC 7517)",
                gives=success(shape({"keys": listing({"type": "object"})})),
            )
        },
    }


def evaluation() -> Schema:
    """A request for one evaluation."""
    entity = shape({"type": _TYPE, "id": _NAME, "properties": _PROPERTIES}, required=("type", "id"))
    action = shape({"name": _NAME, "properties": _PROPERTIES}, required=("name",))
    fields = {name: value for name, value in grant_fields().items() if name not in {"kind", "requester", "resource"}}
    context: Schema = {
        "type": ["object", "null"],
        "description": "The grant's other fields. Without `issuer` it is the caller's name. Anything else is kept.",
        "properties": {**fields, "time": _ANY, "actions": _ANY, "supported_obligations": _ANY, "approval": _ANY},
    }
    return shape(
        {"subject": entity, "resource": entity, "action": action, "context": context},
        required=("subject", "resource", "action"),
        description="`subject.id` is the requester, `resource.id` the resource, `action.name` the action.",
        examples=[EVALUATION_EXAMPLE],
    )


def _evaluations() -> Schema:
    options = {
        "type": ["object", "null"],
        "properties": {"evaluations_semantic": {"enum": list(STOPS)}},
    }
    several = shape({"evaluations": {"type": "array", "minItems": 1}, "options": options}, required=("evaluations",))
    single: Any = {"properties": {"evaluations": {"type": ["array", "null"], "maxItems": 0}}}
    return {"anyOf": [several, {"allOf": [ref("Evaluation"), single]}]}


def _decision() -> Schema:
    return shape(
        {
            "decision": {"type": "boolean"},
            "context": {"type": "object", "description": "As `/v1/score` answers, with what AuthZEN's profiles add."},
        }
    )


def _metadata() -> Schema:
    url = {"type": "string"}
    named = ("policy_decision_point", "access_evaluation_endpoint", "access_evaluations_endpoint")
    return shape(
        {
            **dict.fromkeys((*named, "access_request_endpoint", "jwks_uri"), url),
            "capabilities": listing({"enum": list(CAPABILITIES)}),
            "supported_obligations": listing({"enum": [STEP_UP]}),
        }
    )
