"""The newest checkpoint as a file of its own, for whoever takes a copy to where the log's writer has no hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from detector.store.files import replace_private

CHECKPOINT_NAME: Final = "checkpoint"

PUBLISH_SECONDS: Final = 10.0
"""Between two files: replacing one durably takes the disk two syncs, for which commits of decisions wait on most
file systems. Every second, one decision in a hundred would."""


class Publisher:
    """A thread that writes the newest checkpoint it was given, every ten seconds at most, and the last one.

    `warn` hears of a disk that refuses, once until it works again.
    """

    def __init__(self, directory: Path, *, warn: Callable[[str], None]) -> None:
        """Start the thread."""
        self._path, self._warn = directory / CHECKPOINT_NAME, warn
        self._troubled = False
        self._closing = threading.Event()
        self._given: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="assayer-publish", daemon=True)
        self._thread.start()

    def give(self, note: bytes) -> None:
        """Write this one, unless a newer one comes first."""
        self._given.put(note)

    def close(self) -> None:
        """Write the last one and stop."""
        self._closing.set()
        self._given.put(None)
        self._thread.join()

    def _run(self) -> None:
        note: bytes | None = b""
        while note is not None:
            note, newest = self._newest()
            if newest is not None:
                self._write(newest)
                self._closing.wait(PUBLISH_SECONDS)

    def _newest(self) -> tuple[bytes | None, bytes | None]:
        """What was given last, `None` being the end, and the last note among it."""
        given, newest = self._given.get(), None
        while given is not None:
            newest = given
            if self._given.empty():
                break
            given = self._given.get()
        return given, newest

    def _write(self, note: bytes) -> None:
        try:
            replace_private(self._path, note)
        except OSError as error:
            if not self._troubled:
                self._warn(f"{self._path}: {error.strerror or error}: the newest checkpoint is in the log only")
            self._troubled = True
        else:
            self._troubled = False
