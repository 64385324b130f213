"""What one caller may ask of the server, and how a body is read within it."""

from __future__ import annotations

import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive

from detector.api.problems import Problem

CALLERS_REMEMBERED: Final = 4_096
"""Callers whose rate is kept; the one that has been silent longest is forgotten
first, so that inventing addresses does not grow memory."""

STRANGER: Final = "assayer.stranger"
"""What is left in a request's scope where a stranger sent it (see `callers.Gate.stranger`)."""

STRANGERS: Final = 64
"""Requests of strangers in progress at once: a sixteenth of all that may be, so that a neighbour who holds on to
his, or asks without end, keeps nobody out who has a token, nor waiting past a deadline."""

STRANGER_BYTES: Final = 65_536
"""The largest body of a stranger: many requests or events, and in the worst case a twentieth of a second's work."""

LARGE_AT_ONCE: Final = 4
"""Bodies larger than a request that are taken in at once, of everybody together; others wait for their turn."""

GZIP_WINDOW: Final = 31
"""zlib's word for "expect a gzip header"."""

INFLATE_STEP: Final = 262_144
"""Bytes inflated at a time: a bomb is noticed after one step too many, not after it went off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Generous for an honest broker, finite for everybody.

    `requests_per_second` is more than one process can answer, so that only a
    runaway caller meets it; 0 does not limit. `events_bytes` holds for a body as
    sent and as inflated. `durable_deadline_seconds` stays
    below the 200 ms after which Envoy's ext_authz gives up by default: a late
    answer is no answer.
    """

    request_bytes: int = 1_048_576
    events_bytes: int = 33_554_432
    batch_items: int = 1_000
    requests_per_second: float = 10_000.0
    failures_per_minute: float = 60.0
    concurrent_requests: int = 1_024
    durable_deadline_seconds: float = 0.15
    bulk_deadline_seconds: float = 30.0
    rejected_listed: int = 100


class Rate:
    """A token bucket per caller: `per_second` sustained, `burst` at once.

    >>> rate = Rate(per_second=1.0, burst=2.0, monotonic=lambda: 0.0)
    >>> [rate.wait("a") for _ in range(3)]
    [0.0, 0.0, 1.0]
    """

    def __init__(self, *, per_second: float, burst: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Take one request from the caller's bucket; the seconds to wait where it is empty, else 0."""
        if not self._per_second:
            return 0.0
        left, now = self._left(caller)
        short = 1.0 - left
        self._keep(caller, left if short > 0 else left - 1.0, now)
        return short / self._per_second if short > 0 else 0.0

    def _left(self, caller: str) -> tuple[float, float]:
        now = self._monotonic()
        left, then = self._buckets.get(caller, (self._burst, now))
        return min(self._burst, left + (now - then) * self._per_second), now

    def _keep(self, caller: str, left: float, now: float) -> None:
        self._buckets[caller] = (left, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > CALLERS_REMEMBERED:
            self._buckets.popitem(last=False)


async def read_body(receive: Receive, limit: int) -> bytes:
    """The request's body. Raises a 413 `Problem` past `limit` bytes, a 400 one where the client hung up."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False) and message["type"] == "http.request":
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts, size = [body], len(body)
    while message["type"] == "http.request" and message.get("more_body", False):
        if size > limit:
            raise _too_large(limit)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if message["type"] != "http.request":
        raise Problem(400, "the client hung up before its request was whole")
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def declared_too_large(length: bytes | None, limit: int) -> Problem | None:
    """A 413 for a body whose `Content-Length` already says it is too large."""
    return _too_large(limit) if length is not None and length.isdigit() and int(length) > limit else None


def gunzip(body: bytes, limit: int) -> bytes:
    """The body without its gzip encoding. Raises a 413 `Problem` past `limit` bytes, a 400 one where it is no gzip."""
    whole = bytearray()
    try:
        while body:
            inflater = zlib.decompressobj(GZIP_WINDOW)
            while not inflater.eof:
                step = inflater.decompress(body, INFLATE_STEP)
                body = inflater.unconsumed_tail
                whole += step
                if len(whole) > limit:
                    raise _too_large(limit)
                if not step and not body and not inflater.eof:
                    raise Problem(400, "Content-Encoding: the gzip body ends early")
            body = inflater.unused_data
    except zlib.error:
        raise Problem(400, "Content-Encoding: the body is not gzip") from None
    return bytes(whole)


def _too_large(limit: int) -> Problem:
    return Problem(413, f"the body is larger than {limit} bytes")
