"""Shapes of the API in JSON Schema, written to be exact: schemathesis holds the server to every word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from detector.api.access_wire import Answering, Cancellation, MachineAnswer, Submission
from detector.api.wire import (
    LONGEST_TEXT,
    Answer,
    Enforcement,
    GlassReview,
    KillSwitch,
    NewOutcome,
    NewPolicy,
    NewRule,
    Reauthorisation,
    Withdrawal,
)
from detector.engine.raising import MOST_LIFETIME_SECONDS
from detector.events import Privilege, Sensitivity
from detector.policies import Document
from detector.report import components as report_components
from detector.rules import RuleState
from detector.sources.fields import LIST_LENGTH, NAME_LENGTH
from detector.sources.native import LONGEST_TTL
from detector.verdict import Verdict

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
VERDICT: Final[Schema] = {"enum": list(get_args(Verdict))}

GRANT_EXAMPLE: Final[Schema] = {
    "id": "r1",
    "time": "2026-03-02T00:00:06.204Z",
    "issuer": "vault:prod/aws",
    "requester": "spiffe://prod/app/svc1",
    "resource": "aws/creds/app-write",
    "actions": ["write"],
    "privilege": "write",
    "ttl_seconds": 900,
    "source": {"ip": "10.10.4.61", "environment": "prod"},
    "task": "deploy-71",
}

ANSWER_EXAMPLE: Final[Schema] = {
    "decision_id": "d-01hr",
    "request": "r1",
    "verdict": "step_up",
    "risk": 0.62,
    "evidence": 7.4,
    "reasons": [
        {
            "code": "network",
            "because": "asks from a network it has never been seen in",
            "nats": 5.1,
            "expected": "10.10.4.0/24",
            "observed": "185.220.101.0/24",
        }
    ],
    "mode": "enforce",
    "recorded": True,
    "learnt": {"requester_issuances": 412, "issuer": True},
    "peers": {"group": "g3", "members": 14, "sureness": 0.875},
    "step_up": {"outcome": "/v1/decisions/d-01hr/outcome"},
    "advice": {
        "max_ttl_seconds": 300.0,
        "narrower": {"privilege": "read"},
        "because": [
            "118 of 120 credentials were last used within 300 s of their mint",
            "nothing stronger than read was done in 3417 uses of 120 credentials",
        ],
    },
}

RULE_EXAMPLE: Final[Schema] = {
    "selector": {"requester": "spiffe://prod/app/svc1", "issuer": "vault:prod/aws", "network": "185.220.101.0/24"},
    "reason": "stolen runner, incident 4711",
    "lifetime_seconds": 14_400,
    "mode": "shadow",
}

ISSUANCE_EXAMPLE: Final[Schema] = {
    **GRANT_EXAMPLE,
    "kind": "issuance",
    "outcome": "granted",
    "credential": "c1",
    "expires_at": "2026-03-02T00:15:06.204Z",
}


ONE_OF_THESE: Final[Mapping[str, list[Schema]]] = {
    "Intent": [
        {"required": ["privilege"], "properties": {"privilege": {"enum": list(get_args(Privilege))}}},
        {"required": ["actions"], "properties": {"actions": {"minItems": 1}}},
    ],
    "Limit": [
        {"required": ["max_ttl_seconds"], "properties": {"max_ttl_seconds": {"type": "number"}}},
        {"required": ["attested"], "properties": {"attested": {"const": True}}},
        {"required": ["task"], "properties": {"task": {"const": True}}},
    ],
}
"""Fields of which one has to be there, which msgspec's schema has no word for."""


def ref(name: str) -> Schema:
    """A pointer to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def listing(items: Schema, **more: Any) -> Schema:
    """An array of these."""
    return {"type": "array", "items": items, **more}


def shape(properties: Schema, *, required: tuple[str, ...] | None = None, **more: Any) -> Schema:
    """An object; every property is required unless `required` names fewer."""
    named = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": named, **more}


def components() -> Schema:
    """Every named shape: what msgspec decodes and encodes, and what is described by hand beside it."""
    _, made = msgspec.json.schema_components(
        [
            Answer,
            Answering,
            Cancellation,
            Document,
            Enforcement,
            GlassReview,
            KillSwitch,
            MachineAnswer,
            NewOutcome,
            NewPolicy,
            NewRule,
            Reauthorisation,
            Submission,
            Withdrawal,
        ],
        ref_template="#/components/schemas/{name}",
    )
    for name, choices in ONE_OF_THESE.items():
        made[name] = {**made[name], "anyOf": choices}
    made["NewPolicy"]["properties"]["document"] = ref("Document")
    return {**made, **report_components(), **_written()}


def _written() -> Schema:
    return {
        "Problem": _problem(),
        "GrantRequest": _grant_request(),
        "Value": _value(),
        "BatchMember": {"anyOf": [ref("Answer"), shape({"problem": ref("Problem")})]},
        "Rejected": shape({"line": {"type": "integer", "minimum": 1}, "reason": {"type": "string"}}),
        "Taken": shape(
            {
                "accepted": {"type": "integer", "minimum": 0},
                "rejected": listing(ref("Rejected")),
                "rejected_total": {"type": "integer", "minimum": 0},
            }
        ),
        "DenyRuleView": _deny_rule_view(),
        "DenyRules": shape({"deny_rules": listing(ref("DenyRuleView"))}),
        "Decision": _decision(),
        "OutcomeRecorded": shape(
            {
                "decision_id": {"type": "string"},
                "outcome": {"enum": ["approved", "refused", "legitimate", "malicious"]},
                "by": {"type": "string"},
                "recorded": {"type": "boolean"},
            }
        ),
        "Portrait": {"type": "object", "description": "Baseline, risk over time, reach and live credentials."},
        "Health": shape({"status": {"const": "alive"}}),
        "Readiness": shape(
            {
                "ready": {"type": "boolean"},
                "reasons": listing({"type": "string"}),
                "position": {"type": "integer", "minimum": 0},
            }
        ),
    }


def _problem() -> Schema:
    return shape(
        {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "errors": listing(shape({"field": {"type": "string"}, "reason": {"type": "string"}})),
        },
        required=("type", "title", "status", "detail"),
        description="RFC 9457 problem details.",
    )


def grant_fields() -> Schema:
    """The fields of a grant request."""
    name = {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH}
    text = {"type": ["string", "null"], "maxLength": NAME_LENGTH}
    names = {
        "type": ["array", "null"],
        "items": name,
        "maxItems": LIST_LENGTH,
    }
    return {
        "kind": {"const": "grant_request"},
        "id": text,
        "time": {"type": ["string", "null"], "format": "date-time"},
        "issuer": name,
        "requester": name,
        "resource": name,
        "actions": names,
        "privilege": {"enum": [*get_args(Privilege), None]},
        "ttl_seconds": {"type": ["number", "null"], "minimum": 0, "maximum": LONGEST_TTL},
        "source": _maybe(dict.fromkeys(("ip", "network", "environment", "region", "user_agent", "workload"), text)),
        "task": text,
        "on_behalf_of": names,
        "break_glass": {"type": ["boolean", "null"]},
        "consumer": text,
        "authentication": _maybe({"method": text, "attested": {"type": ["boolean", "null"]}}),
        "purpose": text,
        "sensitivity": {"enum": [*get_args(Sensitivity), None]},
        "renewal_of": text,
        "attributes": {
            "type": ["object", "null"],
            "additionalProperties": ref("Value"),
            "description": "Open; at most 1,000 values, 16 levels deep.",
        },
    }


def _grant_request() -> Schema:
    return shape(
        {**grant_fields(), "approval": {"description": "An approval of an access request, as it was given."}},
        required=("issuer", "requester", "resource"),
        description="Unknown fields are kept, and null is absence. Without `time` (1990 to 2200), the server's own"
        " clock is taken; without `id`, one is made from the content and the time."
        " Asking twice with one `id` returns the first decision.",
        examples=[GRANT_EXAMPLE],
    )


def _value() -> Schema:
    most = 2**63 - 1_024  # the largest number that is one both as an integer of 64 bits and as a float
    return {
        "anyOf": [
            {"type": "string", "maxLength": 4 * NAME_LENGTH},
            {"type": "number", "minimum": -most, "maximum": most},
            {"type": "integer", "minimum": 1 - 2**63, "maximum": 2**63 - 1},
            {"type": ["boolean", "null"]},
            listing(ref("Value")),
            {"type": "object", "additionalProperties": ref("Value")},
        ]
    }


def _maybe(properties: Schema) -> Schema:
    """An object with none of these required, or null."""
    return {"type": ["object", "null"], "properties": properties}


def _deny_rule_view() -> Schema:
    return shape(
        {
            "id": {"type": "string"},
            "state": {"enum": list(get_args(RuleState))},
            "mode": {"enum": ["shadow", "enforced"], "description": "How far it goes by itself."},
            "selector": {"type": "object", "additionalProperties": {"type": "string"}},
            "scope": {"type": "string", "description": "The selector in words."},
            "created": MOMENT,
            "expires": MOMENT,
            "by": {"type": "string"},
            "because": {"type": "string"},
            "taken_back": {"type": ["string", "null"], "description": "By whom and why it was withdrawn, if it was."},
            "since": MOMENT,
            "recurrence": {"type": "integer", "minimum": 0, "description": "Earlier rules about the same thing."},
            "backtest": {
                "type": ["object", "null"],
                "description": "What it would have hit in the log's own history; null until that was counted.",
            },
            "override": {"type": ["string", "null"], "description": "Who let it bite all the same, and why."},
            "hits": {"type": "integer", "minimum": 0, "description": "Grants it matched while enforced."},
            "canary_hits": {"type": "integer", "minimum": 0, "description": "In canary, denied or not."},
            "shadow_hits": {"type": "integer", "minimum": 0, "description": "Before it denied anything."},
            "quiet_hits": {"type": "integer", "minimum": 0, "description": "Those nothing else spoke against."},
            "recorded": {"type": "boolean", "description": "On an answer to a change: whether it is durable."},
        },
        required=(
            "id",
            "state",
            "mode",
            "selector",
            "scope",
            "created",
            "expires",
            "by",
            "because",
            "backtest",
            "hits",
            "canary_hits",
            "shadow_hits",
            "quiet_hits",
        ),
        description=f"A deny rule. Its life ends by itself, after {MOST_LIFETIME_SECONDS / 86_400:g} days at most.",
    )


def _decision() -> Schema:
    return {
        "allOf": [
            ref("Answer"),
            shape({"record": {"type": "object", "description": "The log's record, enough to replay the decision."}}),
        ]
    }
