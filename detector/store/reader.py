"""The log in SQLite, read: beside a live writer, any number of readers at once."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from detector.engine.policy import Policy
from detector.engine.records import Configured, Entry, decode
from detector.store import schema
from detector.store.errors import LogDamaged, StoreError

PAGE_ROWS: Final = 1_000
"""Rows read at once. A reader holds no transaction between pages: one open for the minutes
that a fold takes would keep the writer from ever resetting its write-ahead log."""

Row: TypeAlias = tuple[int, float, bytes]
"""Position, stamp, body."""

_PAGE: Final = "SELECT position, stamp, body FROM entries WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"
_GRANTS: Final = """SELECT position, stamp, body FROM entries WHERE position BETWEEN ? AND ?
    AND kind IN ('decided', 'issuance_observed', 'outcome_recorded') ORDER BY position LIMIT ?"""
_STAMP: Final = "SELECT position, stamp, body FROM entries WHERE position = ?"
_FIND: Final = "SELECT position, stamp, body FROM entries WHERE id = ? ORDER BY position"
_CONFIGURED: Final = """SELECT position, stamp, body FROM entries
    WHERE kind = 'configured' AND position <= ? ORDER BY position DESC LIMIT 1"""


class LogReader:
    """Reads a data directory's log without ever writing there. Cheap to make; holds nothing open.

    Raises `StoreError` where there is no log, or none that this version knows.
    """

    def __init__(self, directory: Path) -> None:
        """Look whether there is a log to read."""
        self._path = directory / schema.LOG_NAME
        with closing(self._connect()) as connection:
            self.identity = schema.identity(connection)

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The durable entries after a position, in order, as many as there were when reading began.

        Memory stays flat. Raises `LogDamaged` at a gap or an unreadable record.
        """
        with closing(self._connect()) as connection:
            head = _head(connection)
            expected = after + 1
            while expected <= head:
                page = _rows(connection, _PAGE, (expected, head, PAGE_ROWS))
                if not page:
                    raise _gap(expected)
                for row in page:
                    entry = _entry(row)
                    if entry.position != expected:
                        raise _gap(expected)
                    yield entry
                    expected += 1

    def grants_since(self, stamp: float) -> Iterator[Entry]:
        """Decisions, issuances and outcomes logged at `stamp` (Unix seconds) or later, in order; memory stays flat."""
        with closing(self._connect()) as connection:
            head = _head(connection)
            after = _first_at(connection, stamp, head) - 1
            while page := _rows(connection, _GRANTS, (after + 1, head, PAGE_ROWS)):
                for row in page:
                    yield _entry(row)
                after = page[-1][0]

    def find(self, name: str) -> Iterator[Entry]:
        """The entries about one decision, event or rule, in order. Any id, found or not."""
        with closing(self._connect()) as connection:
            rows = _rows(connection, _FIND, (schema.index_key(name),))
        for row in rows:
            entry = _entry(row)
            if schema.id_of(entry.record) == name:
                yield entry

    def policy_at(self, position: int) -> Policy | None:
        """The policy in force at a position: that of the newest `Configured` at or before it."""
        with closing(self._connect()) as connection:
            rows = _rows(connection, _CONFIGURED, (position,))
        records = [_entry(row).record for row in rows]
        return next((record.policy for record in records if isinstance(record, Configured)), None)

    def anchor(self, position: int) -> bytes | None:
        """A digest (32 bytes) of this log's entry at a position, which no other log has; `None` for none.

        Position 0 stands for the log before its first entry.
        """
        digest = blake2b(self.identity.encode(), digest_size=32)
        if position:
            with closing(self._connect()) as connection:
                rows = _rows(connection, _PAGE, (position, position, 1))
            if not rows:
                return None
            digest.update(struct.pack(">Qd", position, rows[0][1]))
            digest.update(rows[0][2])
        return digest.digest()

    def head(self) -> int:
        """The position of the last durable entry; 0 for an empty log."""
        with closing(self._connect()) as connection:
            return _head(connection)

    def _connect(self) -> sqlite3.Connection:
        if not self._path.is_file():
            message = f"{self._path.parent}: no log here ({schema.LOG_NAME} is missing)"
            raise StoreError(message)
        connection = _open(self._path, "mode=ro")
        try:
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            wal = self._path.with_name(schema.LOG_NAME + "-wal")
            if wal.exists():
                message = f"{self._path}: {error}"
                raise StoreError(message) from error
            # A closed log in a directory that we may not write: nobody changes it, so no lock file is needed.
            return _open(self._path, "immutable=1")
        except sqlite3.DatabaseError as error:
            connection.close()
            message = f"{self._path}: {error}"
            raise LogDamaged(message) from error
        return connection


def _open(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, check_same_thread=False)


def _head(connection: sqlite3.Connection) -> int:
    rows = _rows(connection, "SELECT position, stamp, body FROM entries ORDER BY position DESC LIMIT 1", ())
    return rows[0][0] if rows else 0


def _first_at(connection: sqlite3.Connection, stamp: float, head: int) -> int:
    """The position of the first entry at `stamp` or later; one past the head where there is none. Stamps never fall."""
    low, high = 1, head + 1
    while low < high:
        middle = (low + high) // 2
        row = _rows(connection, _STAMP, (middle,))
        if row and row[0][1] < stamp:
            low = middle + 1
        else:
            high = middle
    return low


def _rows(connection: sqlite3.Connection, query: str, values: tuple[object, ...]) -> list[Row]:
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.DatabaseError as error:
        message = f"{schema.LOG_NAME}: {error}"
        raise LogDamaged(message) from error


def _entry(row: Row) -> Entry:
    position, stamp, body = row
    try:
        return Entry(position, stamp, decode(body))
    except msgspec.DecodeError as error:
        message = f"{schema.LOG_NAME}: entry {position} cannot be read: {error}"
        raise LogDamaged(message) from error


def _gap(position: int) -> LogDamaged:
    return LogDamaged(f"{schema.LOG_NAME}: entry {position} is missing")
