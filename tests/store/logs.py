"""Logs on the disk, and hands that change them behind the writer's back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from detector.engine.records import Entry
from detector.proof import Discrepancy
from detector.store import SqliteLog
from detector.store.audit import Audit
from detector.store.schema import LOG_NAME
from tests.contracts.some_records import decision, outcome

WAIT = 10.0


def written(directory: Path, count: int, *, first: int = 1) -> Path:
    """A closed log with so many more entries: decisions, and now and then an outcome."""
    with closing(SqliteLog(directory)) as log:
        for number in range(first, first + count):
            record = outcome(number) if number % 5 == 0 else decision(number)
            log.append(1_772_409_600.0 + number, record)
        log.flush()
    return directory


@contextmanager
def hand(directory: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who writes to the database, and leaves no trace of how."""
    with closing(sqlite3.connect(directory / LOG_NAME, isolation_level=None)) as connection:
        yield connection
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def audited(directory: Path, **more: Any) -> tuple[list[Entry], list[Discrepancy]]:
    """What of a log is sound, and what is wrong with it."""
    audit = Audit(directory, **more)
    entries = list(audit.entries())
    return entries, audit.found
