"""Every error the API gives, as RFC 9457 problem details.

A problem says what was wrong in a sentence that names the field. It never
holds a traceback, a token or another caller's data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Send

Handler: TypeAlias = Callable[[Request, Any], Coroutine[Any, Any, Response]]

MEDIA_TYPE: Final = "application/problem+json"

TITLES: Final[Mapping[int, str]] = {
    400: "The request cannot be read",
    401: "A valid token is needed",
    403: "This caller may not do that",
    404: "There is no such thing",
    405: "This route does not take that method",
    408: "The request took too long to arrive",
    409: "That does not fit the present state",
    410: "That is no longer kept",
    413: "The request is too large",
    415: "This media type or encoding is not understood",
    422: "The request says something it may not",
    429: "Too many requests",
    500: "The server failed",
    503: "The server cannot answer now",
}


BLANK: Final = "about:blank"
"""The kind of a problem that its status says all of."""


class Problem(Exception):
    """An answer other than success: `status`, a sentence, and where it applies the fields it is about.

    `errors` is a list of (field, what is wrong with it); `headers` go on the answer. `kind` is the
    URI of a kind of problem that a standard names.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        kind: str = BLANK,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.kind = kind

    def document(self) -> dict[str, Any]:
        """The problem as RFC 9457 writes it."""
        document: dict[str, Any] = {
            "type": self.kind,
            "title": TITLES.get(self.status) or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [{"field": field, "reason": reason} for field, reason in self.errors]
        return document

    def response(self) -> Response:
        """The problem as an answer."""
        body = msgspec.json.encode(self.document())
        return Response(body, status_code=self.status, headers=self.headers, media_type=MEDIA_TYPE)

    async def send(self, send: Send) -> None:
        """The problem as an answer, written straight to the connection."""
        body = msgspec.json.encode(self.document())
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def on_problem(_request: Request, error: Exception) -> Response:
    """A problem that an endpoint raised."""
    return error.response() if isinstance(error, Problem) else failed().response()


async def on_log_unavailable(_request: Request, error: Exception) -> Response:
    """A log that takes no more records just now."""
    return log_unavailable(error).response()


def log_unavailable(trouble: Exception) -> Problem:
    """A 503: nothing was changed, and asking again later is right."""
    return Problem(503, f"the log takes no more records: {trouble}", headers={"Retry-After": "5"})


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """The framework's own refusals: no such route, no such method."""
    if not isinstance(error, HTTPException):
        return failed().response()
    detail = "no such route" if error.status_code == HTTPStatus.NOT_FOUND else str(error.detail)
    return Problem(error.status_code, detail, headers=error.headers).response()


def method_not_allowed(methods: Mapping[str, Collection[str]]) -> Handler:
    """A 405 that names every method the path takes, by route template.

    The framework keeps a route for each method and would name one of them.
    """

    async def on_method_not_allowed(request: Request, error: Exception) -> Response:
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        taken = methods.get(str(getattr(request.scope.get("route"), "path_format", "")))
        if taken:
            headers["Allow"] = ", ".join(sorted(taken))
        return Problem(405, "this route does not take that method", headers=headers).response()

    return on_method_not_allowed


async def on_invalid(_request: Request, error: Exception) -> Response:
    """A body or parameter that does not fit its schema: 400 where it is no JSON at all, else 422 by field."""
    if not isinstance(error, RequestValidationError):
        return failed().response()
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(400, "the body is not JSON").response()
    errors = [(_field(fault["loc"]), str(fault["msg"])) for fault in faults]
    return invalid(errors).response()


def invalid(errors: Sequence[tuple[str, str]]) -> Problem:
    """A 422 naming each field."""
    return Problem(422, "; ".join(f"{field}: {reason}" for field, reason in errors), errors=errors)


def _field(location: Sequence[Any]) -> str:
    """The field's name as the sender knows it: without the part of the request it stands in."""
    inner = [str(part) for part in location if part not in {"body", "query", "path", "header"}]
    return ".".join(inner) or "body"


def failed() -> Problem:
    """A 500 that says nothing of ours, and where to look."""
    return Problem(500, "an error of ours, not of the request; the server's log has it under this request id")
