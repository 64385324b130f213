"""Sidecars as they should not be: a raw server that keeps silent, resets, drips, raves and lies on real sockets."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

STREAM: Final = "/v1/deny-rules/stream"
SCORE: Final = "/v1/score"

REQUEST: Final[Mapping[str, Any]] = {
    "issuer": "vault:prod/aws",
    "requester": "arn:aws:sts::1:assumed-role/deploy/run-8842",
    "resource": "aws/creds/app",
    "source": {"ip": "185.220.101.47"},
}
"""A request of a requester whose raw name is new on every run."""

FOLD: Final = [{"pattern": r"^(arn:aws:sts::[^:/]*:assumed-role/[^/]+)/.+$", "replacement": r"\1"}]

RULE: Final = {
    "id": "r-1",
    "selector": {"requester": "arn:aws:sts::1:assumed-role/deploy", "network": "185.220.101.0/24"},
    "expires": "2100-01-01T00:00:00Z",
}
"""A rule that stops it."""


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


Behaviour = Callable[[socket.socket, Asked], None]


def telling(*rules: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A deny list as a sidecar tells it."""
    modes = {"general": "enforce", "issuers": {}, "requesters": {}}
    plain = {"position": 7, "full": True, "new": list(rules), "deleted": [], "kill_switch": False}
    return {**plain, "fold": FOLD, "modes": modes, **more}


def verdict(asked: Asked, **more: Any) -> dict[str, Any]:
    """An answer as a sidecar gives it."""
    return {
        "decision_id": f"d-{asked.json()['id']}",
        "request": asked.json()["id"],
        "verdict": "allow",
        "risk": 0.01,
        "evidence": -1.5,
        "reasons": [],
        "mode": "enforce",
        "recorded": True,
        **more,
    }


def reply(connection: socket.socket, asked: Asked, body: bytes, status: int = 200, **headers: str) -> None:
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"x-request-id: {asked.headers.get('x-request-id', '')}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def says(document: Any = None, status: int = 200, **headers: str) -> Behaviour:
    """Answer with a document, or what a function makes of the question."""

    def behave(connection: socket.socket, asked: Asked) -> None:
        said = document(asked) if callable(document) else document
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        reply(connection, asked, body, status, **headers)

    return behave


honest: Final = says(verdict)


def silent(connection: socket.socket, _asked: Asked) -> None:
    """Accept, and never answer."""
    with suppress(OSError):
        connection.settimeout(10)
        connection.recv(1)


def resets(connection: socket.socket, _asked: Asked) -> None:
    """Cut the connection with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hangs_up(connection: socket.socket, _asked: Asked) -> None:
    """Close without a word."""
    connection.close()


def drips(connection: socket.socket, asked: Asked) -> None:
    """An honest answer, a byte each 15 ms."""
    body = json.dumps(verdict(asked)).encode()
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body:
        connection.sendall(bytes([byte]))
        time.sleep(0.015)


def drips_body(connection: socket.socket, asked: Asked) -> None:
    """The headers at once, the body a byte each 15 ms."""
    body = json.dumps(verdict(asked)).encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
    for byte in body:
        connection.sendall(bytes([byte]))
        time.sleep(0.015)


def raves(connection: socket.socket, _asked: Asked) -> None:
    """No HTTP at all."""
    connection.sendall(b"\x16\x03\x01 what is a status line\r\n\r\n" * 3)


def never_ends(connection: socket.socket, _asked: Asked) -> None:
    """A body without an end, as fast as it goes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    while True:
        connection.sendall(piece)


def never_ends_its_headers(connection: socket.socket, _asked: Asked) -> None:
    """Headers without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x-more: and more\r\n" * 100)


def informs(connection: socket.socket, _asked: Asked) -> None:
    """One informational response after another."""
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.001)


def stops_midway(connection: socket.socket, _asked: Asked) -> None:
    """Half a body, then the end."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"verdict":')
    connection.close()


@dataclass
class Sidecar:
    """A raw server whose manners can be changed while it runs. What it was asked is kept."""

    scores: Behaviour = honest
    lists: Behaviour = field(default_factory=lambda: says(telling()))
    tells: Behaviour = field(default_factory=lambda: says({"recorded": True}))
    asked: list[Asked] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    def asks(self, path: str = SCORE) -> list[Asked]:
        """What it was asked on a path."""
        return [asked for asked in list(self.asked) if asked.path.partition("?")[0] == path]

    def stop(self) -> None:
        """Die: no connection is accepted from now on, and those that stand are cut."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(5)
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            self._open.add(connection)
            thread.start()

    def _serve(self, raw: socket.socket) -> None:
        with raw, suppress(OSError):
            connection = raw if self.tls is None else self.tls.wrap_socket(raw, server_side=True)
            self._open.add(connection)
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while (asked := _read(connection)) is not None:
                    self.asked.append(asked)
                    self._manners(asked)(connection, asked)

    def _manners(self, asked: Asked) -> Behaviour:
        if asked.path.startswith(STREAM):
            return self.lists
        return self.scores if asked.path.startswith(SCORE) else self.tells


def _read(connection: socket.socket) -> Asked | None:
    """The next request; `None` where the connection has ended, be it in the middle of one."""
    got, wanted = b"", None
    while wanted is None or len(got) < wanted:
        piece = connection.recv(65_536)
        if not piece:
            return None
        got += piece
        if wanted is None and b"\r\n\r\n" in got:
            _, headers = _head(got.partition(b"\r\n\r\n")[0])
            wanted = got.index(b"\r\n\r\n") + 4 + int(headers.get("content-length", 0))
    head, _, body = got.partition(b"\r\n\r\n")
    line, headers = _head(head)
    method, path, _ = line.split()
    return Asked(method, path, headers, body)


def _head(head: bytes) -> tuple[str, dict[str, str]]:
    line, *rest = head.decode("latin-1").split("\r\n")
    named = (header.partition(":") for header in rest)
    return line, {name.lower(): value.strip() for name, _, value in named}


@contextmanager
def sidecar(**manners: Any) -> Iterator[Sidecar]:
    """One that is stopped in the end."""
    made = Sidecar(**manners)
    try:
        yield made
    finally:
        made.stop()
