"""The Log port's contract, over every log there is."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import detector.store
from detector.engine.ports import Log, LogUnavailable
from detector.engine.records import Entry, Record
from tests.contracts.implementations import implementations
from tests.contracts.some_records import decision, moments, outcome, records

LOGS = implementations(detector.store, Log)
WAIT = 10.0

MakeLog: TypeAlias = Callable[[], Any]


@pytest.fixture(params=LOGS, ids=lambda found: found.__name__)
def make_log(request: pytest.FixtureRequest, tmp_path: Path) -> MakeLog:
    """Makes an empty log, each time another one."""
    numbers = count()

    def make() -> Log:
        needs_directory = "directory" in inspect.signature(request.param).parameters
        made: Log = request.param(tmp_path / str(next(numbers))) if needs_directory else request.param()
        return made

    return make


@pytest.fixture
def log(make_log: MakeLog) -> Iterator[Log]:
    """One empty log, closed in the end."""
    with closing(make_log()) as made:
        yield made


def settled(log: Log, appended: list[tuple[float, Record]]) -> list[int]:
    """The positions that appending all of these gave."""
    futures = [log.append(stamp, record) for stamp, record in appended]
    return [future.result(timeout=WAIT) for future in futures]


def test_every_log_is_found() -> None:
    """The suite runs over the memory log and the embedded one at least."""
    assert {found.__name__ for found in LOGS} >= {"MemoryLog", "SqliteLog"}


def test_an_empty_log_is_empty_and_well(log: Log) -> None:
    """Nothing to read, nothing durable, no trouble."""
    assert list(log.read()) == []
    assert log.head() == 0
    assert log.trouble() is None


def test_positions_start_at_one_and_have_no_gaps(log: Log) -> None:
    """Records stand in the order in which they were appended, numbered from 1."""
    assert settled(log, [(float(n), outcome(n)) for n in range(1, 501)]) == list(range(1, 501))
    assert list(log.read()) == [Entry(n, float(n), outcome(n)) for n in range(1, 501)]


def test_a_settled_future_means_readable(log: Log) -> None:
    """Once a future has settled, the head is at least there and reading gives the record."""
    for number in range(1, 20):
        position = log.append(1.0, outcome(number)).result(timeout=WAIT)
        assert log.head() >= position
        assert [entry.record for entry in log.read(position - 1)] == [outcome(number)]


def test_reading_starts_after_a_position(log: Log) -> None:
    """`after` leaves out what is already known; past the head there is nothing."""
    settled(log, [(1.0, outcome(n)) for n in range(1, 11)])
    assert [entry.position for entry in log.read(7)] == [8, 9, 10]
    assert list(log.read(10)) == []
    assert list(log.read(99)) == []


def test_reading_ends_where_the_log_ended_when_it_began(log: Log) -> None:
    """A reader does not chase a log that grows under it."""
    settled(log, [(1.0, outcome(n)) for n in range(1, 4)])
    reading = iter(log.read())
    assert next(reading).position == 1
    settled(log, [(1.0, outcome(n)) for n in range(4, 9)])
    assert [entry.position for entry in reading] == [2, 3]


def test_a_promised_record_cannot_be_taken_back(log: Log) -> None:
    """Cancelling the future, as a caller's timeout does, neither works nor loses the record."""
    future = log.append(1.0, outcome(1))
    assert not future.cancel()
    assert future.result(timeout=WAIT) == 1
    assert [entry.record for entry in log.read()] == [outcome(1)]


def test_callbacks_hear_of_it_once(log: Log) -> None:
    """A callback added before or after the record is durable is called with the future, once."""
    heard: list[int] = []
    future = log.append(1.0, outcome(1))
    future.add_done_callback(lambda done: heard.append(done.result()))
    future.result(timeout=WAIT)
    log.append(1.0, outcome(2)).result(timeout=WAIT)  # by then the first one's callbacks have run
    future.add_done_callback(lambda done: heard.append(done.result()))
    assert heard == [1, 1]


def test_asyncio_can_wait_for_it(log: Log) -> None:
    """The future works with asyncio's own bridge."""

    async def wait() -> int:
        return await asyncio.wait_for(asyncio.wrap_future(log.append(1.0, outcome(1))), WAIT)

    assert asyncio.run(wait()) == 1


def test_a_closed_log_takes_nothing(log: Log) -> None:
    """Appending after closing says that the log is closed; closing twice is closing once."""
    settled(log, [(1.0, outcome(1))])
    log.close()
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        log.append(1.0, outcome(2))


def test_closing_waits_for_what_was_appended(log: Log) -> None:
    """What was queued before closing is durable after it, without anyone waiting for the futures."""
    futures = [log.append(1.0, decision(n)) for n in range(3_000)]
    log.close()
    assert [future.result(timeout=0) for future in futures] == list(range(1, 3_001))
    assert log.head() == 3_000


def test_many_threads_keep_their_own_order(log: Log) -> None:
    """Appends from several threads interleave, but none is lost and each thread's own order stands."""

    def append_some(thread: int) -> None:
        for number in range(200):
            log.append(float(thread), outcome(number))

    threads = [threading.Thread(target=append_some, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.append(9.0, outcome(999)).result(timeout=WAIT)
    entries = list(log.read())
    assert [entry.position for entry in entries] == list(range(1, 802))
    for thread in range(4):
        assert [entry.record for entry in entries if entry.stamp == thread] == [outcome(n) for n in range(200)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(appended=st.lists(st.tuples(moments, records), max_size=8))
def test_what_is_read_is_what_was_appended(make_log: MakeLog, appended: list[tuple[float, Record]]) -> None:
    """Every field of every record, and every bit of every stamp, comes back."""
    with closing(make_log()) as log:
        settled(log, appended)
        read = [(entry.stamp, entry.record) for entry in log.read()]
        assert read == appended
        assert [type(record) for _, record in read] == [type(record) for _, record in appended]
