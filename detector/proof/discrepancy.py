"""What a log does not hold to."""

from __future__ import annotations

from typing import NamedTuple


class Discrepancy(NamedTuple):
    """Something about a log that is not as it was written or signed.

    At which entry (0 for the whole), what, and how far the same goes on where it does.
    """

    position: int
    what: str
    last: int = 0

    def words(self) -> str:
        """As a line for people.

        >>> Discrepancy(7, "is missing").words()
        'entry 7 is missing'
        """
        if not self.position:
            return self.what
        return f"entry {self.position} {self.what}" + (f" (and so on to entry {self.last})" if self.last else "")
