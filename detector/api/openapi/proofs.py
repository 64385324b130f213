"""The log itself: its head, proofs, entries and key."""

from __future__ import annotations

from typing import Any, Final

from detector.api.openapi.parts import in_path, operation, success, text
from detector.api.openapi.schemas import Schema, listing, shape
from detector.api.proofs import LAST_POSITION, MOST_ENTRIES, USUAL_ENTRIES

_TEXT: Final[Schema] = {"type": "string"}
_POSITION: Final[Schema] = {"type": "integer", "minimum": 1}
_ENTRY: Final[dict[str, Schema]] = {
    "position": _POSITION,
    "stamp": {"type": "number", "description": "When it was logged, Unix seconds."},
    "kind": _TEXT,
    "id": {"type": ["string", "null"]},
    "body": {"type": "string", "description": "The record's JSON, to the byte."},
}
_HASHES: Final[Schema] = {"type": "array", "items": _TEXT, "description": "Hashes (base64), from the bottom up."}


def proofs() -> Schema:
    """Their paths."""
    return {**_signed(), **_raw(), **_key()}


def _signed() -> Schema:
    """What others check by themselves."""
    return {
        "/v1/log/checkpoint": {
            "get": operation(
                "checkpoint",
                "auditor",
                "The log's newest signed head (C2SP tlog-checkpoint): keep it elsewhere. Also analysts",
                gives=text("text/plain"),
                refusals=(404,),
            )
        },
        "/v1/log/proof/{decision_id}": {
            "get": operation(
                "prove",
                "auditor",
                "The proof that a decision is in the log, which `assayer verify --proof` checks. Also analysts",
                parameters=[in_path("decision_id", "A decision's id.")],
                gives=success(_proof()),
                refusals=(404, 410),
            )
        },
        "/v1/log/growth": {
            "get": operation(
                "growth",
                "auditor",
                "The proof that the log began as a checkpoint that was kept says it did. Also analysts",
                parameters=[_number("since", "The older checkpoint's size.", least=1, most=LAST_POSITION)],
                gives=success(
                    shape(
                        {
                            "old": _POSITION,
                            "path": _HASHES,
                            "checkpoint": {"type": "string", "description": "The newest signed head."},
                        }
                    )
                ),
                refusals=(404, 422),
            )
        },
    }


def _raw() -> Schema:
    return {
        "/v1/log/entries": {
            "get": operation(
                "entries",
                "auditor",
                "The log's entries as they lie there, in order",
                parameters=[
                    _number("after", "The position before the first one wanted.", least=0, most=LAST_POSITION, usual=0),
                    _number("limit", "How many at most.", least=1, most=MOST_ENTRIES, usual=USUAL_ENTRIES),
                ],
                gives=success(
                    shape(
                        {
                            "entries": listing(shape(_ENTRY)),
                            "head": {"type": "integer", "minimum": 0, "description": "The last entry's position."},
                        }
                    )
                ),
                refusals=(404, 410, 422),
            )
        },
    }


def _key() -> Schema:
    return {
        "/v1/log/rotate-key": {
            "post": operation(
                "rotate_log_key",
                "operator",
                "Sign the log with a new key from here on, which the old one names",
                gives=success(
                    shape(
                        {
                            "verifier_key": {"type": "string", "description": "What checks signatures from here on."},
                            "size": {"type": "integer", "minimum": 0, "description": "Entries that both keys signed."},
                            "recorded": {"type": "boolean"},
                        }
                    )
                ),
                refusals=(404,),
            )
        },
    }


def _proof() -> Schema:
    return shape(
        {
            "format": _TEXT,
            **_ENTRY,
            "path": _HASHES,
            "checkpoint": {"type": "string", "description": "The signed head that it is under."},
            "verifier_key": {
                "type": "string",
                "description": "The key that signed it; compare it with the one you know.",
            },
        }
    )


def _number(name: str, says: str, *, least: int, most: int, usual: int | None = None) -> Schema:
    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if usual is not None:
        schema["default"] = usual
    return {"name": name, "in": "query", "required": usual is None, "description": says, "schema": schema}
