"""The application as it is in production, over a log in memory, asked from any address without a network."""

from __future__ import annotations

import asyncio
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from detector.api.app import create_app
from detector.api.limits import Limits
from detector.api.tokens import Tokens
from detector.engine import Engine
from detector.engine.policy import Policy
from detector.engine.records import Announced, Entry
from detector.signals.keys import KEY_NAME, SigningKeys
from detector.signals.streams import Streams
from detector.signals.transmitter import Transmitter
from detector.sources import native
from detector.store import MemoryLog
from detector.telemetry import Telemetry
from detector.wiring.history import backtests

HERE = "127.0.0.1"
ELSEWHERE = "10.20.30.40"
ASSAYER = "https://assayer.example"

GRANT: dict[str, Any] = {
    "id": "r1",
    "time": "2026-03-02T00:00:06.204Z",
    "issuer": "vault:prod/aws",
    "requester": "spiffe://prod/app/svc1",
    "resource": "aws/creds/app-write",
    "actions": ["write"],
    "privilege": "write",
    "ttl_seconds": 900,
    "source": {"ip": "10.10.4.61", "environment": "prod"},
    "task": "deploy-71",
}


def issuance(number: int, **more: Any) -> dict[str, Any]:
    """One of a requester's ordinary mints."""
    return {**GRANT, "kind": "issuance", "id": f"i{number}", "outcome": "granted", "credential": f"c{number}", **more}


@functools.cache
def some_keys() -> bytes:
    """Signing keys, made once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / KEY_NAME
        SigningKeys(path)
        return path.read_bytes()


class Told:
    """A log in memory, as the store's reader shows one on the disk to whoever delivers."""

    identity = "log-1"

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def announced(self, after: int, *, most: int) -> list[Entry]:
        """The first announcements after a position."""
        return [entry for entry in self._log.read(after) if isinstance(entry.record, Announced)][:most]

    def announced_after(self, after: int) -> tuple[int, float | None]:
        """How many there are, and the first one's stamp."""
        found = self.announced(after, most=self._log.head())
        return len(found), found[0].stamp if found else None

    def flagged(self, after: int, *, most: int) -> tuple[list[Entry], int]:
        """None: findings are tested where they are written."""
        del most
        return [], max(after, self._log.head())


class Hand:
    """A clock that begins now and is moved by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        """Unix seconds."""
        return self.now

    def rfc3339(self) -> str:
        """As events write it."""
        return datetime.fromtimestamp(self.now, UTC).isoformat()


class House:
    """An application with everything around it, and a way to ask it."""

    def __init__(
        self, folder: Path, *, limits: Limits | None = None, log: Any = None, signals: bool = False, **more: Any
    ) -> None:
        self.telemetry = Telemetry(CollectorRegistry())
        self.log = MemoryLog() if log is None else log
        self.clock = Hand()
        self.engine = Engine(
            policy=Policy(),
            log=self.log,
            clock=self.clock,
            ear=self.telemetry,
            backtester=lambda rules, policy: backtests(self.log, rules, policy, now=self.clock()),
        )
        self.tokens = Tokens(folder / "tokens.json")
        self.transmitter = self._transmitter(folder) if signals else None
        self.app: FastAPI = create_app(
            self.engine,
            log=self.log,
            tokens=self.tokens,
            telemetry=self.telemetry,
            limits=limits,
            clock=self.clock,
            transmitter=self.transmitter,
            **more,
        )
        self._runner = asyncio.Runner()
        self._secrets: dict[str, str] = {}

    def _transmitter(self, folder: Path) -> Transmitter:
        """A transmitter over the house's log, which may push to this machine."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / KEY_NAME).touch(mode=0o600)
        (folder / KEY_NAME).write_bytes(some_keys())
        return Transmitter(
            Told(self.log),
            Streams(folder),
            head=self.log.head,
            issuer=ASSAYER,
            keys=SigningKeys(folder / KEY_NAME),
            tally=self.telemetry,
            warn=lambda *_said, **_more: None,
            version="0.1",
            hosts=("127.0.0.1", "receiver.example"),
            entitled=lambda owner: self.tokens.entitles(owner.removeprefix("token "), "receiver"),
            clock=self.clock,
        )

    def secret(self, role: str) -> str:
        """A token with one role, made once."""
        if role not in self._secrets:
            self._secrets[role] = self.tokens.create([role]).secret
        return self._secrets[role]

    def ask(self, method: str, path: str, *, role: str | None = None, **more: Any) -> httpx.Response:
        """One request: `role` brings a token along, `address` says where from, the rest is httpx's."""
        return self.run(self.asking(method, path, role=role, **more))

    async def asking(
        self,
        method: str,
        path: str,
        *,
        role: str | None = None,
        address: str = HERE,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """As `ask`, for several at once."""
        headers = dict(headers or {})
        if role is not None:
            headers["Authorization"] = f"Bearer {self.secret(role)}"
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8181") as client:
            return await client.request(method, path, headers=headers, **more)

    def score(self, record: Any = None, **more: Any) -> httpx.Response:
        """Ask about a grant request."""
        return self.ask("POST", "/v1/score", json=GRANT if record is None else record, **more)

    def live(self, days: int) -> None:
        """Let the requester of `GRANT` mint every hour of so many days, and all of that be learnt."""
        for hour in range(24 * days):
            self.clock.now += 3_600
            mint = issuance(hour, time=self.clock.rfc3339())
            self.engine.observe(native.decode(mint)[0])
        self.clock.now += 3_600

    def metric(self, name: str, **labels: str) -> float:
        """A sample's value; 0 where there is none."""
        return self.telemetry.registry.get_sample_value(name, labels) or 0.0

    def run(self, work: Any) -> Any:
        """Run a coroutine on the house's own loop."""
        return self._runner.run(work)

    def close(self) -> None:
        """End the loop and the engine."""
        if self.transmitter is not None:
            self.run(self.transmitter.end())
            self.transmitter.close()
        self._runner.close()
        self.engine.close()


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Make houses with limits, logs or routes of their own."""
    made: list[House] = []

    def make(**more: Any) -> House:
        folder = tmp_path / str(len(made))
        made.append(House(folder, **more))
        return made[-1]

    yield make
    for house in made:
        house.close()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house with nothing special about it."""
    return make_house()
