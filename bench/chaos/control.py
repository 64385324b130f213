"""What a harness says to the server it started while that runs: by how much its clock is off, what its chores do."""

from __future__ import annotations

import mmap
import struct
from enum import IntEnum
from pathlib import Path
from typing import Final

_SHAPE: Final = struct.Struct("dd")


class Chores(IntEnum):
    """What happens to whoever takes snapshots, groups peers and backtests rules."""

    WELL = 0
    HANG = 1
    CRASH = 2


class Control:
    """A few numbers in a file that two processes hold open."""

    def __init__(self, path: Path) -> None:
        """Made with nothing amiss where there is none."""
        if not path.exists():
            path.write_bytes(_SHAPE.pack(0.0, float(Chores.WELL)))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _SHAPE.size)

    def set(self, *, ahead: float = 0.0, chores: Chores = Chores.WELL) -> None:
        """The clock is so many seconds ahead from now on, and chores end so."""
        self._shared[:] = _SHAPE.pack(ahead, float(chores))

    @property
    def ahead(self) -> float:
        """Seconds by which the clock is ahead of the right one."""
        return float(_SHAPE.unpack(self._shared[:])[0])

    @property
    def chores(self) -> Chores:
        """How chores end."""
        return Chores(int(_SHAPE.unpack(self._shared[:])[1]))
