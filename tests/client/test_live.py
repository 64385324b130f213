"""A broker beside a real `assayer serve` that is stopped, killed with SIGKILL and started again under its asks."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from detector.api.tokens import Tokens
from detector.client import Answer, Client, Tripping
from detector.wiring.compose import tokens_file

pytestmark = pytest.mark.process

WAIT_SECONDS = 60.0
THIEF = {
    "issuer": "vault:dev/aws",
    "requester": "arn:aws:sts::1:assumed-role/deploy/run-%d",
    "resource": "aws/creds/app",
    "source": {"ip": "185.220.101.47"},
}
HONEST = {**THIEF, "requester": "spiffe://prod/app/svc1", "source": {"ip": "10.10.4.61"}}
CLOSED = {**HONEST, "issuer": "vault:prod/aws"}
RULE = {
    "selector": {"requester": "arn:aws:sts::1:assumed-role/deploy", "network": "185.220.101.0/24"},
    "reason": "stolen runner",
    "lifetime_seconds": 3_600,
    "mode": "enforced",
    "override": "it is our incident",
}


class Site:
    """A data directory, a port of its own, tokens, and a server that comes and goes."""

    def __init__(self, data: Path) -> None:
        self.data = data
        tokens = Tokens(tokens_file(data))
        self.broker = tokens.create(["broker"]).secret
        self.operator = tokens.create(["operator"]).secret
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    @property
    def url(self) -> str:
        """Where the server is, when it is."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[str]]:
        """A server that answers; killed in the end."""
        command = [sys.executable, "-m", "detector", "serve", "--data", str(self.data), "--port", str(self.port)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.data.parent
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                line = process.stdout.readline()
                assert "http://" in line, line + process.stderr.read()
                yield process
            finally:
                process.kill()

    def enforce(self) -> str:
        """An enforced rule against the thief; its id."""
        headers = {"Authorization": f"Bearer {self.operator}"}
        made = httpx.post(f"{self.url}/v1/deny-rules", json=RULE, headers=headers, timeout=30.0, trust_env=False)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def client(self, **terms: Any) -> Client:
        """A broker's client: open, but for production."""
        plain: dict[str, Any] = {
            "default": "open",
            "on_failure": {"vault:prod/*": "closed"},
            "token": self.broker,
            "breaker": Tripping(consecutive=3, open_seconds=0.2, longest_open_seconds=0.5),
            "refresh_seconds": 0.1,
        }
        return Client(self.url, **{**plain, **terms})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Without a server yet."""
    return Site(tmp_path / "data")


def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    ends = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


class Load:
    """A broker under load: everybody asks, over and over, in some threads."""

    def __init__(self, client: Client) -> None:
        self.answers: list[Answer] = []
        self._client = client
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def _ask(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            thief = {**THIEF, "requester": str(THIEF["requester"]) % number}
            self.answers += [self._client.ask(request) for request in (thief, HONEST, CLOSED)]
            time.sleep(0.01)


def sources(client: Client) -> list[str]:
    """From where the thief, an honest requester and one at a closed issuer are answered now."""
    return [
        client.ask(request).source for request in ({**THIEF, "requester": str(THIEF["requester"]) % 0}, HONEST, CLOSED)
    ]


@pytest.mark.slow
def test_a_sidecar_that_is_killed_leaves_its_deny_list_behind(site: Site, tmp_path: Path) -> None:
    """Alive it denies; dead, its list does, and the others follow their issuer's choice, also in a broker started anew.

    When it comes back the breaker finds it. Under load, the thief is told nothing else at any moment.
    """
    with site.serving() as process, site.client(deny_list_file=tmp_path / "deny.json") as client:
        rule = site.enforce()
        until(lambda: client.health().deny_list.rules == 1)
        until(lambda: (tmp_path / "deny.json").exists() and rule in (tmp_path / "deny.json").read_text("utf-8"))
        alive = client.ask({**THIEF, "requester": str(THIEF["requester"]) % 0}, timeout=30.0)
        assert (alive.verdict, alive.source) == ("deny", "sidecar")
        assert alive.deny_rule is not None
        assert (alive.deny_rule.id, alive.deny_rule.denied) == (rule, True)
        with Load(client) as load:
            until(lambda: len(load.answers) > 30)
            process.send_signal(signal.SIGKILL)
            process.wait()
            until(lambda: client.health().breaker != "closed")
            assert sources(client) == ["deny_list", "fail_open", "fail_closed"]
            with site.client(deny_list_file=tmp_path / "deny.json") as anew:
                assert sources(anew) == ["deny_list", "fail_open", "fail_closed"]
            with site.serving():
                until(lambda: sources(client) == ["sidecar"] * 3 and client.health().breaker == "closed")
    thieves = [answer for answer in load.answers if answer.deny_rule is not None]
    assert {answer.verdict for answer in thieves} == {"deny"}
    assert {answer.source for answer in thieves} == {"sidecar", "deny_list"}
    assert len(thieves) >= len(load.answers) / 3
    told = client.health().answers
    assert min(told[source] for source in ("sidecar", "deny_list", "fail_open", "fail_closed")) > 0


@pytest.mark.slow
def test_a_sidecar_that_hangs_and_comes_to_is_found_again(site: Site) -> None:
    """Its kernel accepts, it says nothing: the deadline is held, the breaker opens; gone on, it is asked again."""
    with site.serving() as process, site.client() as client:
        rule = site.enforce()
        until(lambda: client.health().deny_list.rules == 1)
        process.send_signal(signal.SIGSTOP)
        try:
            kinds = [client.ask(CLOSED).failure for _ in range(4)]
            assert set(kinds[:3]) <= {"slow", "stuck"}
            assert client.health().breaker in {"open", "half_open"}
            stopped = client.ask({**THIEF, "requester": str(THIEF["requester"]) % 1})
            assert (stopped.source, stopped.deny_rule and stopped.deny_rule.id) == ("deny_list", rule)
        finally:
            process.send_signal(signal.SIGCONT)
        until(lambda: sources(client) == ["sidecar"] * 3 and client.health().breaker == "closed")


def test_a_broker_tells_how_a_step_up_ended_and_what_was_minted(site: Site) -> None:
    """By the same client: an outcome for a decision, events with a token of their role, a batch in its order."""
    secret = Tokens(tokens_file(site.data)).create(["broker", "ingest"]).secret
    with site.serving(), site.client(token=secret, timeout=30.0) as client:
        first, second = client.ask_batch([{**HONEST, "id": "a"}, {**CLOSED, "id": "b"}])
        assert isinstance(first, Answer)
        assert isinstance(second, Answer)
        assert (first.source, second.source, first.recorded) == ("sidecar", "sidecar", True)
        assert first.decision_id != second.decision_id
        assert client.ask({**HONEST, "id": "a"}).decision_id == first.decision_id
        assert client.tell_outcome(str(first.decision_id), "approved", by="anna") is True
        minted = {
            **HONEST,
            "kind": "issuance",
            "id": "a",
            "time": "2026-03-02T00:00:06Z",
            "decision": first.decision_id,
        }
        sent = client.send_events([minted, {"kind": "usage"}])
        assert (sent.accepted, sent.rejected_total, sent.rejected[0].line) == (1, 1, 2)
