"""The OpenAPI document, written by hand and held to the server by tests.

Bodies are read by msgspec and not declared to FastAPI, which would read them
slower and word their faults less clearly; so FastAPI cannot write this for us.
A test compares its routes with the application's.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, TypeAlias, get_args

from detector.api.problems import MEDIA_TYPE, TITLES
from detector.api.schemas import (
    ANSWER_EXAMPLE,
    GRANT_EXAMPLE,
    ISSUANCE_EXAMPLE,
    RULE_EXAMPLE,
    Schema,
    components,
    listing,
    ref,
)
from detector.rules import RuleState

Responses: TypeAlias = dict[int, Schema]
"""Responses by status."""

VERSION: Final = "1"
JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"

EVERYWHERE: Final = (401, 403, 429, 503)
"""Refusals that any route may give."""

READING_BODY: Final = (400, 408, 413, 415, 422)
"""Refusals of a route that reads a body."""

RATE_HEADERS: Final = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds to wait."}}


@cache
def document() -> Schema:
    """The whole document, OpenAPI 3.1. Callers must not change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Assayer",
            "version": VERSION,
            "description": "Whether a credential should be minted: asked before the mint, learnt from the logs after.",
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "broker", "description": "Asking, before the mint. Role broker; no token on loopback."},
            {"name": "ingest", "description": "Telling what happened. Role ingest; no token on loopback."},
            {"name": "analyst", "description": "Looking. Role analyst or operator, always a token."},
            {"name": "operator", "description": "Changing. Role operator, always a token."},
            {"name": "probe", "description": "Any valid token; none on loopback."},
        ],
        "paths": {**_asking(), **_decisions(), **_portraits(), **_rules(), **_probes()},
        "components": {
            "schemas": components(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "assayer token create"}},
        },
    }


def methods() -> dict[str, list[str]]:
    """The methods that each path takes."""
    return {path: [verb.upper() for verb in verbs] for path, verbs in document()["paths"].items()}


def _asking() -> Schema:
    return {
        "/v1/score": {
            "post": _operation(
                "score",
                "broker",
                "Should this credential be minted?",
                body=_body(ref("GrantRequest"), GRANT_EXAMPLE),
                success=_success(ref("Answer"), ANSWER_EXAMPLE),
                refusals=(409, *READING_BODY),
            )
        },
        "/v1/score/batch": {
            "post": _operation(
                "score_batch",
                "broker",
                "A list of grant requests, each answered in its place",
                body=_body(
                    listing(
                        {},
                        description="Grant requests, as for `/v1/score`. One that cannot be read is"
                        ' answered in its place by `{"problem": …}`, and the others are answered all the same.',
                    ),
                    [GRANT_EXAMPLE],
                ),
                success=_success(listing(ref("BatchMember")), [ANSWER_EXAMPLE]),
                refusals=READING_BODY,
            )
        },
        "/v1/events": {
            "post": _operation(
                "events",
                "ingest",
                "What issuers and resources logged; durable before it is answered",
                parameters=[_dialect()],
                body=_events_body(),
                success=_success(ref("Taken"), {"accepted": 2, "rejected": [], "rejected_total": 0}),
                refusals=READING_BODY,
            )
        },
    }


def _decisions() -> Schema:
    which = _path("decision_id", "A decision's id.")
    return {
        "/v1/decisions/{decision_id}": {
            "get": _operation(
                "decision",
                "analyst",
                "One decision, with all that is needed to replay it",
                parameters=[which],
                success=_success(ref("Decision")),
                refusals=(404,),
            )
        },
        "/v1/decisions/{decision_id}/outcome": {
            "post": _operation(
                "record_outcome",
                "analyst",
                "How a step-up ended (brokers too: approved or refused), or an analyst's label",
                parameters=[which],
                body=_body(ref("NewOutcome"), {"outcome": "approved", "by": "alice@example.org"}),
                success=_success(ref("OutcomeRecorded")),
                refusals=(404, *READING_BODY),
            )
        },
    }


def _portraits() -> Schema:
    return {
        f"/v1/{kind}s/{{name}}": {
            "get": _operation(
                kind,
                "analyst",
                f"What is normal for one {kind}, its risk, reach and live credentials",
                parameters=[_path("name", f"The {kind}'s name; `/` and `:` percent-encoded or plain.")],
                success=_success(ref("Portrait")),
                refusals=(404,),
            )
        }
        for kind in ("requester", "issuer")
    }


def _rules() -> Schema:
    which = _path("rule_id", "A deny rule's id.")
    rule = _success(ref("DenyRuleView"))

    def change(name: str, summary: str, **more: Any) -> Schema:
        refusals = (404, 409, *(READING_BODY if "body" in more else ()))
        return {
            "post": _operation(name, "operator", summary, parameters=[which], success=rule, refusals=refusals, **more)
        }

    return {
        "/v1/deny-rules": {
            "get": _operation(
                "deny_rules",
                "analyst",
                "Every deny rule, newest first",
                parameters=[_state()],
                success=_success(ref("DenyRules")),
                refusals=(422,),
            ),
            "post": _operation(
                "create_deny_rule",
                "operator",
                "A deny rule by hand; it always expires",
                body=_body(ref("NewRule"), RULE_EXAMPLE),
                success=_success(ref("DenyRuleView"), status=201),
                refusals=READING_BODY,
            ),
        },
        "/v1/deny-rules/{rule_id}": {
            "get": _operation(
                "deny_rule", "analyst", "One deny rule", parameters=[which], success=rule, refusals=(404,)
            )
        },
        "/v1/deny-rules/{rule_id}/enforce": change("enforce_deny_rule", "Let it bite"),
        "/v1/deny-rules/{rule_id}/shadow": change("shadow_deny_rule", "Only count what it would have denied"),
        "/v1/deny-rules/{rule_id}/withdraw": change(
            "withdraw_deny_rule", "Take it back", body=_body(ref("Withdrawal"), {"reason": "the runner is clean"})
        ),
    }


def _probes() -> Schema:
    ready = _success(ref("Readiness"))
    not_ready: dict[int, Schema] = {
        503: {"description": "Not ready, with the reasons.", "content": {JSON: {"schema": ref("Readiness")}}}
    }
    return {
        "/healthz": {"get": _operation("healthz", "probe", "Alive?", success=_success(ref("Health")))},
        "/readyz": {
            "get": _operation(
                "readyz", "probe", "Ready: log open and durable, state caught up?", success={**ready, **not_ready}
            )
        },
        "/metrics": {"get": _operation("metrics", "probe", "Prometheus metrics", success=_text("text/plain"))},
        "/docs": {"get": _operation("docs", "probe", "This document, to be read", success=_text("text/html"))},
        "/openapi.json": {"get": _operation("openapi", "probe", "This document", success=_success({"type": "object"}))},
    }


def _operation(
    name: str,
    tag: str,
    summary: str,
    *,
    success: Responses,
    refusals: tuple[int, ...] = (),
    parameters: list[Schema] | None = None,
    body: Schema | None = None,
) -> Schema:
    open_here = tag in {"broker", "ingest", "probe"}
    responses = {str(status): _refusal(status) for status in sorted({*EVERYWHERE, *refusals})}
    for status, response in success.items():
        already = responses.get(str(status), {}).get("content", {})
        responses[str(status)] = {**response, "content": {**response["content"], **already}}
    operation: Schema = {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "security": [{"bearer": []}, {}] if open_here else [{"bearer": []}],
        "responses": responses,
    }
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = body
    return operation


def _success(schema: Schema, example: Any = None, *, status: int = 200) -> Responses:
    content: Schema = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {status: {"description": "Done.", "content": {JSON: content}}}


def _text(media: str) -> Responses:
    return {200: {"description": "Text.", "content": {media: {"schema": {"type": "string"}}}}}


def _refusal(status: int) -> Schema:
    refusal: Schema = {
        "description": TITLES[status] + ".",
        "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
    }
    if status in {429, 503}:
        refusal["headers"] = RATE_HEADERS
    return refusal


def _body(schema: Schema, example: Any) -> Schema:
    return {"required": True, "content": {JSON: {"schema": schema, "example": example}}}


def _events_body() -> Schema:
    return {
        "required": True,
        "description": "A JSON array of native events, JSON Lines, or raw logs with `dialect`. May be gzip-encoded."
        " Records that cannot be read are listed with their line (in an array: their place) and skipped.",
        "content": {
            JSON: {"schema": {"type": ["array", "object"]}, "example": [ISSUANCE_EXAMPLE]},
            NDJSON: {
                "schema": {"description": "One JSON object a line."},
                "example": '{"kind":"usage","time":"2026-03-02T00:01:00Z","credential":"c1"}\n',
            },
        },
    }


def _path(name: str, says: str) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": says,
        "schema": {"type": "string", "minLength": 1},
    }


def _dialect() -> Schema:
    choices = ["native", "cloudtrail", "vault", "kubernetes", "auto"]
    return {
        "name": "dialect",
        "in": "query",
        "required": False,
        "description": "The log's format; `auto` recognises it by content.",
        "schema": {"enum": choices, "default": "native"},
    }


def _state() -> Schema:
    return {
        "name": "state",
        "in": "query",
        "required": False,
        "description": "Only rules in this state.",
        "schema": {"enum": list(get_args(RuleState))},
    }
