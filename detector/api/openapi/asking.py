"""Asking and telling: `score`, `score/batch`, `events`."""

from __future__ import annotations

from detector.api.openapi.parts import JSON, NDJSON, READING_BODY, body, operation, success
from detector.api.openapi.schemas import ANSWER_EXAMPLE, GRANT_EXAMPLE, ISSUANCE_EXAMPLE, Schema, listing, ref


def asking() -> Schema:
    """Their paths."""
    return {
        "/v1/score": {
            "post": operation(
                "score",
                "broker",
                "Should this credential be minted?",
                takes=body(ref("GrantRequest"), GRANT_EXAMPLE),
                gives=success(ref("Answer"), ANSWER_EXAMPLE),
                refusals=(409, *READING_BODY),
            )
        },
        "/v1/score/batch": {
            "post": operation(
                "score_batch",
                "broker",
                "A list of grant requests, each answered in its place",
                takes=body(
                    listing(
                        {},
                        description="Grant requests, as for `/v1/score`. One that cannot be read is"
                        ' answered in its place by `{"problem": …}`, and the others are answered all the same.',
                    ),
                    [GRANT_EXAMPLE],
                ),
                gives=success(listing(ref("BatchMember")), [ANSWER_EXAMPLE]),
                refusals=READING_BODY,
            )
        },
        "/v1/events": {
            "post": operation(
                "events",
                "ingest",
                "What issuers and resources logged; durable before it is answered",
                parameters=[_dialect()],
                takes=_events_body(),
                gives=success(ref("Taken"), {"accepted": 2, "rejected": [], "rejected_total": 0}),
                refusals=READING_BODY,
            )
        },
    }


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


def _dialect() -> Schema:
    choices = ["native", "cloudtrail", "vault", "kubernetes", "auto"]
    return {
        "name": "dialect",
        "in": "query",
        "required": False,
        "description": "The log's format; `auto` recognises it by content.",
        "schema": {"enum": choices, "default": "native"},
    }
