"""Rows of the log as they lie in the database, before anybody looks at what is in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from detector.proof import entry_bytes, leaf_hash
from detector.store.errors import LogDamaged
from detector.store.schema import LOG_NAME

PAGE_ROWS: Final = 1_000
"""Rows read at once. A reader holds no transaction between pages: one open for the minutes
that a fold takes would keep the writer from ever resetting its write-ahead log."""

_PAGE: Final = """SELECT position, stamp, kind, id, body FROM entries
    WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"""


class Row(NamedTuple):
    """A row of `entries`; `body` is the record's JSON."""

    position: int
    stamp: float
    kind: str
    id: str | None
    body: bytes

    def leaf(self) -> bytes:
        """The hash that stands for this entry in the log's Merkle tree."""
        return leaf_hash(entry_bytes(*self))


def fetched(connection: sqlite3.Connection, query: str, values: tuple[object, ...] = ()) -> list[Any]:
    """A query's rows. Raises `LogDamaged` where SQLite cannot read them."""
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.DatabaseError as error:
        raise LogDamaged(f"{LOG_NAME}: {error}") from error


def page(connection: sqlite3.Connection, first: int, last: int, most: int = PAGE_ROWS) -> list[Row]:
    """The rows that are there between two positions, up to so many."""
    return [Row(*row) for row in fetched(connection, _PAGE, (first, last, most))]


def between(connection: sqlite3.Connection, first: int, last: int) -> Iterator[Row]:
    """Every row between two positions, with flat memory. Raises `LogDamaged` at a gap."""
    while first <= last:
        rows = page(connection, first, last)
        if not rows:
            raise gap(first)
        for row in rows:
            if row.position != first:
                raise gap(first)
            yield row
            first += 1


def gap(position: int) -> LogDamaged:
    """An entry that is not there."""
    return LogDamaged(f"{LOG_NAME}: entry {position} is missing")
