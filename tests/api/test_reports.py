"""The report over HTTP: for auditors and operators, one at a time, off the engine's thread."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from detector.api import reports
from detector.engine.records import Accessed, Entry
from detector.report import Period, instant
from detector.report.telling import moment
from detector.store import LogDamaged, LogReader, MemoryLog, SqliteLog
from detector.wiring import reporting
from detector.wiring.reporting import written
from tests.api.conftest import GRANT, House


def seal(house: House) -> None:
    """Wait until a checkpoint is over every entry."""
    deadline = time.monotonic() + 20.0
    while house.log.reader.signed_root(house.log.head()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_auditor_gets_the_logs_own_report(make_house: Callable[..., House], tmp_path: Path) -> None:
    """The same bytes as the command line's, with the log's name in them."""
    house = make_house(log=SqliteLog(tmp_path / "log"))
    house.live(1)
    house.log.flush()
    until = house.clock.now
    house.clock.now += 1.0
    house.score()
    house.log.flush()
    seal(house)
    answer = house.ask("GET", "/v1/report", params={"until": moment(until)}, role="auditor")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == written(LogReader(tmp_path / "log"), Period(until=instant(moment(until))), "json")
    assert answer.json()["totals"]["mints"] == {"allow": 24, "step_up": 0, "deny": 0}
    assert answer.json()["log"]["root"]


def test_who_read_the_report_is_on_record(house: House) -> None:
    """By name, with the period that was asked for; the next report tells of it."""
    house.ask("GET", "/v1/report?from=2026-01-01", role="auditor")
    (read,) = (entry.record for entry in house.log.read() if isinstance(entry.record, Accessed))
    assert (read.view, read.subject, read.by) == ("report", "2026-01-01/", "auditor")
    assert house.ask("GET", "/v1/report", role="operator").json()["readings"]["by_reader"]["auditor"] == 1


def test_markdown_is_asked_for(house: House) -> None:
    """An operator may too."""
    house.live(1)
    answer = house.ask("GET", "/v1/report", params={"format": "md"}, role="operator")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.text.startswith("# Evidence")


def test_a_period_is_asked_for(house: House) -> None:
    """What lies before it is not counted; a zone in a query string survives its plus."""
    house.live(1)
    since = house.clock.rfc3339()
    answer = house.ask("GET", f"/v1/report?from={since}", role="auditor").json()
    assert sum(answer["totals"]["mints"].values()) == 0
    assert len(answer["requesters"]) == 1


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "x"}, "from"),
        ({"until": "2026-02-30"}, "until"),
        ({"from": "2026-03-02", "until": "2026-03-01"}, "until"),
        ({"format": "csv"}, "format"),
        ({"from": "0001-01-01"}, "from"),
    ],
)
def test_what_cannot_be_meant_is_named(house: House, params: dict[str, str], field: str) -> None:
    """422 with the parameter."""
    answer = house.ask("GET", "/v1/report", params=params, role="auditor")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].endswith(field)


class Slow(MemoryLog):
    """A log whose reader waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may, self.reading = threading.Event(), threading.Event()

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Wait, then read."""
        entries = super().read(after)
        if after == 0 and threading.current_thread() is not threading.main_thread():
            self.reading.set()
            self.may.wait(20.0)
        return entries


def test_one_report_at_a_time_and_scores_go_on(make_house: Callable[..., House]) -> None:
    """A second auditor is told to come back; a broker notices nothing."""
    log = Slow()
    house = make_house(log=log)
    for role in ("auditor", "broker"):
        house.secret(role)

    async def together() -> tuple[int, dict[str, str], int, int]:
        first = asyncio.create_task(house.asking("GET", "/v1/report", role="auditor"))
        assert await asyncio.to_thread(log.reading.wait, 20.0)
        second = await house.asking("GET", "/v1/report", role="auditor")
        scored = await house.asking("POST", "/v1/score", role="broker", json=GRANT)
        log.may.set()
        return second.status_code, dict(second.headers), scored.status_code, (await first).status_code

    second, headers, scored, first = house.run(together())
    assert (second, scored, first) == (503, 200, 200)
    assert int(headers["retry-after"]) > 0
    assert house.ask("GET", "/v1/report", role="auditor").status_code == 200


def test_a_log_that_cannot_be_read_is_said(make_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with the store's words, and the desk is free again."""
    house = make_house()

    def damaged(after: int = 0) -> Iterator[Entry]:
        message = "log.sqlite3: entry 7 is missing"
        raise LogDamaged(message)

    monkeypatch.setattr(house.log, "read", damaged)
    for _ in range(2):
        answer = house.ask("GET", "/v1/report", role="auditor")
        assert answer.status_code == 503
        assert "entry 7" in answer.json()["detail"]


class Sleepers:
    """In place of the process that writes a report: one that never does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = threading.Event()
        self.made: list[subprocess.Popen[bytes]] = []
        monkeypatch.setattr(reporting, "subprocess", SimpleNamespace(Popen=self._begin, DEVNULL=-3, PIPE=-1))

    def _begin(self, _command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        self.made.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], **more))
        self.begun.set()
        return self.made[-1]


def test_a_report_nobody_waits_for_ends(
    make_house: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server goes away while one is made, its process is ended with it, and the desk is free again."""
    house = make_house(log=SqliteLog(tmp_path / "log"))
    house.score()
    house.log.flush()
    house.secret("auditor")
    with monkeypatch.context() as patched:
        sleepers = Sleepers(patched)

        async def leave() -> None:
            task = asyncio.create_task(house.asking("GET", "/v1/report", role="auditor"))
            assert await asyncio.to_thread(sleepers.begun.wait, 20.0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        house.run(leave())
        assert sleepers.made[0].wait(20.0) != 0
    assert house.ask("GET", "/v1/report", role="auditor").status_code == 200


def test_an_auditor_who_hangs_up_ends_it(
    make_house: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads what it would write."""
    monkeypatch.setattr(reports, "LOOK_SECONDS", 0.05)
    house = make_house(log=SqliteLog(tmp_path / "log"))
    house.score()
    house.log.flush()
    sleepers = Sleepers(monkeypatch)

    async def gone(_self: Request) -> bool:
        return bool(sleepers.made)

    monkeypatch.setattr(Request, "is_disconnected", gone)
    assert house.ask("GET", "/v1/report", role="auditor").status_code == 503
    assert sleepers.made[0].wait(20.0) != 0


def test_what_its_process_says_is_passed_on(make_house: Callable[..., House], tmp_path: Path) -> None:
    """A record that cannot be read is named by its position."""
    house = make_house(log=SqliteLog(tmp_path / "log"))
    house.live(1)
    house.log.flush()
    with closing(sqlite3.connect(tmp_path / "log" / "log.sqlite3")) as connection, connection:
        connection.execute("UPDATE entries SET body = CAST('{}' AS BLOB) WHERE position = 7")
    answer = house.ask("GET", "/v1/report", role="auditor")
    assert answer.status_code == 503
    assert "entry 7" in answer.json()["detail"]
