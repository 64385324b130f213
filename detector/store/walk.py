"""One walk over a log's rows and its tree, a tile at a time, noting what does not fit.

Each row is compared with its leaf's hash as the tiles have it, so that an edit is told by its position; the tree over
the tiles' hashes is compared with each checkpoint, so that the tiles themselves are proven.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from detector.engine.encoding import decode
from detector.engine.records import Entry, KeyRotated
from detector.proof import HASH_BYTES, TILE_HASHES, Tile, Tree, split
from detector.store.rows import Row, page
from detector.store.tree import tile

_UNKNOWN: Final = bytes(HASH_BYTES)
"""Stands for a hash that nobody has; no leaf has it."""


class Expectations(Protocol):
    """What a log is held to, and who hears that it is not so."""

    head: int

    @property
    def before(self) -> int:
        """The last entry that is forgotten."""

    @property
    def covered(self) -> int:
        """How many entries are under a signature."""

    def sizes(self) -> Sequence[int]:
        """The sizes at which a root is expected, in order."""

    def expected(self, size: int) -> Sequence[tuple[str, str]]:
        """Who says so, and the root (hexadecimal)."""

    def rotated(self, record: KeyRotated) -> bool:
        """Whether the keys of a rotation followed one another as it says."""

    def compacted_since(self, position: int) -> bool:
        """Whether an entry was forgotten while it was looked for."""

    def wrong(self, position: int, what: str) -> None:
        """Something is not as it was written or signed."""


class Walk:
    """From the first entry to the head. `entries` gives what is sound, up to the first that is not."""

    def __init__(self, log: Expectations, connection: sqlite3.Connection) -> None:
        self._log, self._connection = log, connection
        self._tree = Tree()
        self._borders = list(log.sizes())[::-1]
        self._met = 0
        self._rows_fit = self._tree_fits = True

    def entries(self) -> Iterator[Entry]:
        """The entries that are kept and as they were written, once all that signs them was looked at."""
        self._grow([])
        for place in range(-(-self._log.head // TILE_HASHES)):
            if self._void(place):
                return
            for row in self._block(place):
                entry = self._read(row)
                if entry is None:
                    break
                yield entry
        for last in self._tree.last_tiles():
            self._compare(last)
        if self._borders:
            size = self._borders[-1]
            [(who, _), *_] = self._log.expected(size)
            self._log.wrong(self._log.head + 1, f"is missing, and all after it: {who} is over {size} entries")

    def _void(self, place: int) -> bool:
        """Whether there is neither a row nor a hash where there should be: a walk that went on could be endless."""
        first = place * TILE_HASHES + 1
        if first <= self._log.before or tile(self._connection, 0, place):
            return False
        [found] = page(self._connection, first, self._log.head, 1)
        if found.position < first + TILE_HASHES:
            return False
        self._log.wrong(first, f"is missing, and all that follow up to entry {found.position - 1}")
        return True

    def _block(self, place: int) -> list[Row]:
        """The rows under one tile that are as they were written."""
        first = place * TILE_HASHES + 1
        last = min(first + TILE_HASHES - 1, self._log.head)
        rows = {row.position: row for row in page(self._connection, first, last)}
        stored = dict(enumerate(split(tile(self._connection, 0, place)), start=first))
        leaves, fit = [], []
        for position in range(first, last + 1):
            row, known = rows.get(position), stored.get(position)
            leaves.append(self._leaf(position, row, known))
            if self._rows_fit and row is not None and position > self._log.before:
                fit.append(row)
        self._grow(leaves)
        return fit if self._tree_fits else []

    def _leaf(self, position: int, row: Row | None, known: bytes | None) -> bytes:
        """An entry's hash as the tree has it, else as it is."""
        if known is None and position <= self._log.covered:
            self._misfit(position, "has no hash in the tree, and is under a signature")
        if row is None:
            if position > self._log.before:
                again = self._log.compacted_since(position)
                self._misfit(position, "was forgotten just now: verify again" if again else "is missing")
            return known or _UNKNOWN
        leaf = _hash(row)
        if known is not None and known != leaf:
            self._misfit(position, "is not as it was written")
        return known or leaf

    def _misfit(self, position: int, what: str) -> None:
        self._rows_fit = False
        self._log.wrong(position, what)

    def _grow(self, leaves: list[bytes]) -> None:
        """Take leaves in, and compare the root wherever one is expected."""
        tree = self._tree
        while self._borders and self._borders[-1] <= tree.size + len(leaves):
            take = self._borders[-1] - tree.size
            tree.extend(leaves[:take])
            leaves = leaves[take:]
            self._meet(self._borders.pop())
        tree.extend(leaves)
        for full in tree.filled:
            self._compare(full)
        tree.filled = []

    def _meet(self, size: int) -> None:
        """Compare the root with those that are expected: after the first that is another, all are."""
        root = self._tree.root().hex()
        for who, expected in self._log.expected(size):
            if root != expected and self._tree_fits:
                self._tree_fits = False
                self._log.wrong(0, f"{who}: entries {self._met + 1} to {size} are not those that were signed")
        self._met = size

    def _compare(self, found: Tile) -> None:
        """Compare a tile above the leaves' with the stored one."""
        if found.level == 0:
            return
        stored = tile(self._connection, found.level, found.place)
        length = min(len(stored), len(found.hashes))
        if stored[:length] != found.hashes[:length] or not stored:
            span, place = TILE_HASHES**found.level, found.place * TILE_HASHES
            first, last = place * span + 1, (place + len(found.hashes) // HASH_BYTES) * span
            self._tree_fits = False
            self._log.wrong(0, f"the tree over entries {first} to {last} is not the one that was kept")

    def _read(self, row: Row) -> Entry | None:
        """What a row says, held against what is known of it from elsewhere."""
        try:
            record = decode(row.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._misfit(row.position, f"cannot be read by this version of assayer: {error}")
            return None
        if isinstance(record, KeyRotated) and not self._log.rotated(record):
            self._log.wrong(row.position, "tells of a change of keys that the checkpoints do not know")
        return Entry(row.position, row.stamp, record)


def _hash(row: Row) -> bytes:
    """A row's own hash; nobody's for values that no log writes."""
    try:
        return row.leaf()
    except (struct.error, AttributeError, TypeError):
        return _UNKNOWN
