"""The period that is reported on, by the log's own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Final

from msgspec import Struct

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
"""Dates outside are typing mistakes; the log's own clock shows none of them."""


class Period(Struct, frozen=True):
    """From `since` (inclusive) until `until` (exclusive), Unix seconds of the log's stamps.

    `None` is the log's own beginning or end. What was logged before a period is folded all the same: who
    exists, what is live and which switch was on at its beginning is known from there. What was logged after
    it is not: a report on a period that has ended is always the same, however far the log has gone on.
    Raises `ValueError` for one that ends before it begins.
    """

    since: float | None = None
    until: float | None = None

    def __post_init__(self) -> None:
        """An empty period reports on nothing, which looks like a quiet one."""
        if self.since is not None and self.until is not None and self.since >= self.until:
            message = "until: must be later than from"
            raise ValueError(message)

    def begun(self, stamp: float) -> bool:
        """Whether an entry with this stamp is not before the period."""
        return self.since is None or stamp >= self.since

    def over(self, stamp: float) -> bool:
        """Whether an entry with this stamp is past the period."""
        return self.until is not None and stamp >= self.until


def instant(text: str) -> float:
    """A date or an RFC 3339 time as Unix seconds; a date is its first moment, and what names no zone is UTC.

    Raises `ValueError` for anything else.

    >>> instant("2026-03-02"), instant("2026-03-02T01:00:00+01:00")
    (1772409600.0, 1772409600.0)
    """
    try:
        told = datetime.combine(date.fromisoformat(text), time()) if len(text) <= len("2026-03-02") else _moment(text)
    except ValueError:
        message = f"{text[:40]!r} is no date: write 2026-03-31, or 2026-03-31T12:00:00Z"
        raise ValueError(message) from None
    if not FIRST_YEAR < told.year <= LAST_YEAR:
        message = f"{text[:40]!r} lies outside the years {FIRST_YEAR + 1} to {LAST_YEAR}"
        raise ValueError(message)
    return (told if told.tzinfo is not None else told.replace(tzinfo=UTC)).timestamp()


def _moment(text: str) -> datetime:
    """A date and a time. A `+` that a query string turned into a space is meant as one."""
    if text[-6:-5] == " ":
        text = f"{text[:-6]}+{text[-5:]}"
    return datetime.fromisoformat(text)
