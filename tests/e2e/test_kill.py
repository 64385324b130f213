"""kill -9 of a loaded server, again and again: nothing that it acknowledged is lost, and it goes on as if nothing was.

The load: brokers that ask and a log shipper that reports, at once. The moments
of death are random (seeded), some of them while the server still starts. Every
other round leaves a snapshot for the next start, so that both ways of reviving
are walked: the whole log, and a snapshot with the log's tail.
"""

from __future__ import annotations

import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from detector.engine import Engine
from detector.engine.policy import Policy
from detector.engine.records import Decided, Entry, Observed
from detector.store import FileSnapshots, LogReader, SqliteLog

ROUNDS = 10
ASKERS = 3
START_SECONDS = 30.0
WHEN = "2026-03-02T00:%02d:%02dZ"


@dataclass
class Acknowledged:
    """What the servers said was done, over all rounds."""

    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the id that was asked with
    events: list[str] = field(default_factory=list)


class Load:
    """Clients of one server, until it dies under them."""

    def __init__(self, port: int, acknowledged: Acknowledged, prefix: str) -> None:
        """Not yet sending."""
        self._port = port
        self._acknowledged = acknowledged
        self._prefix = prefix
        self.first = threading.Event()
        jobs = [self._asking(asker) for asker in range(ASKERS)] + [self._reporting()]
        self._threads = [threading.Thread(target=self._until_death, args=(job,)) for job in jobs]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send meanwhile; leaving waits until every client has noticed the death."""
        for thread in self._threads:
            thread.start()
        yield
        for thread in self._threads:
            thread.join(timeout=30)
            assert not thread.is_alive(), "a client hangs"

    def _until_death(self, job: Callable[[http.client.HTTPConnection], None]) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)) as connection:
            try:
                while True:
                    job(connection)
                    self.first.set()
            except (OSError, http.client.HTTPException):
                return

    def _asking(self, asker: int) -> Callable[[http.client.HTTPConnection], None]:
        numbers = count()

        def ask(connection: http.client.HTTPConnection) -> None:
            request = grant(f"{self._prefix}-{asker}-{next(numbers)}", asker)
            answer = post(connection, "/v1/score", json.dumps(request), "application/json")
            if answer["recorded"]:
                self._acknowledged.decisions[request["id"]] = answer

        return ask

    def _reporting(self) -> Callable[[http.client.HTTPConnection], None]:
        numbers = count()

        def report(connection: http.client.HTTPConnection) -> None:
            events = list(shift(f"{self._prefix}-{next(numbers)}"))
            lines = "".join(json.dumps(event) + "\n" for event in events)
            assert post(connection, "/v1/events", lines, "application/x-ndjson")["accepted"] == len(events)
            self._acknowledged.events.extend(event["id"] for event in events)

        return report


def grant(name: str, asker: int) -> dict[str, Any]:
    """A request: mostly this asker's usual one, now and then one that is odd for it."""
    number = int(name.rpartition("-")[2])
    odd = number % 17 == 16
    return {
        "kind": "grant_request",
        "id": name,
        "time": WHEN % (number // 60 % 60, number % 60),
        "issuer": "vault:prod/aws",
        "requester": f"spiffe://prod/app/svc{asker}",
        "resource": "aws/creds/admin" if odd else f"aws/creds/app-{asker}",
        "privilege": "admin" if odd else "write",
        "ttl_seconds": 900,
        "source": {"ip": f"10.10.{asker}.{number % 7}", "environment": "prod"},
    }


def shift(name: str) -> Iterator[dict[str, Any]]:
    """Some issuances, each with its usages; one usage comes before its issuance, one from elsewhere."""
    for asker in range(ASKERS):
        asked = grant(f"{name}{asker}-{asker}", asker)
        credential = f"c-{name}-{asker}"
        usage = {"kind": "usage", "time": asked["time"], "credential": credential, "action": "s3:GetObject"}
        yield {**usage, "id": f"early-{name}-{asker}", "source": asked["source"]}
        yield {**asked, "kind": "issuance", "id": f"i-{name}-{asker}", "outcome": "granted", "credential": credential}
        yield {**usage, "id": f"late-{name}-{asker}", "source": {"ip": "203.0.113.9"}}


def post(connection: http.client.HTTPConnection, path: str, body: str, media: str) -> Any:
    """The answer; anything but 200 fails the round loudly."""
    connection.request("POST", path, body, {"Content-Type": media})
    response = connection.getresponse()
    text = response.read()
    assert response.status == 200, text
    return json.loads(text)


@contextmanager
def server(data: Path) -> Iterator[subprocess.Popen[str]]:
    """`assayer serve` on a free port; killed, if it still lives, in the end."""
    command = [sys.executable, "-m", "detector", "serve", "--data", str(data), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=data.parent
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def port_of(process: subprocess.Popen[str]) -> int:
    """The port, once the server says where it listens."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert "http://" in line, line + process.stderr.read()
    return int(line.partition("http://")[2].split()[0].rpartition(":")[2])


def ask_again(port: int, acknowledged: Acknowledged) -> None:
    """The restarted server knows what the dead one told: one id, one decision."""
    if not acknowledged.decisions:
        return
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        for name in list(acknowledged.decisions)[-20:]:
            request = grant(name, int(name.split("-")[1]))
            answer = post(connection, "/v1/score", json.dumps(request), "application/json")
            assert answer == acknowledged.decisions[name]


def check_log(data: Path, acknowledged: Acknowledged) -> list[Entry]:
    """Everything acknowledged stands in the log, as it was told, and once."""
    entries = list(LogReader(data).read())
    assert [entry.stamp for entry in entries] == sorted(entry.stamp for entry in entries)
    decided = [entry.record for entry in entries if isinstance(entry.record, Decided)]
    told = {record.request.id: record for record in decided}
    assert len(told) == len(decided)
    for name, answer in acknowledged.decisions.items():
        record = told[name]
        assert (record.decision, record.answer, record.mode) == (
            answer["decision_id"],
            answer["verdict"],
            answer["mode"],
        )
    observed = [entry.record.event.id for entry in entries if isinstance(entry.record, Observed)]
    assert len(set(observed)) == len(observed)
    assert set(acknowledged.events) <= set(observed)
    return entries


def check_state(data: Path, policy: Policy, *, leave_snapshot: bool) -> bool:
    """Revived from the newest snapshot and the tail, the state is that of a fresh fold of the whole log.

    Returns whether there was a snapshot to revive from.
    """
    with closing(SqliteLog(data)) as log:
        snapshots = FileSnapshots(data, anchor=log.anchor, warn=pytest.fail)
        had = snapshots.load() is not None
        revived = Engine(policy=policy, log=log, snapshots=snapshots, clock=time.time, warn=pytest.fail)
        fresh = Engine(policy=policy, log=log, snapshots=None, clock=time.time)
        assert revived.position == fresh.position == log.head()
        assert revived.digest() == fresh.digest()
        if leave_snapshot:
            snapshots.save(revived.position, revived.snapshot())
    return had


def policy_in(entries: list[Entry]) -> Policy:
    """The policy that the server logged: with any other, reviving would log a new one."""
    policies = [entry.record.policy for entry in entries if hasattr(entry.record, "policy")]
    assert len(policies) == 1
    return policies[0]


@pytest.mark.process
@pytest.mark.slow
def test_kill_minus_nine_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Each acknowledged decision and event is in the log, readable; a restart has the digest of a fresh fold."""
    data, moments, acknowledged = tmp_path / "data", random.Random(2), Acknowledged()
    with_snapshot = 0
    for number in range(ROUNDS):
        with server(data) as process:
            port = port_of(process)
            ask_again(port, acknowledged)
            load = Load(port, acknowledged, f"r{number}")
            with load.running():
                assert load.first.wait(START_SECONDS)
                time.sleep(moments.uniform(0.0, 0.6))
                process.kill()
        entries = check_log(data, acknowledged)
        with_snapshot += check_state(data, policy_in(entries), leave_snapshot=number % 2 == 0)
    assert len(acknowledged.decisions) > ROUNDS * 5
    assert len(acknowledged.events) > ROUNDS * 5
    assert 0 < with_snapshot < ROUNDS


@pytest.mark.process
@pytest.mark.slow
def test_killed_while_it_starts_it_starts_again(tmp_path: Path) -> None:
    """Death between making the data directory and the first answer leaves nothing that stops the next start."""
    data, moments = tmp_path / "data", random.Random(3)
    for _ in range(5):
        with server(data) as process:
            time.sleep(moments.uniform(0.3, 2.5))
            process.kill()
    with server(data) as process:
        acknowledged = Acknowledged()
        load = Load(port_of(process), acknowledged, "r0")
        with load.running():
            assert load.first.wait(START_SECONDS)
            process.kill()
    check_log(data, acknowledged)


@pytest.mark.process
@pytest.mark.slow
def test_told_to_stop_it_keeps_everything_and_leaves_one_file(tmp_path: Path) -> None:
    """SIGTERM under load: what is under way is answered, exit 0, no write-ahead log is left, the digest holds."""
    data, acknowledged = tmp_path / "data", Acknowledged()
    with server(data) as process:
        load = Load(port_of(process), acknowledged, "r0")
        with load.running():
            assert load.first.wait(START_SECONDS)
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert not (data / "log.sqlite3-wal").exists()
    entries = check_log(data, acknowledged)
    assert check_state(data, policy_in(entries), leave_snapshot=False)
