"""Connections: what a peer may cost us before it has said who it is.

uvicorn waits for ever for the end of a request's head, lets it grow without end, and takes as many connections
as there are descriptors. Anybody who reaches the port could take it down so, without a token.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_SECONDS: Final = 10.0
"""A request's head takes at most this long to arrive: a broker sends it in one piece."""

HEAD_BYTES: Final = 65_536
"""The head of a request that comes in pieces: the longest token, a path and a proxy's headers are a tenth of it."""

READ_SECONDS: Final = 30.0
"""Whoever asks for more than fits into a connection's buffer begins to read within this time."""

MOST_CONNECTIONS: Final = 8_192
"""Connections at once: as many brokers as that keep one open would ask more than one process can answer."""

SPARE_DESCRIPTORS: Final = 128
"""Kept for the log, its readers, snapshots and tokens: a server that cannot open its log is worse than one that is
full."""

_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Lobby:
    """Makes the connections, and knows which have no request under way, in the order in which they began to wait.

    Past `most` the one that has waited longest is closed: among those who say nothing it is never the one who has
    just come to ask.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.waiting: dict[Connection, None] = {}

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Connection:
        """A connection that waits here, as uvicorn makes them."""
        return Connection(config, server_state, app_state, _loop, lobby=self)

    def wait(self, connection: Connection) -> None:
        """Nothing is under way on this connection."""
        self.waiting[connection] = None

    def leave(self, connection: Connection) -> None:
        """It has asked for something, or gone."""
        self.waiting.pop(connection, None)

    def make_room(self, connections: int) -> None:
        """Close whoever has waited longest, where there are too many."""
        if connections > self.most and self.waiting:
            oldest = next(iter(self.waiting))
            self.leave(oldest)
            oldest.transport.close()


class Connection(HttpToolsProtocol):
    """One connection; the head of each of its requests is short, and soon there."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        lobby: Lobby,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._lobby = lobby
        self._head_bytes = 0
        self._in_head = True
        self._patience: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._patience = self.loop.call_later(HEAD_SECONDS, self._refuse, _SLOW)
        self._lobby.wait(self)
        self._lobby.make_room(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever was here is gone."""
        self._lobby.leave(self)
        self._be_patient()
        self._is_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came; a head that is not whole by then is timed and measured."""
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(_LONG)
        elif self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self._refuse, _SLOW)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It is whole."""
        self._in_head = False
        self._be_patient()
        self._lobby.leave(self)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The answer is on its way; the next head may come."""
        super().on_response_complete()
        if not self.pipeline and not self.transport.is_closing():
            self._lobby.wait(self)

    def pause_writing(self) -> None:
        """Its peer does not read what it asked for: the answer holds a place that others need."""
        super().pause_writing()
        self._is_read()
        self._unread = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        self._is_read()
        super().resume_writing()

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, answer: bytes) -> None:
        """Say why, and hang up. What is being answered on this connection is not waited for: its peer is at fault."""
        self._be_patient()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


def connections_allowed() -> int:
    """How many connections this process has descriptors for, once it has been given all that it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + SPARE_DESCRIPTORS
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(min(MOST_CONNECTIONS, soft - SPARE_DESCRIPTORS), 1)
