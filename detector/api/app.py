"""The application: every route, behind one door, around one engine."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger

from detector.api.access import Readings
from detector.api.access_requests import access_requests
from detector.api.authzen import EVALUATION, EVALUATIONS, Evaluation, Evaluations, authzen
from detector.api.callers import Gate
from detector.api.decisions import decisions
from detector.api.denylist import denylist
from detector.api.door import Door
from detector.api.durability import Durability
from detector.api.emergencies import emergencies
from detector.api.events import Events
from detector.api.limits import Limits
from detector.api.openapi import VERSION, methods
from detector.api.policies import policies
from detector.api.portraits import portraits
from detector.api.probes import probes
from detector.api.problems import (
    Problem,
    method_not_allowed,
    on_http_exception,
    on_invalid,
    on_log_unavailable,
    on_problem,
)
from detector.api.proofs import proofs
from detector.api.reports import reports
from detector.api.rules import rules
from detector.api.score import Score, ScoreBatch
from detector.api.service import Service
from detector.api.signals import signals
from detector.api.step_ups import step_ups
from detector.api.tokens import Tokens
from detector.engine import Engine
from detector.engine.ports import Log, LogUnavailable
from detector.signals.transmitter import Transmitter
from detector.stepup.desk import Desk
from detector.telemetry import Telemetry

SILENT: Final[Any] = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own telemetry stays off: it would see bodies and tokens, and we have ours."""


def create_app(
    engine: Engine,
    *,
    log: Log,
    tokens: Tokens,
    telemetry: Telemetry,
    limits: Limits | None = None,
    logger: FilteringBoundLogger | None = None,
    extra_routes: Sequence[Route] = (),
    clock: Callable[[], float] = time.time,
    on_close: Callable[[], None] | None = None,
    transmitter: Transmitter | None = None,
    desk: Desk | None = None,
) -> FastAPI:
    """The application around an engine that is ready; its lifespan ends with `on_close`, then closes the engine.

    Without a `desk` of its own, step-ups are answered on the usual terms, with keys that live as long as the process.

    `extra_routes` pass the same door: benchmarks compare with an empty one. The
    engine is called on the event loop's thread alone.
    """
    limits = limits or Limits()
    logger = logger or structlog.get_logger()
    service = Service(
        engine=engine,
        log=log,
        gate=Gate(tokens),
        readings=Readings(engine, clock),
        durability=Durability(deadline=limits.durable_deadline_seconds, heard=telemetry.appended),
        limits=limits,
        telemetry=telemetry,
        logger=logger,
        desk=desk or Desk(),
        clock=clock,
        signals=transmitter,
    )
    return _assembled(service, extra_routes=extra_routes, on_close=on_close)


def _assembled(service: Service, *, extra_routes: Sequence[Route], on_close: Callable[[], None] | None) -> FastAPI:
    """Every route around the service, with the door before them all."""
    app = FastAPI(
        title="Assayer",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=SILENT,
        lifespan=_closing(service, on_close),
        exception_handlers={
            Problem: on_problem,
            LogUnavailable: on_log_unavailable,
            HTTPException: on_http_exception,
            RequestValidationError: on_invalid,
            405: method_not_allowed(methods()),
        },
    )
    hot: dict[str, ASGIApp] = {
        "/v1/score": Score(service),
        "/v1/score/batch": ScoreBatch(service),
        "/v1/events": Events(service),
        EVALUATION: Evaluation(service),
        EVALUATIONS: Evaluations(service),
    }
    app.add_middleware(
        Door,
        gate=service.gate,
        limits=service.limits,
        telemetry=service.telemetry,
        logger=service.logger,
        hot=hot,
        fixed=[route.path for route in extra_routes],
    )
    app.router.routes.extend(Route(path, endpoint, methods=["POST"]) for path, endpoint in hot.items())
    app.router.routes.extend(extra_routes)
    asking = (authzen, access_requests, step_ups, denylist, signals)
    looking = (decisions, portraits, proofs, reports, probes)
    rooms = (*asking, *looking, rules, emergencies, policies)
    for room in rooms:
        app.include_router(room(service))
    return app


def _closing(service: Service, on_close: Callable[[], None] | None) -> Callable[[FastAPI], Any]:
    """A lifespan that closes the engine once the last request is answered: a last snapshot, flush, release."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            try:
                if on_close is not None:
                    on_close()
            finally:
                service.engine.close()
            service.logger.info("closed", position=service.engine.position)

    return lifespan
