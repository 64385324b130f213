"""What of the log is told to others: announcements, and rows that were flagged, found without reading all the rest."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from detector.engine.records import Entry
from detector.store.reader import LogReader, _entry, _head
from detector.store.rows import fetched

SCANNED: Final = 20_000
"""Records that one look for flagged rows goes through: some hundredths of a second, on a thread where nobody waits."""

_ANNOUNCED: Final = """SELECT position, stamp, body FROM entries
    WHERE kind = 'announced' AND position > ? ORDER BY position LIMIT ?"""
_COUNTED: Final = "SELECT count(*), min(stamp), '' FROM entries WHERE kind = 'announced' AND position > ?"

# A record's JSON is written without blanks, so that a verdict is found in it by its bytes. What only looks like one
# (an open attribute of a request may hold anything) is decoded for nothing, and left out by whoever reads it.
_FLAGGED: Final = """SELECT position, stamp, body FROM entries
    WHERE position BETWEEN ? AND ?
    AND kind IN ('decided', 'issuance_observed', 'usage_observed', 'released', 'announced')
    AND (kind = 'announced' OR instr(body, CAST('"verdict":"step_up"' AS BLOB))
        OR instr(body, CAST('"verdict":"deny"' AS BLOB)))
    ORDER BY position LIMIT ?"""


class ToldReader(LogReader):
    """Reads from a data directory's log what is told to others. As cheap to make as a `LogReader`."""

    def announced(self, after: int, *, most: int) -> list[Entry]:
        """The first announcements after a position, in order, so many at most."""
        with closing(self.connect()) as connection:
            return [_entry(row) for row in fetched(connection, _ANNOUNCED, (after, most))]

    def announced_after(self, after: int) -> tuple[int, float | None]:
        """How many announcements come after a position, and the stamp of the first (`None` where there is none)."""
        with closing(self.connect()) as connection:
            [(number, stamp, _)] = fetched(connection, _COUNTED, (after,))
        return number, stamp

    def flagged(self, after: int, *, most: int) -> tuple[list[Entry], int]:
        """The first rows after a position that were not allowed, and announcements, so many at most.

        Also the position up to which nothing else was found: it may lie before the log's end, for one look goes
        only so far.
        """
        with closing(self.connect()) as connection:
            end = min(_head(connection), after + SCANNED)
            found = [_entry(row) for row in fetched(connection, _FLAGGED, (after + 1, end, most))]
        return found, found[-1].position if len(found) == most else max(end, after)
