"""Deny rules and their life."""

from __future__ import annotations

from typing import Any, get_args

from detector.api.openapi.parts import READING_BODY, body, in_path, operation, success
from detector.api.openapi.schemas import RULE_EXAMPLE, Schema, ref
from detector.rules import RuleState


def rules() -> Schema:
    """Their paths."""
    which = in_path("rule_id", "A deny rule's id.")
    rule = success(ref("DenyRuleView"))

    def change(name: str, summary: str, **more: Any) -> Schema:
        refusals = (404, 409, *(READING_BODY if "takes" in more else ()))
        return {"post": operation(name, "operator", summary, parameters=[which], gives=rule, refusals=refusals, **more)}

    return {
        "/v1/deny-rules": {
            "get": operation(
                "deny_rules",
                "analyst",
                "Every deny rule, newest first",
                parameters=[_state()],
                gives=success(ref("DenyRules")),
                refusals=(422,),
            ),
            "post": operation(
                "create_deny_rule",
                "operator",
                "A deny rule by hand; it always expires",
                takes=body(ref("NewRule"), RULE_EXAMPLE),
                gives=success(ref("DenyRuleView"), status=201),
                refusals=READING_BODY,
            ),
        },
        "/v1/deny-rules/{rule_id}": {
            "get": operation("deny_rule", "analyst", "One deny rule", parameters=[which], gives=rule, refusals=(404,))
        },
        "/v1/deny-rules/{rule_id}/enforce": change(
            "enforce_deny_rule",
            "Let it bite; without a backtest within its limit, `override` must say why",
            takes=body(ref("Enforcement"), {}, required=False),
        ),
        "/v1/deny-rules/{rule_id}/shadow": change("shadow_deny_rule", "Only count what it would have denied"),
        "/v1/deny-rules/{rule_id}/withdraw": change(
            "withdraw_deny_rule", "Take it back", takes=body(ref("Withdrawal"), {"reason": "the runner is clean"})
        ),
    }


def _state() -> Schema:
    return {
        "name": "state",
        "in": "query",
        "required": False,
        "description": "Only rules in this state.",
        "schema": {"enum": list(get_args(RuleState))},
    }
