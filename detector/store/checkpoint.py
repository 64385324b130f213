"""Carries what was committed from the write-ahead log into the database, off the commit's path.

Left to SQLite, every thousandth page makes one unlucky commit wait for two more
syncs of the disk and some megabytes of copying. A passive checkpoint on another
connection lets commits go on meanwhile.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Final

EVERY_BYTES: Final = 4 * 2**20
"""Record bytes between checkpoints: the write-ahead log then holds some ten megabytes, which is read back after a
crash in well under a second."""
RESTART_PAGES: Final = 8_192
"""A write-ahead log this long (32 MiB) is made to start over, which stops commits for the last few pages' copying:
under steady load the passive kind never quite catches up, and the file would only grow."""

_DUE: Final = "due"
_STOP: Final = "stop"


class Checkpointer:
    """A thread that checkpoints whenever enough was written.

    `committed` is called on the thread that commits, between its commits.
    """

    def __init__(self, path: Path) -> None:
        """Start the thread."""
        self._path = path
        self._written = 0
        self._too_long = False
        self._due: SimpleQueue[str] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="assayer-checkpoint", daemon=True)
        self._thread.start()

    def committed(self, count: int, connection: sqlite3.Connection) -> None:
        """So many record bytes were committed on this connection."""
        if self._too_long:
            # Only here can it start over: beside a writer that never rests, nobody else gets the lock.
            self._too_long = False
            with suppress(sqlite3.Error):
                connection.execute("PRAGMA wal_checkpoint(RESTART)")
        self._written += count
        if self._written >= EVERY_BYTES and self._due.empty():
            self._written = 0
            self._due.put(_DUE)

    def close(self) -> None:
        """Finish the checkpoint at hand and stop."""
        self._due.put(_STOP)
        self._thread.join()

    def _run(self) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            while self._due.get() is _DUE:
                # A failure (disk full, a reader in the way) loses nothing: the write-ahead log keeps all of it,
                # the next one tries again, and a commit that finds no room says so itself.
                with suppress(sqlite3.Error):
                    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    self._too_long = pages >= RESTART_PAGES
