"""The connection to a sidecar: one exchange at a time within its deadline, and no more bytes than were bargained for.

httpx's transport is used bare. A client of httpx's would follow redirects, keep cookies and look for proxies in the
environment, none of which a sidecar has; and it bounds each read, where it is the whole exchange that must end in
time, also against one that sends a byte now and then.
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import httpx

from detector.client.course import Course, Heard, Try
from detector.client.failures import Failure

MOST_CONNECTIONS: Final = 64
"""Connections at once. Further exchanges wait for a place, within their deadline, and not in httpx's own line, where
each looks at all that wait and at all connections: five hundred asks of a silent sidecar kept the loop for 7 s."""

IDLE_SECONDS: Final = 30.0
"""An unused connection is let go before the sidecar's own limit (75 s) does it under a request."""

LONGEST_WORDS: Final = 200

JSON: Final = "application/json"

CONNECTING: Final = ("httpcore", "h11", "anyio._backends._asyncio")
"""What httpx loads only once it connects: a tenth of a second that would be missing from the first ask's deadline."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it is sent, and how many bytes its answer may have."""

    method: str
    path: str
    most_bytes: int
    body: bytes | None = None
    media: str = JSON


class Line:
    """Connections to `url`, each exchange with the token that `bearer` gives then. It belongs to one event loop."""

    def __init__(self, url: str, *, bearer: Callable[[], str | None], tls: ssl.SSLContext | None) -> None:
        self._url, self._bearer = url.rstrip("/"), bearer
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls or _context(url),
            trust_env=False,
            limits=httpx.Limits(
                max_connections=MOST_CONNECTIONS,
                max_keepalive_connections=MOST_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
            ),
        )

    async def drive(self, exchange: Exchange, course: Course) -> Heard | Failure:
        """Go through a course."""
        step = next(course)
        while True:
            came: Heard | Failure | None = None
            if isinstance(step, Try):
                came = await self._try(exchange, step)
            else:
                await asyncio.sleep(step.seconds)
            try:
                step = course.send(came)
            except StopIteration as ended:
                found: Heard | Failure = ended.value
                return found

    async def close(self) -> None:
        """Let every connection go."""
        await self._transport.aclose()

    async def _try(self, exchange: Exchange, step: Try) -> Heard | Failure:
        try:
            async with asyncio.timeout(step.seconds), self._places:
                return await self._exchanged(exchange, step)
        except TimeoutError:
            return Failure("slow", f"no answer within {step.seconds * 1e3:.0f} ms")
        except httpx.ConnectTimeout:
            return Failure("unreachable", f"no connection within {step.connecting * 1e3:.0f} ms")
        except httpx.NetworkError as error:
            return Failure("unreachable", _words(error))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong on the line is no answer, and nothing else
            return Failure("garbled", _words(error))

    async def _exchanged(self, exchange: Exchange, step: Try) -> Heard | Failure:
        number = str(uuid4())
        headers = {
            "accept": JSON,
            "accept-encoding": "identity",
            "user-agent": "assayer-client",
            "x-request-id": number,
        }
        token = self._bearer()
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if exchange.body is not None:
            headers["content-type"] = exchange.media
        request = httpx.Request(
            exchange.method,
            self._url + exchange.path,
            headers=headers,
            content=exchange.body,
            extensions={"timeout": {"connect": step.connecting, "read": None, "write": None, "pool": None}},
        )
        response = await self._transport.handle_async_request(request)
        try:
            return await _heard(response, number=number, most_bytes=exchange.most_bytes)
        finally:
            await response.aclose()


async def _heard(response: httpx.Response, *, number: str, most_bytes: int) -> Heard | Failure:
    """The answer whole, if it is to this exchange and not too large."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if headers.get("x-request-id", number) != number:
        return Failure("lying", "it answered another exchange")
    if headers.get("content-encoding", "identity") != "identity":
        return Failure("lying", "it answered in an encoding that was not asked for")
    body = bytearray()
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        return Failure("garbled", "no stream")
    async for piece in stream:
        body += piece
        if len(body) > most_bytes:
            return Failure("too_large", f"more than {most_bytes} bytes")
    return Heard(response.status_code, headers, bytes(body))


def load() -> None:
    """Load what connecting needs, before anybody waits for it."""
    for name in CONNECTING:
        with suppress(ImportError):  # of another version, it will be loaded when it is needed
            importlib.import_module(name)


def _context(url: str) -> ssl.SSLContext:
    """The system's trust for https; for http one that is never used, which costs nothing to make."""
    return ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:LONGEST_WORDS]
