"""The deny list that brokers keep."""

from __future__ import annotations

from typing import Any, get_args

from detector.api.openapi.parts import operation, success
from detector.api.openapi.schemas import MOMENT, Schema, listing, shape
from detector.rules import SELECTABLE
from detector.verdict import Mode


def denylist() -> Schema:
    """Its path."""
    return {
        "/v1/deny-rules/stream": {
            "get": operation(
                "deny_list",
                "broker",
                "The enforced deny rules, or what changed of them; without a token only until a broker has one",
                parameters=[_since()],
                gives=success(_telling(), _EXAMPLE),
                refusals=(422,),
            )
        }
    }


def _since() -> Schema:
    return {
        "name": "since",
        "in": "query",
        "required": False,
        "description": "The position that was told last; 0 for everything.",
        "schema": {"type": "integer", "minimum": 0},
    }


def _telling() -> Schema:
    text = {"type": "string"}
    mode = {"enum": list(get_args(Mode))}
    modes = {"type": "object", "additionalProperties": mode}
    selector = {
        "type": "object",
        "properties": dict.fromkeys(("requester", *SELECTABLE), text),
        "required": ["requester"],
        "additionalProperties": False,
        "description": "Canonical values; a request matches when every one is its own.",
    }
    return shape(
        {
            "position": {"type": "integer", "minimum": 0},
            "full": {"type": "boolean", "description": "Whether `new` is everything; else what changed is told."},
            "new": listing(shape({"id": text, "selector": selector, "expires": MOMENT})),
            "deleted": listing(text, description="Rules that are not enforced any more; what expires is not told."),
            "kill_switch": {"type": "boolean", "description": "While it is on, no rule denies."},
            "fold": listing(
                shape({"pattern": text, "replacement": text}),
                description="How names fold: the first pattern that changes a name is applied,"
                " and what comes of it is folded again, eight times at most.",
            ),
            "modes": shape({"general": mode, "issuers": modes, "requesters": modes}),
        }
    )


_EXAMPLE: Any = {
    "position": 4711,
    "full": False,
    "new": [
        {
            "id": "r-01hr",
            "selector": {"requester": "spiffe://prod/app/svc1", "network": "185.220.101.0/24"},
            "expires": "2026-03-02T04:00:06.204Z",
        }
    ],
    "deleted": ["r-01hq"],
    "kill_switch": False,
    "fold": [{"pattern": "^(arn:aws:sts::[^:/]*:assumed-role/[^/]+)/.+$", "replacement": "\\1"}],
    "modes": {"general": "enforce", "issuers": {"vault:dev/aws": "observe"}, "requesters": {}},
}
