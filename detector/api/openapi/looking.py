"""Looking: decisions, requesters, issuers."""

from __future__ import annotations

from detector.api.openapi.parts import READING_BODY, body, in_path, operation, success
from detector.api.openapi.schemas import Schema, ref


def decisions() -> Schema:
    """Their paths."""
    which = in_path("decision_id", "A decision's id.")
    return {
        "/v1/decisions/{decision_id}": {
            "get": operation(
                "decision",
                "analyst",
                "One decision, with all that is needed to replay it",
                parameters=[which],
                gives=success(ref("Decision")),
                refusals=(404, 410),
            )
        },
        "/v1/decisions/{decision_id}/outcome": {
            "post": operation(
                "record_outcome",
                "analyst",
                "How a step-up ended (brokers and approvers: approved or refused), or an analyst's label",
                parameters=[which],
                takes=body(ref("NewOutcome"), {"outcome": "approved", "by": "alice@example.org"}),
                gives=success(ref("OutcomeRecorded")),
                refusals=(404, 409, *READING_BODY),
            )
        },
    }


def portraits() -> Schema:
    """Their paths."""
    return {
        f"/v1/{kind}s/{{name}}": {
            "get": operation(
                kind,
                "analyst",
                f"What is normal for one {kind}, its risk, reach and live credentials",
                parameters=[in_path("name", f"The {kind}'s name; `/` and `:` percent-encoded or plain.")],
                gives=success(ref("Portrait")),
                refusals=(404,),
            )
        }
        for kind in ("requester", "issuer")
    }
