"""Who read what is sensitive: a record in the log for each reading, but not for each look of a dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from detector.api.callers import Caller
from detector.engine import Engine
from detector.engine.recent import Recent
from detector.engine.records import Accessed, View

COLLAPSED_SECONDS: Final = 600.0
"""Readings of one view of one subject by one caller, after a recorded one: so long they are only counted, and their
number stands in the next record. A page that is drawn anew every second writes six records an hour."""

REMEMBERED: Final = 10_000
"""Readings that are remembered to be collapsed: a watch's day of looking around, some megabytes. One that is forgotten
is recorded again."""

LONGEST_SUBJECT: Final = 512
"""Characters of a subject that are recorded: callers choose what they ask for."""


class Readings:
    """Records readings, and counts what it does not."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine, self._clock = engine, clock
        self._noted: Recent[tuple[float, int]] = Recent(REMEMBERED)

    def note(self, caller: Caller, view: View, subject: str) -> None:
        """Somebody read. Raises `LogUnavailable` where that cannot be recorded: then it must not be shown."""
        key, now = f"{caller.key}\x1f{view}\x1f{subject}", self._clock()
        since, collapsed = self._noted.get(key) or (-COLLAPSED_SECONDS, 0)
        if 0.0 <= now - since < COLLAPSED_SECONDS:
            self._noted.put(key, (since, collapsed + 1))
            return
        record = Accessed(view=view, subject=subject[:LONGEST_SUBJECT], by=caller.name, collapsed=collapsed)
        self._engine.keep_house(record)
        self._noted.put(key, (now, 0))
