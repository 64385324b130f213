"""Receivers that are real servers on loopback, a log to deliver from, and keys made once."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest

from detector.engine.records import Announced, Decided, Entry, Record
from detector.signals.keys import SigningKeys
from detector.signals.letters import Desk
from detector.signals.sending import Sender
from detector.signals.streams import CONFIGURED, Stream, Streams
from detector.signals.vocabulary import EVENTS

ISSUER = "https://assayer.example"
WAIT = 20.0


class Log:
    """A log in a list, as the store's reader shows it to whoever delivers."""

    def __init__(self, identity: str = "log-1") -> None:
        self.identity = identity
        self.entries: list[Entry] = []

    def append(self, record: Record, stamp: float | None = None) -> Entry:
        """Put one more record into it."""
        entry = Entry(len(self.entries) + 1, time.time() if stamp is None else stamp, record)
        self.entries.append(entry)
        return entry

    def head(self) -> int:
        """The last position."""
        return len(self.entries)

    def announced(self, after: int, *, most: int) -> list[Entry]:
        """The first announcements after a position."""
        found = [entry for entry in self.entries[after:] if isinstance(entry.record, Announced)]
        return found[:most]

    def announced_after(self, after: int) -> tuple[int, float | None]:
        """How many there are, and the first one's stamp."""
        found = self.announced(after, most=len(self.entries))
        return len(found), found[0].stamp if found else None

    def flagged(self, after: int, *, most: int) -> tuple[list[Entry], int]:
        """Everything that may be a finding, and how far was looked."""
        found = [entry for entry in self.entries[after:] if isinstance(entry.record, Announced | Decided)][:most]
        return found, found[-1].position if len(found) == most else max(self.head(), after)


def revoked(number: int = 1, **more: Any) -> Announced:
    """A credential that should work no more."""
    plain: dict[str, Any] = {
        "kind": "session_revoked",
        "code": "usage_denied",
        "requester": "spiffe://prod/app/svc1",
        "issuer": "vault:prod/aws",
        "cause": f"u{number}",
        "because": "its use was denied: the credential is used from an unusual network",
        "codes": ("used_network",),
        "credential": f"c{number}",
        "issuance": f"i{number}",
        "resource": "aws/creds/app-write",
        "expires": 1_772_410_506.0,
    }
    return Announced(**{**plain, **more})


def risen(**more: Any) -> Announced:
    """A requester whose risk rose."""
    plain: dict[str, Any] = {
        "kind": "risk_level_change",
        "code": "risk",
        "requester": "spiffe://prod/app/svc1",
        "issuer": "vault:prod/aws",
        "cause": "u1",
        "because": "its risk rose to 8.3 nats: comes from a network it does not usually come from",
        "codes": ("network",),
        "before": "LOW",
        "after": "HIGH",
    }
    return Announced(**{**plain, **more})


@dataclass
class Got:
    """One request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Inbox:
    """A receiver: a real HTTP server that writes down what it gets, and answers as `answers` says.

    `answers` gives status, headers and body for a request; 202 and nothing else unless told otherwise.
    """

    answers: Callable[[Got], tuple[int, dict[str, str], bytes]] = field(default=lambda _got: (202, {}, b""))
    got: list[Got] = field(default_factory=list)
    port: int = 0
    tls: ssl.SSLContext | None = None
    gone: bool = False

    def start(self) -> Inbox:
        """Listen; on the port it had before, after a stop."""
        inbox, self.gone = self, False

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if inbox.gone:  # a connection that was kept open goes with the rest
                    self.close_connection = True
                    return
                length = int(self.headers.get("Content-Length", 0))
                got = Got(self.path, dict(self.headers.items()), self.rfile.read(length))
                inbox.got.append(got)
                status, headers, body = inbox.answers(got)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A sender that hung up is none of a receiver's errors."""

        self._server = Quiet(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Go away."""
        self.gone = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/events"


class Counted:
    """A tally that keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []
        self.backlog: dict[str, tuple[int, float]] = {}

    def delivered(self, stream: str, seconds: float) -> None:
        """Keep it."""
        assert seconds >= 0
        self.heard.append(("delivered", stream))

    def undelivered(self, stream: str, why: str) -> None:
        """Keep it."""
        self.heard.append((why, stream))

    def behind(self, stream: str, depth: int, age: float) -> None:
        """Keep it."""
        self.backlog[stream] = (depth, age)

    def lagged(self, stream: str) -> None:
        """Keep it."""
        self.heard.append(("lagged", stream))


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A receiver that takes everything."""
    made = Inbox().start()
    yield made
    made.stop()


@pytest.fixture
def log() -> Log:
    """An empty log."""
    return Log()


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two keys, made once for every test."""
    path = tmp_path_factory.mktemp("keys") / "signals.keys"
    SigningKeys(path)
    return path.read_bytes()


@pytest.fixture
def keys(tmp_path: Path, key_file: bytes) -> SigningKeys:
    """Signing keys in a directory of their own."""
    path = tmp_path / "signals.keys"
    path.touch(mode=0o600)
    path.write_bytes(key_file)
    return SigningKeys(path)


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    """No streams yet."""
    made = Streams(tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(log: Log, streams: Streams, keys: SigningKeys) -> Desk:
    """Writes letters from the log."""
    return Desk(log, streams, issuer=ISSUER, keys=keys, version="0.1")


def stream(name: str = "siem", **more: Any) -> Stream:
    """A stream of the configuration."""
    plain: dict[str, Any] = {"id": name, "owner": CONFIGURED, "audience": "https://siem.example", "created": 0.0}
    return Stream(**{**plain, **more})


def decoded(token: bytes | str, keys: SigningKeys, *, audience: str = "https://siem.example") -> dict[str, Any]:
    """A token as a receiver takes it: by the published key that it names, RS256 and nothing else, for itself."""
    text = token.decode() if isinstance(token, bytes) else token
    header = jwt.get_unverified_header(text)
    found = jwt.PyJWKSet.from_dict(keys.jwks())[header["kid"]]
    claims: dict[str, Any] = jwt.decode(
        text,
        found.key,
        algorithms=["RS256"],
        audience=audience,
        issuer=ISSUER,
        options={"require": ["iss", "iat", "jti", "aud", "events"]},
    )
    return claims


def run(work: Awaitable[Any]) -> Any:
    """Run a coroutine to its end, within a while."""

    async def bounded() -> Any:
        return await asyncio.wait_for(work, WAIT)

    return asyncio.run(bounded())


async def until(true: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.01)


async def with_sender(work: Callable[[Sender], Awaitable[Any]], **more: Any) -> Any:
    """Do something with a sender that is closed afterwards."""
    sender = Sender(**more)
    try:
        return await work(sender)
    finally:
        await sender.close()


__all__ = [
    "EVENTS",
    "ISSUER",
    "Counted",
    "Got",
    "Inbox",
    "Log",
    "decoded",
    "revoked",
    "risen",
    "run",
    "stream",
    "until",
]
