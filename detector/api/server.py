"""Running the application: uvicorn with the settings that the rest of the API relies on."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp

from detector.api.connections import MOST_CONNECTIONS, Lobby, connections_allowed

DRAIN_SECONDS: Final = 10
"""How long requests under way may take to end once the server has been told to stop."""

KEEP_ALIVE_SECONDS: Final = 75
"""A broker's idle connection is kept longer than its pool keeps it (usually 60 s), so that the broker closes
first and never writes into a connection that is just going away."""

BACKLOG: Final = 1_024

SWITCH_SECONDS: Final = 0.0005
"""The log's thread needs the interpreter once after each commit. Python's own 5 ms would let a busy event loop keep
it that long, and every answer waits for the commit: 6 ms a commit was measured beside a busy loop, 0.9 ms with this."""

COLLECT_AFTER: Final = (20_000, 20, 50)
"""Garbage collection's thresholds. State is long-lived and without cycles: with Python's own (700, 10, 10) the
collector walks it over and over, which was measured to be two fifths of what a score costs."""


def settings(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    drain_seconds: int = DRAIN_SECONDS,
    most_connections: int = MOST_CONNECTIONS,
) -> uvicorn.Config:
    """uvicorn's configuration.

    Not a matter of taste: with `proxy_headers` on, anybody could claim to be on
    this machine; with its own log configuration, lines would escape the masking
    of secrets; its access log would print every requester's name.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=cast("type[asyncio.Protocol]", Lobby(most_connections)),  # uvicorn calls it, as it would a class
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
    )


def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None] | None = None,
    drain_seconds: int = DRAIN_SECONDS,
) -> None:
    """Serve until SIGINT or SIGTERM: stop accepting, let what is under way end, close the application.

    `on_ready` is told the URL once connections are accepted; port 0 takes a free
    one. Raises `SystemExit` where the address cannot be had.
    """
    most = connections_allowed()
    config = settings(app, host=host, port=port, drain_seconds=drain_seconds, most_connections=most)
    server = _Announcing(config, on_ready)
    with _ending_quietly(), _collecting_less(), _switching_sooner():
        server.run()


class _Announcing(uvicorn.Server):
    """A server that says where it can be reached, once it can."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None] | None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready(self._url())

    def _url(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _switching_sooner() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _collecting_less() -> Iterator[None]:
    """What has been revived by now stays for the life of the server: the collector need not look at it again."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _ending_quietly() -> Iterator[None]:
    """uvicorn raises again the signal that ended it; by then all is closed, and the process may end normally."""
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
