"""Where in the log each rule changed last, for those who are told only what is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST_CHANGES: Final = 20_000
"""Rules whose last change is remembered, as many as there are: who was told before that is told everything."""


class RuleChanges:
    """The rules by their last change; what changed up to `floor` is not remembered.

    Compiled while folding, so it is no part of a snapshot.

    >>> changes = RuleChanges()
    >>> changes.note("r-1", 3), changes.note("r-2", 5), changes.note("r-1", 7)
    (None, None, None)
    >>> changes.since(5), changes.since(0)
    (['r-1'], ['r-1', 'r-2'])
    """

    def __init__(self, floor: int = 0) -> None:
        self._floor = floor
        self._last: dict[str, int] = {}

    def note(self, rule_id: str, position: int) -> None:
        """A rule changed; positions never go back."""
        self._last.pop(rule_id, None)
        self._last[rule_id] = position
        if len(self._last) > MOST_CHANGES:
            oldest = next(iter(self._last))
            self._floor = self._last.pop(oldest)

    def since(self, position: int) -> Sequence[str] | None:
        """The rules that changed after a position, the latest first; `None` where that is not remembered."""
        if position < self._floor:
            return None
        changed = []
        for rule_id, at in reversed(self._last.items()):
            if at <= position:
                break
            changed.append(rule_id)
        return changed
