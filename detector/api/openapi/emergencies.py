"""The kill switch and broken glasses."""

from __future__ import annotations

from typing import Final, get_args

from detector.api.openapi.parts import READING_BODY, body, in_path, operation, success
from detector.api.openapi.schemas import MOMENT, Schema, listing, ref, shape
from detector.engine.records import GlassFinding

_RECORDED: Final[Schema] = {"type": "boolean", "description": "On an answer to a change: whether it is durable."}


def emergencies() -> Schema:
    """Their paths."""
    switch, glass = success(_switch()), _glass()
    return {
        "/v1/kill-switch": {
            "get": operation("kill_switch", "analyst", "Is enforcement halted, and why?", gives=switch),
            "post": operation(
                "turn_kill_switch",
                "operator",
                "Halt enforcement everywhere: allow and record; or take it up again",
                takes=body(ref("KillSwitch"), {"engaged": True, "reason": "the release is stuck"}),
                gives=switch,
                refusals=READING_BODY,
            ),
        },
        "/v1/break-glass": {
            "get": operation(
                "break_glass",
                "analyst",
                "Broken glasses, the newest first",
                parameters=[_reviewed()],
                gives=success(shape({"break_glass": listing(glass)})),
                refusals=(422,),
            )
        },
        "/v1/break-glass/{glass}/review": {
            "post": operation(
                "review_break_glass",
                "analyst",
                "What a look at it found",
                parameters=[in_path("glass", "The decision it was opened with.")],
                takes=body(ref("GlassReview"), {"finding": "justified", "note": "incident 4711"}),
                gives=success(glass),
                refusals=(404, *READING_BODY),
            )
        },
    }


def _switch() -> Schema:
    text = {"type": "string"}
    return shape(
        {"engaged": {"type": "boolean"}, "since": MOMENT, "by": text, "because": text, "recorded": _RECORDED},
        required=("engaged",),
    )


def _glass() -> Schema:
    text = {"type": "string"}
    return shape(
        {
            "id": text,
            "requester": text,
            "purpose": text,
            "opened": MOMENT,
            "until": MOMENT,
            "decisions": {"type": "integer", "minimum": 1, "description": "Asks that went through it."},
            "finding": {"enum": [*get_args(GlassFinding), None], "description": "null until somebody reviewed it."},
            "reviewer": {"type": ["string", "null"]},
            "recorded": _RECORDED,
        },
        required=("id", "requester", "purpose", "opened", "until", "decisions", "finding", "reviewer"),
    )


def _reviewed() -> Schema:
    return {
        "name": "reviewed",
        "in": "query",
        "required": False,
        "description": "Only those that were reviewed, or were not.",
        "schema": {"type": "boolean"},
    }
