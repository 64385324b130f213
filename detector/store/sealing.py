"""Signs the log's head now and then: once a second while it grows, and when it stops growing.

All of it happens on the writer's thread, where the entries pass: a hash an entry, and for each checkpoint one
statement, as for a batch of rows, and for the same reason.
"""

from __future__ import annotations

import functools
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from detector.proof import Checkpoint, Note, Signer, Tree
from detector.store.schema import CHECKPOINT, SIGNER

SEAL_SECONDS: Final = 1.0
"""Between two checkpoints: what is signed costs a commit, and an entry that is not under a signature yet can still be
changed by whoever can write the file."""
HOUR: Final = 3_600
"""Of an hour of the log's clock the last checkpoint is kept, and each rotation's: 9,000 a year, 3 MB."""
MOST_ROWS: Final = 1_024
"""In one statement: a tree of a quarter of a million entries, which only a log without any checkpoint comes to."""

_ABSENT: Final = (None, None, None)


class Sealer:
    """The log's tree, and the hand that signs its head. Everything but `wait_for` and `latest` on the writer's thread.

    `number` is the newest checkpoint's, `sealed` how many entries that is over; `publish` is
    handed each new one.
    """

    def __init__(
        self, tree: Tree, *, signer: Signer, number: int, sealed: int, publish: Callable[[bytes], None]
    ) -> None:
        self._tree, self._signer, self._publish = tree, signer, publish
        self._number, self._hour = number, -1
        self._sealed, self._stamp = sealed, 0.0
        self._due = 0.0
        self._news = threading.Condition()
        self.latest: bytes | None = None

    def grow(self, leaves: Sequence[bytes], stamp: float) -> None:
        """Entries with these hashes became durable, the last of them stamped so."""
        self._tree.extend(leaves)
        self._stamp = stamp

    def patience(self) -> float | None:
        """How long to wait for more rows before the head is signed (seconds); `None` where it is signed already."""
        if self._tree.size == self._sealed:
            return None
        return max(self._due - time.monotonic(), 0.0)

    def seal_if_due(self, connection: sqlite3.Connection) -> None:
        """Sign the head where it is time."""
        if self.patience() == 0.0:
            self.seal(connection)

    def seal(self, connection: sqlite3.Connection) -> None:
        """Sign the head, unless it is signed. A disk that refuses is tried again when it is next due."""
        self._due = time.monotonic() + SEAL_SECONDS
        if self._tree.size == self._sealed:
            return
        hour = int(self._stamp // HOUR)
        number = self._number if hour == self._hour else self._number + 1
        try:
            self._store(connection, number, self._head().signed(self._signer))
        except sqlite3.Error:
            return
        self._hour = hour

    def rotate(self, connection: sqlite3.Connection, following: Signer) -> tuple[Signer, int]:
        """Sign the head with the old key and the new one, which signs from here on; gives the old one and the size.

        Raises `sqlite3.Error` where that cannot be stored; then nothing has changed.
        """
        head, number = self._head().naming(following.verifier), self._number + 1
        self._store(connection, number, head.signed(self._signer, following), (SIGNER, number, _vkey(following)))
        old, self._signer, self._hour = self._signer, following, -1
        return old, head.size

    def introduce(self, connection: sqlite3.Connection) -> None:
        """Store the key that signs from the next checkpoint on, as the first or without the last one's word."""
        _write(connection, [(SIGNER, self._number + 1, _vkey(self._signer))])

    def wait_for(self, size: int, patience: float) -> bool:
        """Whether a checkpoint over so many entries is stored, within so many seconds. From any thread."""
        with self._news:
            return self._news.wait_for(lambda: self._sealed >= size, patience)

    def _head(self) -> Checkpoint:
        return Checkpoint(self._signer.name, self._tree.size, self._tree.root())

    def _store(self, connection: sqlite3.Connection, number: int, note: Note, *more: tuple[int, int, bytes]) -> None:
        tree, encoded = self._tree, note.encoded()
        filled, size = tree.filled, tree.size
        _write(connection, [*filled, *tree.last_tiles(), (CHECKPOINT, number, encoded), *more])
        tree.filled = []
        with self._news:
            self._number, self._sealed, self.latest = number, size, encoded
            self._news.notify_all()
        self._publish(encoded)


def _vkey(signer: Signer) -> bytes:
    return signer.verifier.text().encode()


def _write(connection: sqlite3.Connection, rows: list[tuple[int, int, bytes]]) -> None:
    """One statement, one transaction, one sync of the disk; many tiles go before, without what signs them."""
    for start in range(0, len(rows), MOST_ROWS):
        part = rows[start : start + MOST_ROWS]
        size = 1 << (len(part) - 1).bit_length()
        values: list[object] = [value for row in part for value in row]
        values.extend(_ABSENT * (size - len(part)))
        connection.execute(_insert(size), values)


@functools.cache
def _insert(size: int) -> str:
    rows = ",".join(["(?,?,?)"] * size)
    return f"INSERT INTO sealing SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL"  # noqa: S608 no input in it
