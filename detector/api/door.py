"""The door every request passes: who, how many, how fast; then counted, and logged without secrets."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Collection, Mapping
from itertools import count
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from detector.api.bodies import headers_of
from detector.api.callers import SCOPE_KEY, Gate, Refused, address_of
from detector.api.limits import STRANGER, STRANGERS, Limits, Rate
from detector.api.problems import Problem, failed, log_unavailable
from detector.engine.ports import LogUnavailable
from detector.telemetry import Telemetry

REQUEST_ID: Final = "assayer.request_id"

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What we echo of a caller's `X-Request-ID`: nothing that could break a header or a log line."""

BUSY_RETRY_SECONDS: Final = 1
"""What a caller turned away by the concurrency limit is told to wait."""

REFUSED_INSIDE: Final = {401: "missing", 403: "role"}
"""Why a caller whom the door let in was refused by the route."""

VITAL: Final = frozenset({"/healthz", "/readyz"})
"""No limit holds for these: an orchestrator that is turned away would restart a server that is merely busy."""

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Their successes are not logged line by line, for they say nothing."""

UNMATCHED: Final = "unmatched"
LEAST_ERROR: Final = 400


class Door:
    """Outermost middleware, plain ASGI: one object per application, nothing kept per request but the exchange.

    `hot` are endpoints by path that a POST reaches from here, without the
    framework's stack of wrappers, which would be a tenth of a score's cost;
    `fixed` are the paths of other plain routes, for counting them by name.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        gate: Gate,
        limits: Limits,
        telemetry: Telemetry,
        logger: FilteringBoundLogger,
        hot: Mapping[str, ASGIApp] | None = None,
        fixed: Collection[str] = (),
    ) -> None:
        self._app = app
        self._gate = gate
        self._limits = limits
        self._telemetry = telemetry
        self._logger = logger
        self._hot = dict(hot or {})
        self._fixed = frozenset(fixed).union(self._hot)
        self._rate = Rate(per_second=limits.requests_per_second, burst=limits.requests_per_second)
        failures = limits.failures_per_minute
        self._failures = Rate(per_second=failures / 60.0, burst=failures)
        self._inside = 0
        self._strangers = 0
        self._prefix = secrets.token_hex(6)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = headers_of(scope)
        exchange = _Exchange(send, self._request_id(headers))
        scope[REQUEST_ID] = exchange.request_id
        self._inside += 1
        try:
            self._admit(scope, headers)
            inner = self._hot.get(scope["path"]) if scope["method"] == "POST" else None
            await (inner or self._app)(scope, receive, exchange)
        except Problem as problem:
            await self._answer(exchange, problem)
        except LogUnavailable as trouble:
            await self._answer(exchange, log_unavailable(trouble))
        except Exception:  # the last resort: whatever went wrong, the caller gets a problem, the log the rest
            self._telemetry.failed()
            self._logger.exception("failed", request_id=exchange.request_id, route=self._route(scope))
            await self._answer(exchange, failed())
        finally:
            self._inside -= 1
            self._strangers -= STRANGER in scope
            self._tell(scope, exchange, time.perf_counter() - started)

    def _admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        vital = scope["path"] in VITAL
        if self._inside > self._limits.concurrent_requests and not vital:
            raise self._too_many("too many requests are being answered at once")
        address = address_of(scope)
        try:
            caller = self._gate.admit(scope, headers)
        except Refused as refused:
            self._telemetry.refused(refused.why)
            self._within("authentication", self._failures.wait(address))  # only who fails pays: a neighbour's
            raise  # wrong guesses must not shut out the broker behind the same address
        if not vital:
            self._within("rate", self._rate.wait(caller.key))
            if self._gate.stranger(caller):
                if self._strangers >= STRANGERS:
                    raise self._too_many("too many requests without a token are being answered at once")
                self._strangers += 1
                scope[STRANGER] = True
        scope[SCOPE_KEY] = caller

    def _too_many(self, words: str) -> Problem:
        self._telemetry.limited("concurrency")
        return Problem(503, words, headers={"Retry-After": str(BUSY_RETRY_SECONDS)})

    def _within(self, limit: str, wait: float) -> None:
        if wait > 0:
            self._telemetry.limited(limit)
            retry = {"Retry-After": str(max(1, round(wait + 0.5)))}
            raise Problem(429, f"the {limit} limit is used up; try again after the time given", headers=retry)

    def _route(self, scope: Scope) -> str:
        """The route's template, which is one of a few; never the path, which may be anything.

        FastAPI leaves word of its own routes; plain ones are known by their paths.
        """
        path: str = scope["path"]
        if path in self._fixed:
            return path
        return str(getattr(scope.get("route"), "path_format", UNMATCHED))

    def _request_id(self, headers: Mapping[bytes, bytes]) -> str:
        given = headers.get(b"x-request-id")
        if given is not None and _SANE_ID.fullmatch(given):
            return given.decode("ascii")
        return f"{self._prefix}-{next(self._numbers):x}"

    async def _answer(self, exchange: _Exchange, problem: Problem) -> None:
        if not exchange.status:
            await problem.send(exchange)

    def _tell(self, scope: Scope, exchange: _Exchange, seconds: float) -> None:
        route, method = self._route(scope), str(scope["method"])
        self._telemetry.answered(route=route, method=_known(method), status=exchange.status, seconds=seconds)
        if SCOPE_KEY in scope and exchange.status in REFUSED_INSIDE:
            self._telemetry.refused(REFUSED_INSIDE[exchange.status])
        if exchange.status < LEAST_ERROR and (route in self._fixed or route in PROBES):
            return  # what was asked and told is in the decision log
        caller = scope.get(SCOPE_KEY)
        self._logger.info(
            "answered",
            request_id=exchange.request_id,
            route=route,
            method=method,
            status=exchange.status,
            ms=round(seconds * 1e3, 2),
            caller=None if caller is None else caller.name,
            address=address_of(scope),
        )


class _Exchange:
    """The connection's `send`, with the request id put on the answer and its status remembered."""

    __slots__ = ("_send", "request_id", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
        await self._send(message)


def _known(method: str) -> str:
    """The method, or `other`: a client may send any word."""
    return method if method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} else "other"
