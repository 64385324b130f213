"""`python -m bench.chaos.sidecar CONTROL clock,chores serve …`: the real command, with what a harness may spoil.

What is spoilt is the ground under the program, before any of it is imported: the clock that the machine shows, and the
three things that chores do on other threads. The product has no way to do this, and needs none.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from bench.chaos.control import Chores, Control

CHORES_SECONDS = 2.0
CHORES_RECORDS = 100
"""Between two looks of chores that otherwise look every five minutes, and what makes a snapshot due."""

LOOK_SECONDS = 0.05

P = ParamSpec("P")
R = TypeVar("R")


def spoil_clock(control: Control) -> None:
    """From now on the machine shows the harness's time."""
    right = time.time
    time.time = lambda: right() + control.ahead


def spoil_chores(control: Control) -> None:
    """Snapshots, peers and backtests hang or crash as the harness says, and are due all the time."""
    from detector.cli import chores  # noqa: PLC0415 - the clock is to be spoilt first
    from detector.wiring import compose, folding, history  # noqa: PLC0415 - as above

    chores.SNAPSHOT_SECONDS = CHORES_SECONDS  # type: ignore[misc]
    compose.SNAPSHOT_RECORDS = CHORES_RECORDS  # type: ignore[misc]
    folding.Folding.run = _spoilt(folding.Folding.run, control)  # type: ignore[method-assign]
    compose.group_peers = _spoilt(compose.group_peers, control)
    history.backtests = _spoilt(history.backtests, control)


def _spoilt(work: Callable[P, R], control: Control) -> Callable[P, R]:
    def done(*arguments: P.args, **named: P.kwargs) -> R:
        while control.chores is Chores.HANG:
            time.sleep(LOOK_SECONDS)
        if control.chores is Chores.CRASH:
            raise RuntimeError("the harness wanted this")
        return work(*arguments, **named)

    return done


def main() -> None:
    """Spoil, then run the command."""
    control, what = Control(Path(sys.argv.pop(1))), sys.argv.pop(1).split(",")
    if "clock" in what:
        spoil_clock(control)
    if "chores" in what:
        spoil_chores(control)
    from detector.cli import main as assayer  # noqa: PLC0415 - as above

    assayer()


if __name__ == "__main__":
    main()
