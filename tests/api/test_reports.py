"""The report over HTTP: for auditors and operators, one at a time, off the engine's thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from detector.api import reports
from detector.engine.records import Entry
from detector.report import Period, as_json, fold, report
from detector.store import LogDamaged, MemoryLog, SqliteLog
from tests.api.conftest import GRANT, House


def test_an_auditor_gets_the_logs_own_report(make_house: Callable[..., House], tmp_path: Path) -> None:
    """The same bytes as the command line's, with the log's name in them."""
    house = make_house(log=SqliteLog(tmp_path / "log"))
    house.live(1)
    house.log.flush()
    answer = house.ask("GET", "/v1/report", role="auditor")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    log: Any = house.log
    assert answer.content == as_json(report(fold(log.read(), Period()), identity=log.identity))
    assert answer.json()["totals"]["mints"] == {"allow": 24, "step_up": 0, "deny": 0}


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


def test_a_report_nobody_waits_for_ends(make_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server goes away, its thread goes too: within a page of entries."""
    monkeypatch.setattr(reports, "PAUSE_SECONDS", 0.0)
    house = make_house()
    house.live(1)
    entries, read = list(house.log.read()), threading.Event()

    def endless(after: int = 0) -> Iterator[Entry]:
        while True:
            read.set()
            yield from entries

    monkeypatch.setattr(house.log, "read", endless)
    house.secret("auditor")

    async def leave() -> None:
        task = asyncio.create_task(house.asking("GET", "/v1/report", role="auditor"))
        assert await asyncio.to_thread(read.wait, 20.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    house.run(leave())
    deadline = time.monotonic() + 20.0
    while True:
        read.clear()
        if not read.wait(0.3):
            break
        assert time.monotonic() < deadline, "the thread reads on"
