"""Takes entries away whose time is over, a few at a time: their hashes stay in the tiles, so proofs still hold."""

from __future__ import annotations

import sqlite3
from typing import Final

ROWS_AT_ONCE: Final = 256
"""Entries a commit: a few milliseconds, which is what commits of decisions wait meanwhile."""

_LAST_POLICY: Final = "SELECT max(position) FROM entries WHERE kind = 'configured' AND position <= ?"
_SOME: Final = """DELETE FROM entries WHERE position IN
    (SELECT position FROM entries WHERE position <= ? AND position != ? ORDER BY position LIMIT ?)"""


def forget_some(connection: sqlite3.Connection, before: int) -> int:
    """Take some of the entries up to `before` away; gives how many, 0 when none is left.

    The policy that was in force then stays: what is kept was decided under it. What is deleted is overwritten, in the
    index as well, as soon as the write-ahead log is carried over.
    """
    [(policy,)] = connection.execute(_LAST_POLICY, (before,)).fetchall()
    connection.execute("PRAGMA secure_delete=ON")
    try:
        return connection.execute(_SOME, (before, policy or 0, ROWS_AT_ONCE)).rowcount
    finally:
        connection.execute("PRAGMA secure_delete=OFF")


def carry_over(connection: sqlite3.Connection) -> None:
    """Empty the write-ahead log, so that nothing of what was deleted is left in it. A reader may keep it from that."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def shrink(connection: sqlite3.Connection) -> None:
    """Give the room back to the disk. Needs as much again while it works, and lets nobody write."""
    connection.execute("VACUUM")
    carry_over(connection)
