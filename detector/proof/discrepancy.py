"""What a log does not hold to."""

from __future__ import annotations

from typing import NamedTuple


class Discrepancy(NamedTuple):
    """Something about a log that is not as it was written or signed: at which entry (0 for the whole), and what."""

    position: int
    what: str

    def words(self) -> str:
        """As a line for people.

        >>> Discrepancy(7, "is missing").words()
        'entry 7 is missing'
        """
        return f"entry {self.position} {self.what}" if self.position else self.what
