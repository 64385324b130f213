"""What is told to others is found in the log without reading the rest: announcements, flagged rows, how many wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from detector.engine.records import Announced, Record, Weighed
from detector.store import SqliteLog, told
from detector.store.told import ToldReader
from detector.verdict import Reason, Verdict
from tests.contracts.some_records import decision, outcome


def announced(number: int) -> Announced:
    """A credential that should work no more."""
    return Announced(
        kind="session_revoked",
        code="denied",
        requester="ci/a",
        issuer="vault",
        cause=f"d{number}",
        because="denied",
        credential=f"c{number}",
    )


def flagged(number: int, verdict: Verdict, *, purpose: str = "") -> Record:
    """A decision with a verdict, and a purpose that may hold anything."""
    made = decision(number)
    reasons = (Reason("network", "from elsewhere", 5.0, "here", "there"),)
    weighed = Weighed(own=0, evidence=9_000, step=0, risk=0.5, verdict=verdict, reasons=reasons)
    request = msgspec.structs.replace(made.request, purpose=purpose)
    return msgspec.structs.replace(made, weighed=weighed, request=request)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    """A log on the disk."""
    made = SqliteLog(tmp_path)
    yield made
    made.close()


def filled(log: SqliteLog, *records: Record) -> ToldReader:
    """A reader of a log with these records, logged at 1, 2, 3 and so on."""
    for stamp, record in enumerate(records, log.head() + 1):
        log.append(float(stamp), record)
    log.flush()
    return ToldReader(log._reader._path.parent)


def test_announcements_are_found_in_order_and_counted(log: SqliteLog) -> None:
    """After a position, so many at most; the count says how many wait, and since when."""
    records = [announced(number) if number % 3 == 0 else outcome(number) for number in range(1, 31)]
    reader = filled(log, *records)
    assert [entry.position for entry in reader.announced(0, most=4)] == [3, 6, 9, 12]
    assert [entry.position for entry in reader.announced(12, most=100)] == [15, 18, 21, 24, 27, 30]
    assert reader.announced(30, most=100) == []
    assert reader.announced_after(0) == (10, 3.0)
    assert reader.announced_after(14) == (6, 15.0)
    assert reader.announced_after(30) == (0, None)


def test_they_are_found_by_an_index(log: SqliteLog) -> None:
    """A log of a hundred million records is not gone through for the few that are told."""
    reader = filled(log, announced(1))
    with reader.connect() as connection:
        for query in (told._ANNOUNCED, told._COUNTED):
            values = (0, 10)[: query.count("?")]
            plan = " ".join(str(row) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values))
            assert "entries_announced" in plan
    connection.close()


def test_flagged_rows_are_found_and_nothing_else(log: SqliteLog) -> None:
    """Step-ups, denies and announcements; a text that looks like a verdict costs a look and is told apart later."""
    reader = filled(
        log,
        decision(1),
        flagged(2, "step_up"),
        outcome(3),
        flagged(4, "deny"),
        announced(5),
        flagged(6, "allow", purpose='{"verdict":"deny"}'),
    )
    entries, reached = reader.flagged(0, most=10)
    assert [entry.position for entry in entries] == [2, 4, 5]
    assert reached == 6
    assert reader.flagged(6, most=10) == ([], 6)


def test_one_look_goes_only_so_far(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says how far, so that the next one goes on there; a full page ends at its last row."""
    monkeypatch.setattr(told, "SCANNED", 10)
    rows = [flagged(number, "deny") if number in {5, 6, 25} else decision(number) for number in range(1, 31)]
    reader = filled(log, *rows)
    looks, after = [], 0
    while after < log.head():
        entries, after = reader.flagged(after, most=1)
        looks.append(([entry.position for entry in entries], after))
    assert looks == [([5], 5), ([6], 6), ([], 16), ([25], 25), ([], 30)]
