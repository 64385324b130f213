"""The embedded log: one SQLite file, a commit surviving power loss before its future settles.

Write-ahead log, `synchronous=FULL`. Wrong on a network file system, where
SQLite's shared memory does not work; and not replicated: who loses the disk
loses the log.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Final, NamedTuple

from detector.engine.encoding import encode
from detector.engine.ports import Clock, LogUnavailable
from detector.engine.records import Entry, Record
from detector.proof import Growth, Inclusion
from detector.store import forgetting, keys, schema, tree
from detector.store.checkpoint import Checkpointer
from detector.store.files import make_directory
from detector.store.forgetting import forget_some
from detector.store.lock import WriterLock
from detector.store.opening import opened, sealer
from detector.store.promise import Promise, kept
from detector.store.publishing import Publisher
from detector.store.reader import LogReader
from detector.store.rows import Row
from detector.store.snapshots import Base
from detector.store.writer import Writer

QUEUE_BYTES: Final = 64 * 2**20
"""Encoded records that may wait for the disk: some 60,000 decisions, minutes of a busy broker's work while the disk is
full, and an amount of memory that a sidecar can spare."""
FLUSH_PATIENCE: Final = 30.0
SEAL_PATIENCE: Final = 3.0
"""Seconds that a proof waits for a checkpoint over its entry: one is signed in a second, unless the disk refuses."""

FORGETTING_PAUSE: Final = 0.01
"""Seconds between two bites of forgetting: three quarters of the time the writer is free."""

_LOGGER: Final = logging.getLogger(__name__)


class Rotation(NamedTuple):
    """A change of the signing key: the checkpoint of which size both signed, and their verifier keys."""

    size: int
    old: str
    new: str


class SqliteLog:
    """The log in a data directory, written by this process alone.

    Raises `DirectoryHeld` where another process writes it, `StoreError` for a
    file that is not a log of this version, `LogDamaged` for one that SQLite
    cannot read.
    """

    def __init__(
        self, directory: Path, *, clock: Clock = time.time, warn: Callable[[str], None] = _LOGGER.warning
    ) -> None:
        """Open the log, or make it; `clock` only dates a new one, `warn` hears of keys and of the checkpoint's file."""
        make_directory(directory)
        self._directory, self._warn = directory, warn
        self._directory_lock = WriterLock(directory)
        try:
            self._connection = opened(directory / schema.LOG_NAME, created=clock())
            self._reader = LogReader(directory)
            self._head = self._reader.head()
            self._publisher = Publisher(directory, warn=warn)
            self._sealer = sealer(self._connection, directory, head=self._head, publish=self._publisher.give, warn=warn)
        except BaseException:
            self._directory_lock.release()
            raise
        self.identity = self._reader.identity
        base = self._reader.base()
        self._forgotten = base.position if base is not None else 0
        self._next = self._head + 1
        self._queued_bytes = 0
        self._closed = False
        self._lock = threading.Lock()
        self._rotating = threading.Lock()
        self._last = kept(self._head)
        self._checkpointer = Checkpointer(directory / schema.LOG_NAME)
        self._writer = Writer(
            self._connection,
            committed=self._on_commit,
            rested=self._checkpointer.committed,
            sealer=self._sealer,
        )

    @property
    def reader(self) -> LogReader:
        """What reads this log, on any thread."""
        return self._reader

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
            row = Row(self._next, stamp, kind, key, body)
            self._writer.put((row, promise, row.leaf()))
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

    def base(self) -> Base | None:
        """What the entries that are forgotten came to; `None` where none is."""
        return self._reader.base()

    def entries(self, after: int, limit: int) -> list[Row]:
        """Up to so many durable entries after a position, as they lie there. Raises `EntriesForgotten`."""
        return self._reader.entries(after, limit)

    def checkpoint(self) -> bytes | None:
        """The newest checkpoint, as a signed note; `None` before the first."""
        return self._sealer.latest

    def prove(self, decision: str, *, patience: float = SEAL_PATIENCE) -> Inclusion:
        """That a decision is in the log, once a checkpoint is over it. Raises `KeyError` for one that is not there."""
        entry = next(self._reader.find(decision), None)
        if entry is not None:
            self._sealer.wait_for(entry.position, patience)
        return self._reader.prove(decision)

    def growth(self, old: int) -> Growth:
        """That the log grew out of one of `old` entries. Raises `KeyError` where it is shorter."""
        return self._reader.growth(old)

    def rotate_key(self) -> Rotation:
        """Sign with a new key from here on; the old one's last checkpoint names it, and both sign that.

        Raises `OSError` or `sqlite3.Error` where the disk refuses; then the old key goes on.
        """
        with self._rotating:
            following = keys.make_next_signer(self._directory, tree.origin(self.identity))
            old, size = self._writer.run(lambda connection: self._sealer.rotate(connection, following)).result()
            keys.follow(self._directory)
        return Rotation(size, old.verifier.text(), following.verifier.text())

    def forgotten(self) -> int:
        """The last entry that is forgotten; 0 where none is."""
        return self._forgotten

    def forget(self, before: int, *, shrink: bool = False) -> int:
        """Take the entries up to `before` away, which a `Compacted` record tells of; gives how many rows that were.

        Commits go on between. Interrupted, the rest is taken away the next time. `shrink` gives the room back.
        """
        self._forgotten, taken = before, 0
        while some := self._writer.run(lambda connection: forget_some(connection, before)).result():
            taken += some
            time.sleep(FORGETTING_PAUSE)
        self._writer.run(forgetting.shrink if shrink else forgetting.carry_over).result()
        return taken

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
        self._publisher.close()
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
