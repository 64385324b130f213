"""Which entries are kept, and which were compacted away: their rows are gone, their hashes stand in the tree."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from detector.engine.encoding import decode
from detector.engine.records import Compacted
from detector.store.errors import EntriesForgotten, LogDamaged
from detector.store.rows import fetched
from detector.store.schema import LOG_NAME

_COMPACTED: Final = "SELECT position, body FROM entries WHERE kind = 'compacted' ORDER BY position"


def compacted(connection: sqlite3.Connection) -> list[Compacted]:
    """Every compaction that the log still tells of, in order. Raises `LogDamaged` for one that cannot be read."""
    found = []
    for position, body in fetched(connection, _COMPACTED):
        try:
            record = decode(bytes(body))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LogDamaged(f"{LOG_NAME}: entry {position} cannot be read: {error}") from error
        if isinstance(record, Compacted) and record.before < position:
            found.append(record)
    return found


def forgotten(connection: sqlite3.Connection) -> int:
    """The last entry that is forgotten; 0 where none is."""
    return max((record.before for record in compacted(connection)), default=0)


def must_be_kept(connection: sqlite3.Connection, position: int) -> None:
    """Refuse to begin before the first entry that is kept. Raises `EntriesForgotten`."""
    before = forgotten(connection)
    if position <= before:
        raise EntriesForgotten(before)
