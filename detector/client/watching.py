"""Keeping the deny list fresh: what to ask for, when, what to make of it, and a file that outlives the broker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from detector.client import keeping
from detector.client.answers import unanswered
from detector.client.course import Clocks, Heard
from detector.client.denylist import STALE_SECONDS, DenyList, read
from detector.client.failures import Failure
from detector.client.health import DenyListHealth, Happening

FULL_SECONDS: Final = 600.0
"""Between two tellings of the whole list: whatever went wrong with what was told piece by piece is put right."""

RAREST: Final = 10.0
"""A sidecar that does not tell is asked more and more rarely, down to a tenth as often."""

KEEP_SECONDS: Final = 60.0
"""A list that is confirmed but unchanged is written to its file as often as this, for its age."""

LONGEST_WORDS: Final = 200


class Watch:
    """The deny list as it is known, `known`, and what is needed to know it better. `tell` hears of it."""

    def __init__(
        self,
        *,
        clocks: Clocks,
        refresh_seconds: float,
        file: Path | None,
        tell: Callable[[Happening, str], None],
    ) -> None:
        self._clocks, self._refresh_seconds, self._file, self._tell = clocks, refresh_seconds, file, tell
        self._full_due = float("-inf")
        self._untold = 0
        self._trouble: str | None = None
        self._file_trouble: str | None = None
        self.known = self._remembered()
        self._written = self.known

    def _remembered(self) -> DenyList:
        if self._file is None:
            return DenyList()
        try:
            return keeping.kept(self._file)
        except (OSError, ValueError) as error:
            self._file_trouble = self._file_words(error)
            self._tell("trouble", "deny_list_file")
            return DenyList()

    def since(self) -> int:
        """The position from which to be told: 0 for everything."""
        return 0 if self._clocks.monotonic() >= self._full_due else self.known.position

    def learn(self, came: Heard | Failure) -> Failure | None:
        """Take in what the sidecar told, and keep it in the file, if that is due; why it cannot be, where it cannot.

        What was known before is known still. Waits for the disk, and for a long list takes a while: it is made for a
        thread of its own. `told` is to hear what came of it.
        """
        try:
            failure = came if isinstance(came, Failure) else unanswered(came)
            if failure is None and isinstance(came, Heard):
                self._learn(came)
        except ValueError as error:
            failure = Failure("lying", str(error)[:LONGEST_WORDS])
        self._keep()
        return failure

    def told(self, failure: Failure | None) -> None:
        """Say what came of a look at the deny list."""
        self._trouble = None if failure is None else failure.words()
        self._untold = 0 if failure is None else self._untold + 1
        self._tell("deny_list", "told" if failure is None else "untold")
        if self._file_trouble is not None:
            self._tell("trouble", "deny_list_file")

    def _learn(self, heard: Heard) -> None:
        self._full_due, before = float("-inf"), self._full_due  # if this cannot be read, all of it is asked for next
        telling = read(heard.body)
        self.known = self.known.taking(telling, now=self._clocks.wall())
        self._full_due = self._clocks.monotonic() + FULL_SECONDS if telling.full else before

    def pause(self) -> float:
        """Seconds until it is asked for again, by chance up to a fifth more or less."""
        factor = min(2.0 ** max(0, self._untold - 1), RAREST)
        return self._refresh_seconds * factor * (0.8 + 0.4 * self._clocks.dice())

    def _keep(self) -> None:
        known, written = self.known, self._written
        aged = (known.told or 0.0) - (written.told or 0.0) >= KEEP_SECONDS
        if self._file is None or not (aged or known.differs(written)):
            return
        try:
            keeping.keep(self._file, known)
        except OSError as error:
            self._file_trouble = self._file_words(error)
        else:
            self._written, self._file_trouble = known, None

    def _file_words(self, error: Exception) -> str:
        return f"{self._file}: {getattr(error, 'strerror', None) or error}"

    def health(self) -> DenyListHealth:
        """How it is now."""
        known, now = self.known, self._clocks.wall()
        age = known.age(now)
        return DenyListHealth(
            rules=known.live(now),
            position=known.position,
            age=age,
            stale=age is None or age > STALE_SECONDS,
            kill_switch=known.kill_switch,
            left_out=known.left_out,
            trouble=self._trouble or self._file_trouble,
        )
