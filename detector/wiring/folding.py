"""`python -m detector.wiring.folding DIRECTORY`: a snapshot made beside the server that writes the log.

Writing down a state takes a third of a second after a busy day, more in a large fleet, and it must not change
meanwhile: whoever asked in that time would be answered past his deadline. So another process folds what the log has got
since the last snapshot and writes that down. It needs as much memory as the state does, for some seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from detector.engine.journal import revived
from detector.engine.policy import Policy
from detector.store import FileSnapshots, LogReader

NICE: Final = 10
"""Nobody waits for it, and somebody waits for whatever else runs."""


class Folding:
    """Makes snapshots of a data directory's log in another process, one at a time. `warn` hears of one that failed."""

    def __init__(self, data: Path, *, warn: Callable[[str], None]) -> None:
        self._command = [sys.executable, "-m", "detector.wiring.folding", str(data)]
        self._warn = warn
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def run(self) -> int | None:
        """The position that a new snapshot stands at; `None` where there is none. Waits, on any thread."""
        with self._lock:
            if self._stopped:
                return None
            process = self._process = subprocess.Popen(  # noqa: S603 - ourselves
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        said, trouble = process.communicate()
        if process.returncode == 0:
            return int(said)
        if not self._stopped:
            last = (trouble.strip().splitlines() or [f"it ended with {process.returncode}"])[-1]
            self._warn(f"no snapshot was saved, a restart folds more of the log: {last}")
        return None

    def stop(self) -> None:
        """End the one that is under way, and make no more."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()


def fold(data: Path, *, warn: Callable[[str], None]) -> int:
    """Fold what is durable since the newest snapshot, and keep a new one; gives its position.

    Raises what reading the log and keeping a snapshot raise.
    """
    reader = LogReader(data)
    snapshots = FileSnapshots(data, anchor=reader.anchor, base=reader.base, warn=warn)
    state = revived(Policy(), reader, snapshots, warn)
    snapshots.save(state.memory.position, state.snapshot())
    return state.memory.position


def main() -> None:
    """Fold, and say how far."""
    os.nice(NICE)
    print(fold(Path(sys.argv[1]), warn=lambda words: print(words, file=sys.stderr)))  # noqa: T201 - to our parent


if __name__ == "__main__":
    main()
