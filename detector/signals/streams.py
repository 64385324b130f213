"""The streams there are, how far each was served, and what is held for it: one small database in the data directory.

Everything a delivery needs that the log does not hold. It is private (0600), for it holds what receivers told us to
authenticate with; every change is durable before it is answered. What is asked often is kept in memory.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from detector.signals.subjects import Subject
from detector.signals.vocabulary import PUSH, Form, Status

STREAMS_NAME: Final = "signals.sqlite3"

MOST_STREAMS: Final = 64
"""Streams altogether: each is a task, a connection and a look at the log twice a second."""

MOST_OF_ONE: Final = 4
"""Streams of one receiver: one for each kind of event, and one to spare."""

MOST_SUBJECTS: Final = 1_000
"""Subjects that a receiver may remove from a stream: past it, it should not have the stream at all."""

MOST_VERIFICATIONS: Final = 8
"""Verification events that may wait on one stream: who asks for more has not looked at the first."""

SAVED_EVERY: Final = 50_000
"""Log records without anything for a stream after which that is written down all the same: a restart reads fewer
than so many again."""

CONFIGURED: Final = "configuration"
"""The owner of the streams that the configuration file names."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS streams(id TEXT PRIMARY KEY, body BLOB NOT NULL, cursor INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS acked(stream TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(stream, position))
    STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removed(stream TEXT NOT NULL, subject BLOB NOT NULL, PRIMARY KEY(stream, subject))
    STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verifications(id TEXT PRIMARY KEY, stream TEXT NOT NULL, state TEXT, asked REAL NOT NULL)
    STRICT;
"""


class StreamsFull(Exception):
    """No more of that may be had; the text says of what."""


class Stream(Struct, frozen=True, kw_only=True):
    """One receiver's stream.

    `owner` may manage it. `requested` are the event types that were asked for, those we do not know
    included (`None` for all that we have). `authorization` and `secret` go into requests and nowhere else.
    """

    id: str
    owner: str
    audience: str
    created: float
    form: Form = "set"
    method: str = PUSH
    endpoint: str = ""
    requested: tuple[str, ...] | None = None
    description: str = ""
    status: Status = "enabled"
    reason: str = ""
    authorization: str = ""
    secret: str = ""

    @property
    def label(self) -> str:
        """What metrics call it: streams of the configuration by name, those that receivers made all alike."""
        return self.id if self.owner == CONFIGURED else "receivers"


class Verification(Struct, frozen=True):
    """A verification event that a receiver asked for at `asked` (Unix seconds)."""

    id: str
    state: str | None
    asked: float


class Streams:
    """The streams in one data directory. Safe to call from any thread; changes wait for the disk."""

    def __init__(self, directory: Path) -> None:
        path = directory / STREAMS_NAME
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._lock = threading.RLock()
        self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_TABLES)
        self._streams: dict[str, Stream] = {}
        self._cursors: dict[str, int] = {}
        self._saved: dict[str, int] = {}
        self._acked: dict[str, set[int]] = {}
        self._removed: dict[str, dict[bytes, Subject]] = {}
        self._verifications: dict[str, list[Verification]] = {}
        self._read()

    def _read(self) -> None:
        for name, body, cursor in self._connection.execute("SELECT id, body, cursor FROM streams ORDER BY rowid"):
            self._streams[name] = msgspec.json.decode(body, type=Stream)
            self._cursors[name] = self._saved[name] = cursor
        for name, position in self._connection.execute("SELECT stream, position FROM acked"):
            self._acked.setdefault(name, set()).add(position)
        for name, subject in self._connection.execute("SELECT stream, subject FROM removed"):
            self._removed.setdefault(name, {})[subject] = msgspec.json.decode(subject)
        rows = self._connection.execute("SELECT stream, id, state, asked FROM verifications ORDER BY rowid")
        for name, key, state, asked in rows:
            self._verifications.setdefault(name, []).append(Verification(key, state, asked))

    # -- streams -------------------------------------------------------------------------------

    def all(self) -> list[Stream]:
        """Every stream, the oldest first."""
        with self._lock:
            return list(self._streams.values())

    def of(self, owner: str) -> list[Stream]:
        """Those that somebody may manage."""
        return [stream for stream in self.all() if stream.owner == owner]

    def get(self, name: str) -> Stream | None:
        """One of them."""
        return self._streams.get(name)

    def add(self, stream: Stream, *, cursor: int) -> None:
        """A stream that begins after a position. Raises `StreamsFull`."""
        with self._lock:
            if len(self._streams) >= MOST_STREAMS:
                raise StreamsFull(f"there are {MOST_STREAMS} streams, which is all that may be")
            if stream.owner != CONFIGURED and len(self.of(stream.owner)) >= MOST_OF_ONE:
                raise StreamsFull(f"this receiver has {MOST_OF_ONE} streams, which is all that it may have")
            self._write("INSERT INTO streams VALUES(?, ?, ?)", (stream.id, msgspec.json.encode(stream), cursor))
            self._streams[stream.id] = stream
            self._cursors[stream.id] = self._saved[stream.id] = cursor

    def replace(self, stream: Stream) -> None:
        """A stream as it is now."""
        with self._lock:
            self._write("UPDATE streams SET body = ? WHERE id = ?", (msgspec.json.encode(stream), stream.id))
            self._streams[stream.id] = stream

    def remember(self, stream: Stream) -> None:
        """A stream of the configuration as it is there, its secrets included: those are kept in memory only."""
        with self._lock:
            self._streams[stream.id] = stream

    def delete(self, name: str) -> None:
        """Forget a stream and all that is held for it."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                self._connection.execute("DELETE FROM streams WHERE id = ?", (name,))
                for table in ("acked", "removed", "verifications"):
                    self._connection.execute(f"DELETE FROM {table} WHERE stream = ?", (name,))  # noqa: S608 - a constant
            for kept in (self._streams, self._cursors, self._saved, self._acked, self._removed, self._verifications):
                kept.pop(name, None)

    # -- how far -------------------------------------------------------------------------------

    def cursor(self, name: str) -> int:
        """The position up to which a stream was served."""
        return self._cursors.get(name, 0)

    def advance(self, name: str, position: int) -> None:
        """A stream was served up to a position: what was acknowledged before that is told by it."""
        with self._lock:
            if name not in self._streams or position <= self._cursors[name]:
                return
            self._write("UPDATE streams SET cursor = ? WHERE id = ?", (position, name))
            self._cursors[name] = self._saved[name] = position
            acked = self._acked.get(name)
            if acked:
                self._write("DELETE FROM acked WHERE stream = ? AND position <= ?", (name, position))
                self._acked[name] = {later for later in acked if later > position}

    def skip(self, name: str, position: int) -> None:
        """Nothing up to a position is for a stream. Written down now and then only: a restart may look again."""
        with self._lock:
            if name not in self._streams:
                return
            if position - self._saved.get(name, 0) >= SAVED_EVERY:
                self.advance(name, position)
            self._cursors[name] = max(self._cursors[name], position)

    def acknowledge(self, name: str, positions: Iterable[int]) -> None:
        """Announcements past the cursor that a receiver has, or will not have."""
        with self._lock:
            new = {position for position in positions if position > self.cursor(name)} - self.acked(name)
            if new and name in self._streams:
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:
                    rows = [(name, position) for position in new]
                    self._connection.executemany("INSERT OR IGNORE INTO acked VALUES(?, ?)", rows)
                self._acked.setdefault(name, set()).update(new)

    def acked(self, name: str) -> frozenset[int]:
        """What was acknowledged past the cursor."""
        with self._lock:
            return frozenset(self._acked.get(name, ()))

    # -- what it is not to have, and what was asked for ------------------------------------------

    def remove_subject(self, name: str, subject: Subject) -> None:
        """Send nothing about a subject any more. Raises `StreamsFull`."""
        key = msgspec.json.encode(subject, order="sorted")
        with self._lock:
            removed = self._removed.setdefault(name, {})
            if key not in removed and len(removed) >= MOST_SUBJECTS:
                raise StreamsFull(f"{MOST_SUBJECTS} subjects are removed from this stream, which is all that may be")
            self._write("INSERT OR IGNORE INTO removed VALUES(?, ?)", (name, key))
            removed[key] = subject

    def add_subject(self, name: str, subject: Subject) -> None:
        """Send what is about a subject again."""
        key = msgspec.json.encode(subject, order="sorted")
        with self._lock:
            self._write("DELETE FROM removed WHERE stream = ? AND subject = ?", (name, key))
            self._removed.get(name, {}).pop(key, None)

    def removed(self, name: str) -> list[Subject]:
        """The subjects that a stream is not to hear of."""
        with self._lock:
            return list(self._removed.get(name, {}).values())

    def verify(self, name: str, verification: Verification) -> None:
        """Let a verification event wait for its turn. Raises `StreamsFull`."""
        with self._lock:
            waiting = self._verifications.setdefault(name, [])
            if len(waiting) >= MOST_VERIFICATIONS:
                raise StreamsFull(f"{MOST_VERIFICATIONS} verification events wait on this stream")
            row = (verification.id, name, verification.state, verification.asked)
            self._write("INSERT INTO verifications VALUES(?, ?, ?, ?)", row)
            waiting.append(verification)

    def verifications(self, name: str) -> list[Verification]:
        """Those that wait, the oldest first."""
        with self._lock:
            return list(self._verifications.get(name, ()))

    def verified(self, name: str, keys: Iterable[str]) -> None:
        """These were received, or refused."""
        gone = set(keys)
        with self._lock:
            waiting = self._verifications.get(name, [])
            for verification in [known for known in waiting if known.id in gone]:
                self._write("DELETE FROM verifications WHERE id = ?", (verification.id,))
                waiting.remove(verification)

    def close(self) -> None:
        """Close the database. Idempotent."""
        with self._lock:
            self._connection.close()

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        self._connection.execute(statement, values)


def configured(streams: Streams, wanted: Mapping[str, Stream], *, head: int) -> None:
    """Bring the streams of the configuration in line with it.

    A new one begins at `head`, one that was there goes on where it was, and one that is no longer wanted is
    forgotten, with its cursor. Their secrets stay in the files that hold them. Raises `StreamsFull`.
    """
    for known in streams.of(CONFIGURED):
        if known.id not in wanted:
            streams.delete(known.id)
    for name, stream in wanted.items():
        if streams.get(name) is None:
            streams.add(msgspec.structs.replace(stream, authorization="", secret=""), cursor=head)
        streams.remember(stream)
