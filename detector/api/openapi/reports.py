"""The report of a period."""

from __future__ import annotations

from typing import Any, get_args

from detector.api.openapi.parts import JSON, operation
from detector.api.openapi.schemas import Schema, ref
from detector.wiring.reporting import Form


def reports() -> Schema:
    """Its path."""
    content: Schema = {JSON: {"schema": ref("Report")}, "text/markdown": {"schema": {"type": "string"}}}
    return {
        "/v1/report": {
            "get": operation(
                "report",
                "auditor",
                "The evidence of a period; one is made at a time, 503 says that another is",
                parameters=[
                    _moment("from", "When the period begins, by the log's clock; its beginning where none is given."),
                    _moment("until", "When it ends, not included, and later than `from`; else the log's end."),
                    _parameter("format", "Markdown or JSON.", {"enum": list(get_args(Form)), "default": "json"}),
                ],
                gives={200: {"description": "The report.", "content": content}},
                refusals=(422,),
            )
        }
    }


def _moment(name: str, says: str) -> Schema:
    return _parameter(name, f"{says} A date alone is its first moment.", {"type": "string", "format": "date-time"})


def _parameter(name: str, says: str, schema: Any) -> Schema:
    return {"name": name, "in": "query", "required": False, "description": says, "schema": schema}
