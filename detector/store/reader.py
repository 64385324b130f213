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

from detector.engine.encoding import decode
from detector.engine.policy import Policy
from detector.engine.records import Configured, Entry
from detector.proof import Growth, Inclusion, Verifier
from detector.store import schema, tree
from detector.store.errors import LogDamaged, StoreError
from detector.store.kept import compacted, forgotten, must_be_kept
from detector.store.proving import growth_since, inclusion_of
from detector.store.rows import PAGE_ROWS, Row, fetched, gap, page
from detector.store.snapshots import Base, SnapshotRefused, read_base

Read: TypeAlias = tuple[int, float, bytes]
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
        self.directory, self._path = directory, directory / schema.LOG_NAME
        with closing(self.connect()) as connection:
            self.identity = schema.identity(connection)

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The durable entries after a position, in order, as many as there were when reading began.

        Memory stays flat. Raises `LogDamaged` at a gap or an unreadable record, `EntriesForgotten` before the first
        entry that is kept.
        """
        with closing(self.connect()) as connection:
            must_be_kept(connection, after + 1)
            head = _head(connection)
            expected = after + 1
            while expected <= head:
                rows = fetched(connection, _PAGE, (expected, head, PAGE_ROWS))
                if not rows or rows[0][0] != expected:
                    must_be_kept(connection, expected)  # it may have been forgotten just now
                    raise gap(expected)
                for row in rows:
                    entry = _entry(row)
                    if entry.position != expected:
                        raise gap(expected)
                    yield entry
                    expected += 1

    def grants_since(self, stamp: float) -> Iterator[Entry]:
        """Decisions, issuances and outcomes logged at `stamp` (Unix seconds) or later, in order; memory stays flat."""
        with closing(self.connect()) as connection:
            head = _head(connection)
            after = _first_at(connection, stamp, head) - 1
            while found := fetched(connection, _GRANTS, (after + 1, head, PAGE_ROWS)):
                for row in found:
                    yield _entry(row)
                after = found[-1][0]

    def find(self, name: str) -> Iterator[Entry]:
        """The entries about one decision, event or rule, in order. Any id, found or not."""
        with closing(self.connect()) as connection:
            rows = fetched(connection, _FIND, (schema.index_key(name),))
        for row in rows:
            entry = _entry(row)
            if schema.id_of(entry.record) == name:
                yield entry

    def policy_at(self, position: int) -> Policy | None:
        """The policy in force at a position: that of the newest `Configured` at or before it."""
        with closing(self.connect()) as connection:
            rows = fetched(connection, _CONFIGURED, (position,))
        records = [_entry(row).record for row in rows]
        return next((record.policy for record in records if isinstance(record, Configured)), None)

    def anchor(self, position: int) -> bytes | None:
        """A digest (32 bytes) of this log's entry at a position, which no other log has; `None` for none.

        Position 0 stands for the log before its first entry.
        """
        digest = blake2b(self.identity.encode(), digest_size=32)
        if position:
            with closing(self.connect()) as connection:
                rows = fetched(connection, _PAGE, (position, position, 1))
            if not rows:
                return None
            digest.update(struct.pack(">Qd", position, rows[0][1]))
            digest.update(rows[0][2])
        return digest.digest()

    def base(self) -> Base | None:
        """What the entries that are forgotten came to; `None` where none is."""
        with closing(self.connect()) as connection:
            found = compacted(connection)
        return Base(found[-1].before, found[-1].state_digest) if found else None

    def base_state(self) -> bytes | None:
        """The state itself that they came to; `None` where none is forgotten.

        Raises `StoreError` where it cannot be read, or is another than the log tells of.
        """
        base = self.base()
        if base is None:
            return None
        try:
            return read_base(self.directory, base)
        except (OSError, SnapshotRefused) as error:
            message = f"what the forgotten entries came to cannot be read: {error}"
            raise StoreError(message) from error

    def first_at(self, stamp: float) -> int:
        """The position of the first entry that is kept and was logged at a stamp (Unix seconds) or later.

        One past the head where there is none.
        """
        with closing(self.connect()) as connection:
            return _first_at(connection, stamp, _head(connection))

    def signed_root(self, size: int) -> bytes | None:
        """The root over the first so many entries; `None` where they are not under a checkpoint yet."""
        with closing(self.connect()) as connection:
            last = tree.last_sealed(connection)
            if last is None or last.checkpoint.size < size:
                return None
            return tree.root(connection, size)

    def entries(self, after: int, limit: int) -> list[Row]:
        """Up to so many entries after a position, as they lie there. Raises `EntriesForgotten`."""
        with closing(self.connect()) as connection:
            must_be_kept(connection, after + 1)
            return page(connection, after + 1, after + limit, limit)

    def checkpoint(self) -> bytes | None:
        """The newest checkpoint, as a signed note; `None` before the first."""
        with closing(self.connect()) as connection:
            last = tree.last_sealed(connection)
        return None if last is None else last.note.encoded()

    def verifiers(self) -> list[Verifier]:
        """The keys that sign the checkpoints, in order."""
        with closing(self.connect()) as connection:
            return [key for _, key in tree.signers(connection)]

    def prove(self, decision: str) -> Inclusion:
        """That a decision is in the log. Raises `KeyError` for one that is not under a checkpoint (yet)."""
        with closing(self.connect()) as connection:
            return inclusion_of(connection, decision)

    def growth(self, old: int) -> Growth:
        """That the log grew out of one of `old` entries. Raises `KeyError` where none of so many was signed over."""
        with closing(self.connect()) as connection:
            return growth_since(connection, old)

    def head(self) -> int:
        """The position of the last durable entry; 0 for an empty log."""
        with closing(self.connect()) as connection:
            return _head(connection)

    def connect(self) -> sqlite3.Connection:
        """A connection that only reads. Raises `StoreError` where there is nothing to read."""
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
    rows = fetched(connection, "SELECT position FROM entries ORDER BY position DESC LIMIT 1")
    return rows[0][0] if rows else 0


def _first_at(connection: sqlite3.Connection, stamp: float, head: int) -> int:
    """The position of the first entry at `stamp` or later; one past the head where there is none. Stamps never fall."""
    low, high = forgotten(connection) + 1, head + 1
    while low < high:
        middle = (low + high) // 2
        row = fetched(connection, _STAMP, (middle,))
        if row and row[0][1] < stamp:
            low = middle + 1
        else:
            high = middle
    return low


def _entry(row: Read) -> Entry:
    position, stamp, body = row
    try:
        return Entry(position, stamp, decode(body))
    except msgspec.DecodeError as error:
        message = f"{schema.LOG_NAME}: entry {position} cannot be read: {error}"
        raise LogDamaged(message) from error
