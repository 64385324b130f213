"""Policy documents: intents, hard limits, dry-runs."""

from __future__ import annotations

from typing import Final, get_args

from detector.api.openapi.parts import READING_BODY, body, in_path, operation, success
from detector.api.openapi.schemas import MOMENT, Schema, listing, ref, shape
from detector.api.policies import DAYS, MOST_DAYS
from detector.engine.rehearsal import LEVELS
from detector.policies import IntentState, LimitVerdict

DOCUMENT_EXAMPLE: Final[Schema] = {
    "version": 1,
    "note": "what the platform team agreed on in March",
    "intents": {
        "nightly-backup": {
            "requester": "spiffe://prod/backup",
            "issuer": "vault:prod/aws",
            "resource": "aws/creds/backup-*",
            "task": "backup-*",
            "privilege": "write",
            "max_ttl_seconds": 3600,
            "hours": "22:00-04:00",
            "authorised_by": "ana",
            "expires": "2027-01-01T00:00:00Z",
            "reauthorise_days": 90,
        }
    },
    "limits": {
        "critical-is-short": {"sensitivity": ["critical"], "max_ttl_seconds": 900},
        "high-writes-are-attested": {
            "sensitivity": ["high", "critical"],
            "privileges": ["write", "admin"],
            "attested": True,
            "verdict": "step_up",
        },
    },
}

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_RECORDED: Final[Schema] = {"type": "boolean", "description": "On an answer to a change: whether it is durable."}


def policies() -> Schema:
    """Their paths."""
    view = success(_policy())
    return {
        "/v1/policy": {
            "get": operation(
                "policy", "analyst", "The policy document in force, and how its intents stand", gives=view
            ),
            "post": operation(
                "apply_policy",
                "operator",
                "Let a policy document come into force; without a dry-run of it, `override` must say why",
                takes=body(ref("NewPolicy"), {"document": DOCUMENT_EXAMPLE, "reason": "change 4711"}),
                gives=view,
                refusals=(409, *READING_BODY),
            ),
        },
        "/v1/policy/history": {
            "get": operation(
                "policy_history",
                "analyst",
                "The documents that came into force, the newest first",
                gives=success(shape({"history": listing(_applied())})),
            )
        },
        "/v1/policy/dry-run": {
            "post": operation(
                "dry_run_policy",
                "operator",
                "What a policy document would have done to the log's own history; it is stored",
                parameters=[_days()],
                takes=body(ref("Document"), DOCUMENT_EXAMPLE),
                gives=success(_dry_run()),
                refusals=READING_BODY,
            )
        },
        "/v1/policy/intents/{intent}/reauthorise": {
            "post": operation(
                "reauthorise_intent",
                "operator",
                "Answer anew for an intent of the document in force",
                parameters=[in_path("intent", "Its name in the document.")],
                takes=body(ref("Reauthorisation"), {"reason": "still needed, looked at in review 12"}),
                gives=view,
                refusals=(404, *READING_BODY),
            )
        },
    }


def _applied() -> Schema:
    fields = {
        "version": _COUNT,
        "digest": {"type": "string", "description": "SHA-256 of what the document says."},
        "applied": MOMENT,
        "by": _TEXT,
        "because": _TEXT,
        "overridden": {"type": ["string", "null"], "description": "Why it went without a dry-run, if it did."},
    }
    return shape(fields)


def _policy() -> Schema:
    intent = {
        "id": _TEXT,
        "state": {"enum": list(get_args(IntentState))},
        "requester": _TEXT,
        "authorised": MOMENT,
        "by": {"type": "string", "description": "Who applied or reauthorised it last."},
        "reauthorise_by": MOMENT,
        "expires": MOMENT,
    }
    fields = {
        **_applied()["properties"],
        "document": {"anyOf": [ref("Document"), {"type": "null"}]},
        "intents": listing(shape(intent)),
        "due": listing(_TEXT, description="Intents that do nothing until somebody answers for them anew."),
        "recorded": _RECORDED,
    }
    return shape(fields, required=("version", "document", "intents", "due"))


def _dry_run() -> Schema:
    limit = {
        "limit": _TEXT,
        "verdict": {"enum": list(get_args(LimitVerdict))},
        "grants": _COUNT,
        "requesters": {"type": "object", "additionalProperties": _COUNT, "description": "Those hit most."},
        "resources": {"type": "object", "additionalProperties": _COUNT, "description": "Those hit most."},
    }
    level = {
        "sensitivity": {"enum": list(LEVELS)},
        **dict.fromkeys(("grants", "denied", "stepped_up", "eased"), _COUNT),
    }
    fields = {
        "version": _COUNT,
        "digest": _TEXT,
        "since": MOMENT,
        "until": MOMENT,
        "position": {"type": "integer", "minimum": 0, "description": "The log's, up to which it was counted."},
        **dict.fromkeys(("grants", "hit", "requesters", "eased"), _COUNT),
        "in_words": _TEXT,
        "limits": listing(shape(limit)),
        "intents": listing(shape({"intent": _TEXT, "grants": _COUNT, "eased": _COUNT})),
        "levels": listing(shape(level)),
        "recorded": _RECORDED,
    }
    return shape(fields)


def _days() -> Schema:
    return {
        "name": "days",
        "in": "query",
        "required": False,
        "description": "How far to look back.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": DAYS},
    }
