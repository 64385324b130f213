"""Request bodies: one document of a known shape, or a clear answer why not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from starlette.types import Receive, Scope

from detector.api.limits import STRANGER, STRANGER_BYTES, declared_too_large, gunzip, read_body
from detector.api.problems import Problem, invalid

Document = TypeVar("Document")

BODY_SECONDS: Final = 30.0
"""A body takes at most this long to arrive: who sends a byte a minute keeps a place that others need."""

HEADERS: Final = "assayer.headers"

LINES: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
"""What senders call JSON Lines; the contract's word is the first."""

_AT: Final = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`$")
_NAMED: Final = re.compile(r"(?:missing required|unknown) field `(?P<name>[^`]+)`")


async def raw_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The body's bytes. Raises a `Problem`: 413 past `limit` or a stranger's, 408 where it does not arrive."""
    headers = headers_of(scope)
    if STRANGER in scope:
        limit = min(limit, STRANGER_BYTES)
    too_large = declared_too_large(headers.get(b"content-length"), limit)
    if too_large is not None:
        raise too_large
    body = await _arriving(receive, limit)
    encoding = headers.get(b"content-encoding")
    if encoding is None or encoding == b"identity":
        return body
    encoding = encoding.strip().lower()
    if encoding not in {b"gzip", b"x-gzip"}:
        raise Problem(415, "Content-Encoding: only gzip is understood", headers={"Accept-Encoding": "gzip"})
    return await asyncio.to_thread(gunzip, body, limit)


async def _arriving(receive: Receive, limit: int) -> bytes:
    """The body, unless it is late. As `asyncio.timeout`, whose own objects cost more than reading a body does."""
    task = asyncio.current_task()
    late = False

    def give_up() -> None:
        nonlocal late
        late = True
        if task is not None:
            task.cancel()

    timer = asyncio.get_running_loop().call_later(BODY_SECONDS, give_up)
    try:
        return await read_body(receive, limit)
    except asyncio.CancelledError:
        if not late or task is None:
            raise
        task.uncancel()
        raise Problem(408, f"the body did not arrive within {BODY_SECONDS:g} seconds") from None
    finally:
        timer.cancel()


def may_be_large(scope: Scope, limit: int) -> bool:
    """Whether a body may turn out larger than `limit`: it says so, does not say how large it is, or is packed."""
    headers = headers_of(scope)
    length = headers.get(b"content-length")
    return b"content-encoding" in headers or length is None or not length.isdigit() or int(length) > limit


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """The request's headers by name in small letters, made once a request; of a repeated one the last."""
    headers: Mapping[bytes, bytes] | None = scope.get(HEADERS)
    if headers is None:
        headers = scope[HEADERS] = dict(scope["headers"])
    return headers


def media_type(scope: Scope) -> str:
    """The body's media type without its parameters, in small letters; empty where none is given."""
    given = headers_of(scope).get(b"content-type", b"")
    return given.decode("latin-1").partition(";")[0].strip().lower()


def must_be_json(scope: Scope) -> None:
    """Raise a 415 `Problem` unless the body says that it is JSON.

    A browser may not say so to another site without asking first, which we never
    allow: that keeps other sites' forms and scripts out.
    """
    if headers_of(scope).get(b"content-type") != b"application/json" and not is_json(media_type(scope)):
        raise Problem(415, "Content-Type: must be application/json", headers={"Accept": "application/json"})


def is_json(media: str) -> bool:
    """Whether a media type is JSON's own or a structured one on top of it."""
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def parse(body: bytes) -> Any:
    """The JSON value. Raises a 400 `Problem`."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise Problem(400, f"the body is not JSON: {error}") from None
    except RecursionError:
        raise Problem(400, "the body is not JSON that we read: it is nested too deep") from None
    except UnicodeDecodeError:
        raise Problem(400, "the body is not JSON: it is not UTF-8") from None


async def document(
    scope: Scope, receive: Receive, shape: type[Document], *, limit: int, blank: Document | None = None
) -> Document:
    """The body as a `shape`; `blank`, if given, where there is none. Raises a `Problem` naming the field."""
    raw = await raw_body(scope, receive, limit)
    if not raw and blank is not None:
        return blank
    must_be_json(scope)
    value = parse(raw)
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise misfit(str(error)) from None


def misfit(said: str) -> Problem:
    """A 422 from msgspec's sentence, with the field taken out of it.

    >>> misfit("Object missing required field `reason` - at `$.rule`").errors
    (('rule.reason', 'Object missing required field `reason`'),)
    """
    at = _AT.search(said)
    path = at["path"] if at else ""
    reason = said[: at.start()] if at else said
    named = _NAMED.search(reason)
    if named:
        path = f"{path}.{named['name']}" if path else named["name"]
    return invalid([(path or "body", reason)])
