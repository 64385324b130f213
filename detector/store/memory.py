"""A log and snapshots that live as long as the process: for replays, demos and tests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from detector.engine.ports import LogUnavailable
from detector.engine.records import Entry, Record
from detector.store.promise import kept


class MemoryLog:
    """The log as a list. Durable against nothing.

    `keep` is how many of the newest entries it remembers: all of them unless
    told otherwise, none (0) where only the fold matters and memory must stay
    flat over any number of records. Reading what was forgotten raises
    `LookupError`: a fold over half a log would be wrong in silence.
    """

    def __init__(self, *, keep: int | None = None) -> None:
        """Start empty."""
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._head = 0
        self._closed = False
        self._lock = threading.Lock()

    def append(self, stamp: float, record: Record) -> Future[int]:
        """Take a record; the future is settled already. Raises `LogUnavailable` when closed."""
        with self._lock:
            if self._closed:
                message = "the log is closed"
                raise LogUnavailable(message)
            self._head += 1
            if self._entries.maxlen != 0:
                self._entries.append(Entry(self._head, stamp, record))
            return kept(self._head)

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The entries after a position, as they stood when reading began."""
        with self._lock:
            entries, head = tuple(self._entries), self._head
        if after < head - len(entries):
            message = f"entries {after + 1} to {head - len(entries)} were not kept"
            raise LookupError(message)
        return (entry for entry in entries if entry.position > after)

    def grants_since(self, stamp: float) -> Iterator[Entry]:
        """The entries that are kept and were logged at `stamp` (Unix seconds) or later."""
        with self._lock:
            entries = tuple(self._entries)
        return (entry for entry in entries if entry.stamp >= stamp)

    def head(self) -> int:
        """The newest entry's position; 0 for an empty log."""
        return self._head

    def trouble(self) -> str | None:
        """Memory has none: `None`, always."""
        return None

    def close(self) -> None:
        """Take no more records. Idempotent; reading goes on working."""
        self._closed = True


class MemorySnapshots:
    """The newest snapshot, in a variable."""

    def __init__(self) -> None:
        """Start with none."""
        self._newest: tuple[int, bytes] | None = None

    def save(self, position: int, state: bytes) -> None:
        """Keep it, unless a newer one is kept already."""
        if self._newest is None or position >= self._newest[0]:
            self._newest = (position, state)

    def load(self, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The newest, at a position below `before`; `None` where there is none."""
        if self._newest is not None and before is not None and self._newest[0] >= before:
            return None
        return self._newest
