"""The embedded log: one SQLite file, a commit surviving power loss before its future settles.

Write-ahead log, `synchronous=FULL`. Wrong on a network file system, where
SQLite's shared memory does not work; and not replicated: who loses the disk
loses the log.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from detector.engine.ports import Clock, LogUnavailable
from detector.engine.records import Entry, Record, encode
from detector.store import schema
from detector.store.checkpoint import Checkpointer
from detector.store.errors import LogDamaged, StoreError
from detector.store.files import create_private, make_directory
from detector.store.lock import WriterLock
from detector.store.promise import Promise, kept
from detector.store.reader import LogReader
from detector.store.writer import Writer

QUEUE_BYTES: Final = 64 * 2**20
"""Encoded records that may wait for the disk: some 60,000 decisions, minutes of a busy broker's work while the disk is
full, and an amount of memory that a sidecar can spare."""
BUSY_SECONDS: Final = 0.25
"""How long one attempt waits for somebody else's lock before it counts as trouble and is tried again."""
FLUSH_PATIENCE: Final = 30.0


class SqliteLog:
    """The log in a data directory, written by this process alone.

    Raises `DirectoryHeld` where another process writes it, `StoreError` for a
    file that is not a log of this version, `LogDamaged` for one that SQLite
    cannot read.
    """

    def __init__(self, directory: Path, *, clock: Clock = time.time) -> None:
        """Open the log, or make it; `clock` only dates a new one."""
        make_directory(directory)
        self._directory_lock = WriterLock(directory)
        try:
            self._connection = _open(directory / schema.LOG_NAME, created=clock())
            self._reader = LogReader(directory)
            self._head = self._reader.head()
        except BaseException:
            self._directory_lock.release()
            raise
        self.identity = self._reader.identity
        self._next = self._head + 1
        self._queued_bytes = 0
        self._closed = False
        self._lock = threading.Lock()
        self._last = kept(self._head)
        self._checkpointer = Checkpointer(directory / schema.LOG_NAME)
        self._writer = Writer(self._connection, committed=self._on_commit, rested=self._checkpointer.committed)

    def append(self, stamp: float, record: Record) -> Future[int]:
        """Queue a record; see the port. Raises what `encode` raises for a record that JSON cannot hold."""
        # Encoded here, not by the writer: what cannot be encoded is the caller's mistake and must not stop the queue.
        body = encode(record)
        key = schema.key_of(record)
        kind = schema.kind_of(record)
        with self._lock:
            self._refuse_if_unavailable()
            promise = Promise(self._next)
            self._queued_bytes += len(body)
            self._writer.put(((self._next, stamp, kind, key, body), promise))
            self._next += 1
            self._last = promise
        return promise

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The durable entries after a position, in order, with flat memory."""
        return self._reader.read(after)

    def grants_since(self, stamp: float) -> Iterator[Entry]:
        """The durable decisions, issuances and outcomes from a stamp (Unix seconds) on."""
        return self._reader.grants_since(stamp)

    def find(self, name: str) -> Iterator[Entry]:
        """The durable entries about one decision, event or rule."""
        return self._reader.find(name)

    def anchor(self, position: int) -> bytes | None:
        """A digest of the entry at a position, for snapshots; waits for one that is queued. `None` for none."""
        if self._head < position < self._next:
            self.flush()
        return self._reader.anchor(position)

    def head(self) -> int:
        """The position of the last durable entry; 0 for an empty log."""
        return self._head

    def queued(self) -> int:
        """How many records wait to become durable."""
        return self._next - 1 - self._head

    def trouble(self) -> str | None:
        """Why records are not becoming durable just now; `None` when all is well."""
        return self._writer.trouble

    def announce(self, url: str) -> None:
        """Say in the lock file where this process's server listens."""
        self._directory_lock.announce(url)

    def flush(self, *, patience: float = FLUSH_PATIENCE) -> None:
        """Wait until everything appended so far is durable. Raises `LogUnavailable` after `patience` seconds."""
        try:
            self._last.result(timeout=patience)
        except TimeoutError as error:
            message = f"records are not becoming durable: {self.trouble() or 'the disk is slow'}"
            raise LogUnavailable(message) from error

    def close(self) -> None:
        """Make what is queued durable if that can be, then release the directory. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._writer.close()
        self._checkpointer.close()
        self._connection.close()
        self._directory_lock.release()

    def _refuse_if_unavailable(self) -> None:
        if self._closed:
            message = "the log is closed"
            raise LogUnavailable(message)
        if self._queued_bytes >= QUEUE_BYTES:
            message = (
                f"{self.queued()} records wait for the disk, which is all that may: {self.trouble() or 'it is slow'}"
            )
            raise LogUnavailable(message)

    def _on_commit(self, rows: int, written: int) -> None:
        with self._lock:
            self._head += rows
            self._queued_bytes -= written


def _open(path: Path, *, created: float) -> sqlite3.Connection:
    """The writing connection, on a log that is there and whole enough to open."""
    create_private(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        [(mode,)] = connection.execute("PRAGMA journal_mode=WAL").fetchall()
        if mode != "wal":
            message = f"{path}: this file system cannot hold the log (journal mode {mode}); use a local disk"
            raise StoreError(message)  # noqa: TRY301 the connection must be closed on every way out
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA cache_size=-16384")
        schema.create(connection, created=created)
        schema.identity(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        message = f"{path}: {error}"
        raise StoreError(message) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        message = f"{path}: {error}"
        raise LogDamaged(message) from error
    except BaseException:
        connection.close()
        raise
    return connection
