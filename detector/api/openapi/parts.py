"""What every route's description is made of: operations, bodies, answers, refusals, parameters."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from detector.api.openapi.schemas import Schema, ref
from detector.api.problems import MEDIA_TYPE, TITLES

Responses: TypeAlias = dict[int, Schema]
"""Responses by status."""

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"

EVERYWHERE: Final = (401, 403, 429, 503)
"""Refusals that any route may give."""

READING_BODY: Final = (400, 408, 413, 415, 422)
"""Refusals of a route that reads a body."""

RATE_HEADERS: Final = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds to wait."}}


def operation(
    name: str,
    tag: str,
    summary: str,
    *,
    gives: Responses,
    refusals: tuple[int, ...] = (),
    parameters: list[Schema] | None = None,
    takes: Schema | None = None,
) -> Schema:
    """One method of one path; `tag` says who may call it."""
    open_here = tag in {"broker", "ingest", "probe", "public"}
    responses = {str(status): _refusal(status) for status in sorted({*EVERYWHERE, *refusals})}
    for status, response in gives.items():
        already = responses.get(str(status), {}).get("content", {})
        responses[str(status)] = {**response, "content": {**response["content"], **already}}
    described: Schema = {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "security": [{"bearer": []}, {}] if open_here else [{"bearer": []}],
        "responses": responses,
    }
    if parameters:
        described["parameters"] = parameters
    if takes:
        described["requestBody"] = takes
    return described


def success(schema: Schema, example: Any = None, *, status: int = 200) -> Responses:
    """A JSON answer."""
    content: Schema = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {status: {"description": "Done.", "content": {JSON: content}}}


def text(media: str) -> Responses:
    """A textual answer."""
    return {200: {"description": "Text.", "content": {media: {"schema": {"type": "string"}}}}}


def body(schema: Schema, example: Any, *, required: bool = True) -> Schema:
    """A JSON body that a route must, or may, be sent."""
    return {"required": required, "content": {JSON: {"schema": schema, "example": example}}}


def in_path(name: str, says: str) -> Schema:
    """A parameter in the path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": says,
        "schema": {"type": "string", "minLength": 1},
    }


def _refusal(status: int) -> Schema:
    refusal: Schema = {
        "description": TITLES[status] + ".",
        "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
    }
    if status in {429, 503}:
        refusal["headers"] = RATE_HEADERS
    return refusal
