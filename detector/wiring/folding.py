"""`python -m detector.wiring.folding DIRECTORY`: a snapshot made beside the server that writes the log.

Writing down a state takes a third of a second after a busy day, more in a large fleet, and it must not change
meanwhile: whoever asked in that time would be answered past his deadline. So another process folds what the log has got
since the last snapshot and writes that down. It needs as much memory as the state does, for some seconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from detector.engine.journal import revived
from detector.engine.policy import Policy
from detector.store import FileSnapshots, LogReader
from detector.wiring.beside import NICE, Beside


class Folding:
    """Makes snapshots of a data directory's log in another process, one at a time. `warn` hears of one that failed."""

    def __init__(self, data: Path, *, warn: Callable[[str], None]) -> None:
        self._data = data
        failed = "no snapshot was saved, a restart folds more of the log"
        self._beside = Beside("detector.wiring.folding", warn=lambda last: warn(f"{failed}: {last}"))

    def run(self) -> int | None:
        """The position that a new snapshot stands at; `None` where there is none. Waits, on any thread."""
        said = self._beside.run(self._data)
        return None if said is None else int(said)

    def stop(self) -> None:
        """End the one that is under way, and make no more."""
        self._beside.stop()


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
