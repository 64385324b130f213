"""The thread that makes records durable: whatever has queued up becomes one commit.

There is no batching delay. A lone record is committed at once; records that
arrive during a commit share the next one, so that the batch grows with the load.

One batch is one SQL statement, on purpose: `sqlite3` gives up the interpreter
lock around each statement, and beside a busy event loop each lock taken back
costs up to the interpreter's switch interval. Begin, insert and commit apart
took 16 ms where one statement took 6.
"""

from __future__ import annotations

import functools
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple, TypeAlias

from detector.engine.ports import LogUnavailable
from detector.store.promise import Promise, break_, keep
from detector.store.rows import Row
from detector.store.sealing import Sealer

BATCH_ROWS: Final = 1_024
"""Rows a commit: by then a commit's own cost is under 1 % of it, and a statement has 5,120 parameters."""
FIRST_RETRY: Final = 0.05
LAST_RETRY: Final = 2.0
"""Seconds between attempts while the disk refuses: doubling, so that a short lock costs little and a full disk is
looked at often enough to notice within seconds that somebody made room."""
CLOSE_PATIENCE: Final = 5.0
"""Seconds that closing goes on trying: longer and an orchestrator kills us anyway."""

_PAGE_BYTES: Final = 4_096
_ABSENT: Final = (None,) * 5


Pending: TypeAlias = tuple[Row, Promise, bytes]
"""A row that waits to become durable, the promise that it will, and its hash in the tree: made where it was appended,
while the disk syncs, not here between two syncs."""


class Errand(NamedTuple):
    """Something else to do with the connection, after the rows queued before it; `done` gives what it came to."""

    work: Callable[[sqlite3.Connection], Any]
    done: Future[Any]


class Writer:
    """Owns the writing connection. `put` from any thread; everything else happens on its own.

    `committed` is called on the writer's thread with the rows and bytes of each batch that became
    durable, before the batch's promises are kept, `rested` after that with the
    pages it took and the connection. The `sealer` is shown the rows, and signs when it is time. `trouble` says
    why the batch at hand does not become durable; it is `None` when all is well.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        committed: Callable[[int, int], None],
        rested: Callable[[int, sqlite3.Connection], None],
        sealer: Sealer,
    ) -> None:
        """Start the thread."""
        self._sealer = sealer
        self._rested = rested
        self._connection = connection
        self._committed = committed
        self._queue: SimpleQueue[Pending | Errand | None] = SimpleQueue()
        self._closing = threading.Event()
        self._deadline = math.inf
        self._given_up = self._ended = False
        self._ending = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="assayer-log", daemon=True)
        self.trouble: str | None = None
        self._thread.start()

    def put(self, pending: Pending) -> None:
        """Queue a row, after those queued before."""
        self._queue.put(pending)

    def run(self, work: Callable[[sqlite3.Connection], Any]) -> Future[Any]:
        """Queue other work with the connection, which is between transactions then; it fails once the log is closed."""
        errand = Errand(work, Future())
        with self._ending:
            if not self._ended:
                self._queue.put(errand)
                return errand.done
        self._go(errand)
        return errand.done

    def close(self) -> None:
        """Write what is queued, for as long as `CLOSE_PATIENCE` allows; fail the rest. Nothing may be put after."""
        self._deadline = time.monotonic() + CLOSE_PATIENCE
        self._closing.set()
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            batch, errand, more = self._take()
            if batch:
                self._settle(batch)
            if errand is not None:
                self._go(errand)
            if not self._given_up:
                self._sealer.seal_if_due(self._connection)
        if not self._given_up:
            self._sealer.seal(self._connection)
        with self._ending:
            self._ended = True
            while not self._queue.empty():
                if isinstance(late := self._queue.get(), Errand):
                    self._go(late)

    def _settle(self, batch: list[Pending]) -> None:
        """Make a batch durable, and everybody know it."""
        if self._given_up or not self._written(batch):
            # What comes after a row that was not written must not be written either: the log has no gaps.
            self._given_up = True
            self._fail(batch)
            return
        written = sum(len(row[-1]) for row, _, _ in batch)
        self._committed(len(batch), written)
        keep(promise for _, promise, _ in batch)
        self._sealer.grow([leaf for _, _, leaf in batch], batch[-1][0].stamp)
        self._rested(_pages(batch, written), self._connection)

    def _go(self, errand: Errand) -> None:
        if self._ended:
            errand.done.set_exception(LogUnavailable("the log is closed"))
            return
        try:
            errand.done.set_result(errand.work(self._connection))
        except Exception as error:  # noqa: BLE001 as in `_written`: it is told to whoever sent the errand
            errand.done.set_exception(error)

    def _take(self) -> tuple[list[Pending], Errand | None, bool]:
        """Everything queued, up to a batch or an errand; and whether more may come.

        Waits for the first, unless the head has to be signed before it comes.
        """
        batch: list[Pending] = []
        try:
            item = self._queue.get(timeout=self._sealer.patience())
        except Empty:
            return batch, None, True
        while item is not None:
            if isinstance(item, Errand):
                return batch, item, True
            batch.append(item)
            if len(batch) == BATCH_ROWS or self._queue.empty():
                return batch, None, True
            item = self._queue.get()
        return batch, None, False

    def _written(self, batch: Sequence[Pending]) -> bool:
        """Commit a batch, however long it takes; false when closing ran out of patience."""
        delay = FIRST_RETRY
        while batch:
            try:
                self._commit([row for row, _, _ in batch])
            except Exception as error:  # noqa: BLE001 whatever it was: with the thread gone every caller would wait for ever
                self.trouble = f"{error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
            else:
                self.trouble = None
                break
            if time.monotonic() >= self._deadline:
                return False
            if self._closing.wait(delay):
                time.sleep(FIRST_RETRY)
            delay = min(2 * delay, LAST_RETRY)
        return True

    def _commit(self, rows: Sequence[Row]) -> None:
        """One statement, one transaction, one sync of the disk."""
        size = 1 << (len(rows) - 1).bit_length()
        values: list[object] = [value for row in rows for value in row]
        values.extend(_ABSENT * (size - len(rows)))
        self._connection.execute(_insert(size), values)

    def _fail(self, batch: Sequence[Pending]) -> None:
        because = LogUnavailable(f"the log closed before this was durable: {self.trouble}")
        break_((promise for _, promise, _ in batch), because=because)


def _pages(batch: Sequence[Pending], written: int) -> int:
    """About how many pages a commit wrote: the bodies', one of the table's inside, one of the index for each id."""
    return 1 + written // _PAGE_BYTES + sum(row[3] is not None for row, _, _ in batch)


@functools.cache
def _insert(size: int) -> str:
    """The statement for up to `size` rows: powers of two only, so that ten prepared statements serve every batch."""
    rows = ",".join(["(?,?,?,?,?)"] * size)
    return f"INSERT INTO entries SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL"  # noqa: S608 no input in it
