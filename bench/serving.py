"""`python -m bench.serving DIRECTORY`: the real application, warm, with two empty routes beside `/v1/score`.

The empty routes read the body and answer nothing: one as bare as Starlette lets
it be, as ours is, one as FastAPI's users write it. They exist here alone.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bench import history
from detector.api.app import create_app
from detector.api.bodies import raw_body
from detector.api.limits import Limits
from detector.api.server import serve
from detector.api.tokens import Tokens
from detector.telemetry import Telemetry
from detector.wiring.compose import Embedded, EventClock, embedded, tokens_file
from detector.wiring.files import load
from detector.wiring.logs import configure

BARE, USUAL = "/bench/bare", "/bench/usual"
QUARANTINE = 2 * 3_600.0
"""The history ends so long ago (seconds): what was issued last has taught by now."""


class Empty:
    """Reads the body, answers `{}`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `/v1/score` reads and answers, with nothing between."""
        await raw_body(scope, receive, 1_048_576)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


async def usual(request: Request) -> dict[str, str]:
    """Read the body, answer `{}`."""
    await request.body()
    return {}


class Clock:
    """History's clock while it is learnt, the wall's afterwards."""

    def __init__(self) -> None:
        """Start in history."""
        self.past = EventClock()
        self.live = False

    def __call__(self) -> float:
        """Unix seconds."""
        return time.time() if self.live else self.past()


def warm(store: Embedded, clock: Clock) -> None:
    """Let the engine learn the organisation's life, moved so that it ended just before its quarantine did."""
    events = history.life()
    later = time.time() - QUARANTINE - events[-1].time
    for number, event in enumerate(events):
        moved = history.moved(event, later)
        clock.past.see(moved.time)
        store.engine.observe(moved)
        if number % 5_000 == 0:
            store.log.flush()
    store.engine.settle()
    store.log.flush()
    clock.live = True


def main() -> None:
    """Warm up, then serve on a free port; the URL is printed once callers are let in."""
    directory = Path(sys.argv[1])
    clock = Clock()
    settings = load(overrides={"server": {"data": str(directory)}})
    logger = configure(settings.log, stream=sys.stderr)
    store = embedded(settings, warn=logger.warning, clock=clock)
    warm(store, clock)
    plain = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    plain.add_api_route(USUAL, usual, methods=["POST"])
    app = create_app(
        store.engine,
        log=store.log,
        tokens=Tokens(tokens_file(directory)),
        telemetry=Telemetry(CollectorRegistry(), version="bench"),
        limits=Limits(requests_per_second=1_000_000),
        logger=logger,
        extra_routes=[Route(BARE, Empty(), methods=["POST"]), *plain.routes],
    )
    serve(app, host="127.0.0.1", port=0, on_ready=lambda url: print(url, flush=True))


if __name__ == "__main__":
    main()
