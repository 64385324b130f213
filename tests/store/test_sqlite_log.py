"""What the embedded log promises beyond the port: durability in order, one writer, readers beside it, loud refusals."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from detector.engine.policy import Policy
from detector.engine.ports import LogUnavailable
from detector.engine.records import Configured, Observed, Weighed
from detector.events import GrantRequest, Usage
from detector.store import (
    DirectoryHeld,
    LogDamaged,
    LogReader,
    SqliteLog,
    StoreError,
    running_server,
    writer,
)
from detector.store import sqlite as embedded
from detector.store.schema import LOG_NAME
from detector.verdict import Reason
from tests.contracts.some_records import decision, outcome

WAIT = 10.0


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    """An empty log in a directory of its own."""
    with closing(SqliteLog(tmp_path / "data")) as made:
        yield made


def numbers(log: SqliteLog | LogReader) -> list[str]:
    """The decision ids of all entries."""
    return [entry.record.decision for entry in log.read()]


# --- durability -----------------------------------------------------------------------------------------------


def test_reopening_gives_the_same_log(tmp_path: Path) -> None:
    """Entries, head and identity survive; the next position follows on."""
    with closing(SqliteLog(tmp_path)) as log:
        log.append(1.0, outcome(1)).result(timeout=WAIT)
        identity = log.identity
    with closing(SqliteLog(tmp_path)) as log:
        assert (log.head(), log.identity) == (1, identity)
        assert log.append(2.0, outcome(2)).result(timeout=WAIT) == 2
        assert numbers(log) == ["d1", "d2"]


def test_commits_sync_the_disk(log: SqliteLog) -> None:
    """Write-ahead log and FULL: each commit is synced, so that it survives power loss."""
    connection = log._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_what_waits_shares_a_commit(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one commit is under way, a thousand records queue up; they become durable with one more."""
    sizes: list[int] = []
    first, go_on = threading.Event(), threading.Event()
    commit = log._writer._commit

    def watched(rows: list[writer.Row]) -> None:
        sizes.append(len(rows))
        first.set()
        assert go_on.wait(WAIT)
        commit(rows)

    monkeypatch.setattr(log._writer, "_commit", watched)
    log.append(1.0, outcome(0))
    assert first.wait(WAIT)
    futures = [log.append(1.0, outcome(n)) for n in range(1, 1_001)]
    go_on.set()
    assert [future.result(timeout=WAIT) for future in futures] == list(range(2, 1_002))
    assert sizes == [1, 1_000]


@pytest.mark.parametrize("count", [1, 2, 3, 1_023, 1_024, 1_025, 2_500])
def test_batches_of_every_size_are_whole(log: SqliteLog, count: int) -> None:
    """Statements are made for powers of two; no size of batch loses or invents a row."""
    futures = [log.append(1.0, outcome(n)) for n in range(count)]
    futures[-1].result(timeout=WAIT)
    assert numbers(log) == [f"d{n}" for n in range(count)]


def test_a_full_disk_delays_and_loses_nothing(log: SqliteLog) -> None:
    """While there is no room, futures stay pending and the trouble is named; with room again all is durable."""
    log.append(1.0, outcome(0)).result(timeout=WAIT)
    [(pages,)] = log._connection.execute("PRAGMA page_count").fetchall()
    log._connection.execute(f"PRAGMA max_page_count={pages + 4}")
    futures = [log.append(1.0, decision(n, padding=5_000)) for n in range(1, 30)]
    wait_for_trouble(log)
    assert "full" in (log.trouble() or "")
    assert not futures[-1].done()
    log._connection.execute("PRAGMA max_page_count=1000000")
    assert futures[-1].result(timeout=WAIT) == 30
    assert all(future.done() for future in futures)
    assert log.trouble() is None
    assert numbers(log) == [f"d{n}" for n in range(30)]


def test_a_foreign_lock_delays_and_loses_nothing(log: SqliteLog, tmp_path: Path) -> None:
    """Somebody's open transaction on the file is waited out, and named meanwhile."""
    with closing(sqlite3.connect(tmp_path / "data" / LOG_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        future = log.append(1.0, outcome(1))
        wait_for_trouble(log)
        assert "locked" in (log.trouble() or "")
        assert not future.done()
        other.execute("ROLLBACK")
    assert future.result(timeout=WAIT) == 1


def test_a_failed_commit_leaves_nothing_behind(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in the writer, even what nobody thought of, the batch is tried again and stands once."""
    commit = log._writer._commit
    failures = iter([RuntimeError("never seen before"), sqlite3.OperationalError("disk I/O error")])

    def fails_twice(rows: list[writer.Row]) -> None:
        for failure in failures:
            raise failure
        commit(rows)

    monkeypatch.setattr(log._writer, "_commit", fails_twice)
    assert log.append(1.0, outcome(1)).result(timeout=WAIT) == 1
    assert numbers(log) == ["d1"]


def test_the_queue_is_bounded(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk has been full for long, appending is refused with the reason; with room again it works again."""
    monkeypatch.setattr(embedded, "QUEUE_BYTES", 100_000)
    log._connection.execute("PRAGMA max_page_count=1")
    log.append(1.0, decision(0, padding=50_000))
    wait_for_trouble(log)
    taken = 1
    with pytest.raises(LogUnavailable, match=r"wait for the disk.*full"):  # noqa: PT012 any of them may be the first
        for taken in range(1, 200):
            log.append(1.0, decision(taken))
    assert 20 < taken < 100
    assert log.queued() == taken
    log._connection.execute("PRAGMA max_page_count=1000000")
    log.flush()
    assert log.append(1.0, outcome(1)).result(timeout=WAIT) == taken + 1


def test_flush_gives_up_with_the_reason(log: SqliteLog) -> None:
    """Waiting for the disk ends after the caller's patience, and says what stands in the way."""
    log._connection.execute("PRAGMA max_page_count=1")
    log.append(1.0, decision(1, padding=50_000))
    wait_for_trouble(log)
    with pytest.raises(LogUnavailable, match="full"):
        log.flush(patience=0.01)
    log._connection.execute("PRAGMA max_page_count=1000000")


def test_closing_on_a_full_disk_says_what_was_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written when patience ended fails its future, in order: the log has no gap."""
    monkeypatch.setattr(writer, "CLOSE_PATIENCE", 0.05)
    log = SqliteLog(tmp_path)
    log.append(1.0, outcome(0)).result(timeout=WAIT)
    log._connection.execute("PRAGMA max_page_count=1")
    futures = [log.append(1.0, decision(n, padding=20_000)) for n in range(1, 2_000)]
    log.close()
    for future in futures:
        assert isinstance(future.exception(timeout=0), LogUnavailable)
    with closing(SqliteLog(tmp_path)) as again:
        assert numbers(again) == ["d0"]
        assert again.append(1.0, outcome(1)).result(timeout=WAIT) == 2


def test_what_json_cannot_hold_is_the_callers_mistake(log: SqliteLog) -> None:
    """A record that cannot be encoded is refused at once, takes no position and stops nobody else."""
    request = GrantRequest(id="r", time=1.0, issuer="i", requester="q", resource="x", attributes={"a": object()})
    bad = msgspec.structs.replace(decision(1), request=request)
    with pytest.raises(TypeError):
        log.append(1.0, bad)
    assert log.append(1.0, outcome(1)).result(timeout=WAIT) == 1


def test_a_listeners_mistake_does_not_stop_the_log(log: SqliteLog, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a callback is logged, and the next record becomes durable all the same."""
    log.append(1.0, outcome(1)).add_done_callback(lambda _: 1 / 0)
    assert log.append(1.0, outcome(2)).result(timeout=WAIT) == 2
    log.append(1.0, outcome(3)).result(timeout=WAIT)
    assert "ZeroDivisionError" in caplog.text


def test_the_write_ahead_log_does_not_grow_for_ever(log: SqliteLog, tmp_path: Path) -> None:
    """A hundred megabytes of records in a row leave a write-ahead log under half of that, and all of them readable."""
    for number in range(1_000):
        log.append(1.0, decision(number, padding=100_000))
        if number % 50 == 0:
            log.flush()
    log.flush()
    wal = (tmp_path / "data" / f"{LOG_NAME}-wal").stat().st_size
    assert 0 < wal < 50_000_000
    assert numbers(log) == [f"d{n}" for n in range(1_000)]


# --- one writer, many readers ---------------------------------------------------------------------------------


def test_a_second_writer_is_told_who_holds_the_directory(log: SqliteLog, tmp_path: Path) -> None:
    """The error names the process and its server; the first writer is not disturbed."""
    log.announce("http://127.0.0.1:8181")
    with pytest.raises(DirectoryHeld, match=rf"pid {os.getpid()}, serving http://127.0.0.1:8181"):
        SqliteLog(tmp_path / "data")
    assert log.append(1.0, outcome(1)).result(timeout=WAIT) == 1


def test_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    """After kill -9 the directory is free, though the lock file still names the dead process."""
    script = (
        "import sys, time; from pathlib import Path; from detector.store import SqliteLog\n"
        "log = SqliteLog(Path(sys.argv[1])); log.announce('http://127.0.0.1:1')\n"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert running_server(tmp_path) == "http://127.0.0.1:1"
        with pytest.raises(DirectoryHeld, match=f"pid {holder.pid}"):
            SqliteLog(tmp_path)
        holder.kill()
    assert running_server(tmp_path) is None
    SqliteLog(tmp_path).close()


def test_a_server_is_found_only_while_it_runs(tmp_path: Path) -> None:
    """No directory, no lock file, a writer without a server, a closed one: no URL."""
    assert running_server(tmp_path / "nowhere") is None
    assert running_server(tmp_path) is None
    log = SqliteLog(tmp_path)
    assert running_server(tmp_path) is None
    log.announce("http://127.0.0.1:8181")
    assert running_server(tmp_path) == "http://127.0.0.1:8181"
    log.close()
    assert running_server(tmp_path) is None


def test_readers_read_beside_the_writer(log: SqliteLog, tmp_path: Path) -> None:
    """Another connection sees every durable entry while the writer goes on, and holds nothing up."""
    log.append(1.0, outcome(1)).result(timeout=WAIT)
    reader = LogReader(tmp_path / "data")
    reading = iter(reader.read())
    next(reading)
    for number in range(2, 3_000):
        log.append(1.0, outcome(number))
    log.flush()
    assert reader.head() == 2_999
    assert numbers(reader) == [f"d{n}" for n in range(1, 3_000)]


def test_a_closed_log_is_one_file_and_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    """After closing no write-ahead log is left; a reader needs no right to write."""
    with closing(SqliteLog(tmp_path)) as log:
        log.append(1.0, outcome(1)).result(timeout=WAIT)
    assert not list(tmp_path.glob("*-wal"))
    tmp_path.chmod(0o500)
    assert numbers(LogReader(tmp_path)) == ["d1"]
    tmp_path.chmod(0o700)


def test_entries_are_found_by_what_they_are_about(log: SqliteLog) -> None:
    """A decision's own record and its outcome come back by the decision's id; a stranger's id finds nothing."""
    for record in (decision(1), decision(2), outcome(1)):
        log.append(1.0, record)
    log.flush()
    assert [entry.position for entry in log.find("d1")] == [1, 3]
    assert list(log.find("nobody")) == []


@pytest.mark.parametrize("name", ["", "a\0b", "é" * 500, "x" * 10_000, "' OR 1=1 --"])
def test_any_id_can_be_found(log: SqliteLog, name: str) -> None:
    """An id may be empty, endless or hold a NUL; one that only begins alike is not mistaken for it."""
    for other in (name, f"{name}\0", f"{name}y"):
        log.append(1.0, msgspec.structs.replace(outcome(1), decision=other))
    log.flush()
    assert [entry.position for entry in log.find(name)] == [1]


def test_usage_is_found_when_it_was_a_finding(log: SqliteLog) -> None:
    """The index holds the few usages that somebody will ask about, not all of them."""
    for name, verdict in (("quiet", "allow"), ("loud", "deny")):
        why = (Reason("resource", "asks for a new resource", 1.0, "a", "b"),)
        weighed = Weighed(own=1, evidence=1, step=1, risk=0.5, verdict=verdict, reasons=why)  # type: ignore[arg-type]
        log.append(1.0, Observed(event=Usage(id=name, time=1.0, credential="c"), weighed=weighed))
    log.flush()
    assert [entry.position for entry in log.find("loud")] == [2]
    assert list(log.find("quiet")) == []


def test_the_policy_in_force_at_a_position_is_found(log: SqliteLog, tmp_path: Path) -> None:
    """Each configuration holds from its own entry on; before the first there is none."""
    policies = [Policy(mode="observe"), Policy(mode="enforce")]
    for record in (outcome(1), Configured(policies[0]), outcome(2), Configured(policies[1]), outcome(3)):
        log.append(1.0, record)
    log.flush()
    in_force = [LogReader(tmp_path / "data").policy_at(position) for position in range(1, 6)]
    assert in_force == [None, policies[0], policies[0], policies[1], policies[1]]


# --- refusals -------------------------------------------------------------------------------------------------


def test_no_log_is_said_plainly(tmp_path: Path) -> None:
    """Reading where no log is names the file that is missing."""
    with pytest.raises(StoreError, match=r"no log here \(log.sqlite3 is missing\)"):
        LogReader(tmp_path)


def test_an_unknown_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A log that a newer version wrote is neither read nor changed; the error names both versions."""
    SqliteLog(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / LOG_NAME)) as other, other:
        other.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
    before = (tmp_path / LOG_NAME).read_bytes()
    for opens in (SqliteLog, LogReader):
        with pytest.raises(StoreError, match="has schema 99, this version of assayer reads 2"):
            opens(tmp_path)
    assert (tmp_path / LOG_NAME).read_bytes() == before


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    """We do not move into somebody else's file."""
    with closing(sqlite3.connect(tmp_path / LOG_NAME)) as other, other:
        other.execute("CREATE TABLE bookmarks(url TEXT)")
    with pytest.raises(StoreError, match="a database of something else"):
        SqliteLog(tmp_path)
    with closing(sqlite3.connect(tmp_path / LOG_NAME)) as other:
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("bookmarks",)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Damage is named, the file is not overwritten, and the lock is given back."""
    (tmp_path / LOG_NAME).write_bytes(b"not a database at all" * 1_000)
    for opens in (SqliteLog, LogReader, SqliteLog):
        with pytest.raises(LogDamaged, match="not a database"):
            opens(tmp_path)
    assert (tmp_path / LOG_NAME).read_bytes().startswith(b"not a database")


def test_a_missing_entry_is_noticed(log: SqliteLog) -> None:
    """Somebody deleted a row: reading stops there and names it, instead of folding over a hole."""
    for number in range(5):
        log.append(1.0, outcome(number))
    log.flush()
    log._connection.execute("DELETE FROM entries WHERE position = 3")
    with pytest.raises(LogDamaged, match="entry 3 is missing"):
        list(log.read())


def test_an_unreadable_entry_is_named(log: SqliteLog) -> None:
    """A body that is not a record is an error with its position, never skipped."""
    log.append(1.0, outcome(1)).result(timeout=WAIT)
    log._connection.execute("UPDATE entries SET body = ?", (b'{"type":"unheard of"}',))
    with pytest.raises(LogDamaged, match="entry 1 cannot be read"):
        list(log.read())


def test_a_torn_write_ahead_log_loses_only_its_torn_end(tmp_path: Path) -> None:
    """Power loss may cut the last bytes of the write-ahead log: what is whole before the cut is read."""
    with closing(SqliteLog(tmp_path / "live")) as log:
        for number in range(50):
            log.append(1.0, outcome(number)).result(timeout=WAIT)
        (tmp_path / "torn").mkdir()
        for name in (LOG_NAME, f"{LOG_NAME}-wal"):
            (tmp_path / "torn" / name).write_bytes((tmp_path / "live" / name).read_bytes())
    wal = tmp_path / "torn" / f"{LOG_NAME}-wal"
    wal.write_bytes(wal.read_bytes()[:-1_000])
    with closing(SqliteLog(tmp_path / "torn")) as log:
        assert numbers(log) == [f"d{n}" for n in range(49)]
        assert log.append(1.0, outcome(49)).result(timeout=WAIT) == 50


# --- who may look ---------------------------------------------------------------------------------------------


def test_nobody_else_can_look(log: SqliteLog, tmp_path: Path) -> None:
    """The directory is 0700 and every file in it 0600, whatever the umask."""
    log.append(1.0, outcome(1)).result(timeout=WAIT)
    directory = tmp_path / "data"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert modes.keys() >= {LOG_NAME, f"{LOG_NAME}-wal", "writer.lock"}
    assert set(modes.values()) == {0o600}


def wait_for_trouble(log: SqliteLog) -> None:
    """Until the writer has met what stands in its way."""
    deadline = time.monotonic() + WAIT
    while log.trouble() is None:
        assert time.monotonic() < deadline, "the writer met no trouble"
        time.sleep(0.005)
