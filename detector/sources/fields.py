"""Reading single fields of a record that somebody else wrote: present or not, of the right type or not.

The decoders of foreign logs take what they understand and leave the rest;
`Malformed` is for what an event cannot do without.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from detector.sources.base import Record

NAME_LENGTH: Final = 2048
"""Characters of a name, identifier or address: AWS's longest ARN; names are kept in baselines, so they are bounded."""
TEXT_LENGTH: Final = 512
"""Characters kept of free text (a user agent): what tells clients apart stands at its beginning."""
LIST_LENGTH: Final = 256
"""Members of a list of names: an hour's delegations or a policy's actions, not a way to fill memory."""
NODES: Final = 1_000
"""Values in an open map, all told: a record's extra context, not a second log inside the log."""
DEPTH: Final = 16
"""Levels of nesting in an open map."""
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
"""A clock that shows less was never set (0 is 1970, year 1 is an empty field of Go's)."""
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
"""A clock that shows more is broken; arithmetic on it would overflow calendars."""
ID_DIGITS: Final = 32
"""Hexadecimal digits of an id made from content: 128 bits, so that two records never share one by chance."""

_LEAP: Final = re.compile(r"(T\d\d:\d\d):60", re.IGNORECASE)
_ENGLISH: Final = re.compile(
    r"([A-Z][a-z]{2})[a-z]*\.? (\d{1,2}), (\d{4}),? +(\d{1,2}):(\d\d):(\d\d)[ \u00a0\u202f]*([AP]M)", re.ASCII
)
_MONTHS: Final = {
    name: at + 1
    for at, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
}
_NOON: Final = 12
_MILLISECONDS: Final = 1e11  # a larger number of seconds would be the year 5138
_INTEGER: Final = 2**63


class Malformed(ValueError):
    """A record lacks, or has wrong, something that its event cannot do without; the text names the field."""


def text(record: Record, *names: str) -> str | None:
    """The first of the named fields that is a text with something in it; cut to what a name may have."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value:
            return value[:NAME_LENGTH]
    return None


def mapping(record: Record, name: str) -> Record:
    """A field that is an object; an empty one where it is anything else."""
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def listing(record: Record, name: str) -> list[Any]:
    """A field that is a list, cut to what we look at; an empty one where it is anything else."""
    value = record.get(name)
    return value[:LIST_LENGTH] if isinstance(value, list) else []


def texts(record: Record, name: str) -> tuple[str, ...]:
    """The texts in a field that is a list."""
    return tuple(value[:NAME_LENGTH] for value in listing(record, name) if isinstance(value, str) and value)


def number(value: object) -> float | None:
    """A finite number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < _INTEGER else None


def seconds(value: object) -> float | None:
    """A duration that can be: a finite number, not negative."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def moment(value: str, *, naive_is_utc: bool = False) -> float:
    """An RFC 3339 time as Unix seconds, to the microsecond; a leap second is its minute's end.

    Raises ValueError for what is no such time, has no offset (unless
    `naive_is_utc`) or lies outside 1990 to 2200.

    >>> moment("2026-03-02T02:00:06.204123456+02:00")
    1772409606.204123
    """
    leap = 0
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        value, leap = _LEAP.subn(r"\1:59", value.upper())
        at = datetime.fromisoformat(value)
    if len(value) < len("2026-03-02T00:00"):
        raise ValueError("a date without a time")
    if at.tzinfo is None:
        if not naive_is_utc:
            raise ValueError("a time without an offset")
        at = at.replace(tzinfo=UTC)
    found = at.timestamp() + leap
    if not EARLIEST <= found < LATEST:
        raise ValueError("a time outside 1990 to 2200")
    return found


def loose_moment(value: object) -> float | None:
    """A time as logs write it when they do not keep to RFC 3339; None for what is none.

    Knows RFC 3339, the same without an offset (UTC), Unix seconds and
    milliseconds, and Java's English form, `"Jul 10, 2023, 12:09:47 PM"`, also
    with the narrow space that newer Javas write.

    >>> loose_moment("Jul 10, 2023, 12:09:47 PM") == loose_moment("2023-07-10T12:09:47Z") == loose_moment(1688990987)
    True
    """
    if isinstance(value, str):
        try:
            return moment(value, naive_is_utc=True)
        except ValueError:
            found = _english(value)
            if found is not None:
                return found
    at = number(value)
    if at is None:
        return None
    at = at / 1000 if at > _MILLISECONDS else at
    return at if EARLIEST <= at < LATEST else None


def _english(value: str) -> float | None:
    match = _ENGLISH.fullmatch(value.strip())
    if match is None or match[1] not in _MONTHS:
        return None
    hour = int(match[4]) % _NOON + (_NOON if match[7] == "PM" else 0)
    try:
        at = datetime(int(match[3]), _MONTHS[match[1]], int(match[2]), hour, int(match[5]), int(match[6]), tzinfo=UTC)
    except ValueError:
        return None
    found = at.timestamp()
    return found if EARLIEST <= found < LATEST else None


def content_id(record: Record) -> str:
    """An id for a record that has none: the same content, in whatever order of fields, has the same id."""
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode(errors="replace")).hexdigest()[:ID_DIGITS]


def bounded(value: object) -> bool:
    """Whether an open value is JSON that can be kept: not too deep, too large or beyond 64-bit integers."""
    level, seen = [value], 0
    for _ in range(DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, Mapping):
                below.extend(item.values())
            elif isinstance(item, list | tuple):
                below.extend(item)
            elif not _keepable(item):
                return False
        seen += len(below)
        if seen > NODES:
            return False
        if not below:
            return True
        level = below
    return False


def _keepable(item: object) -> bool:
    if isinstance(item, str):
        return len(item) <= NAME_LENGTH * 4
    if isinstance(item, bool) or item is None:
        return True
    return isinstance(item, int | float) and abs(item) < _INTEGER
