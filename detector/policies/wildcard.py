"""Names written with `*`: compared from left to right, without a regular expression that could be made to hang."""

from __future__ import annotations

from typing import Final

MOST_STARS: Final = 8
"""Stars in one pattern: more say nothing that fewer could not."""

ANY: Final = "*"


class Wildcard:
    """A name, or a pattern in which each `*` stands for any characters, none included.

    >>> backups = Wildcard("aws/creds/backup-*")
    >>> backups.matches("aws/creds/backup-eu"), backups.matches("aws/creds/root")
    (True, False)
    """

    __slots__ = ("_first", "_last", "_middle", "_whole")

    def __init__(self, pattern: str) -> None:
        self._whole = None if ANY in pattern else pattern
        self._first, *rest = pattern.split(ANY)
        self._last = rest.pop() if rest else ""
        self._middle = tuple(part for part in rest if part)

    def matches(self, name: str) -> bool:
        """Whether the pattern stands for this name, in time that grows with the two lengths' product at worst."""
        if self._whole is not None:
            return name == self._whole
        end = len(name) - len(self._last)
        if end < len(self._first) or not name.startswith(self._first) or not name.endswith(self._last):
            return False
        at = len(self._first)
        for part in self._middle:
            found = name.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True
