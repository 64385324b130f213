"""`python -m bench.replay`: events a second of `assayer replay` on one core, from file to rows, and what it remembers.

    python -m bench.replay --events 10000000 --no-tenfold      ten million events, some ten minutes

Beside it, on the same core within the same minute: what only parsing the same
lines costs, and what river's half-space trees cost an event.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from river.anomaly import HalfSpaceTrees

from bench import history
from bench.tables import Row, show
from detector.engine.joins import LEASES

CORE = max(os.sched_getaffinity(0))
FEATURES = 14
REFERENCE_EVENTS = 20_000
AS_PART = "at most 0.95"
"""15,000 events a second, where one of river's score-and-learns takes 70 µs: on a slower machine, or at a
slower moment, both take longer."""
FULL = (1 + history.USAGES) * LEASES
"""Events until as many credentials are remembered as ever will be: memory grows up to there, and no further."""


class Run(NamedTuple):
    """A replay's wall time (seconds, from starting the command to its end) and peak resident memory (MiB)."""

    seconds: float
    peak: float


def measure(*, events: int, tenfold: bool) -> list[Row]:
    """The rows of the table."""
    with tempfile.TemporaryDirectory(prefix="assayer-bench-", dir=".") as directory:
        path = Path(directory) / "events.jsonl"
        history.write(path, events)
        with one_core():
            parsing = _microseconds(lambda: _parse(path), events)
            trees = _microseconds(_score_and_learn, REFERENCE_EVENTS)
            once = replay(path)
        rows = [
            Row(
                "replay", "events a second, file to rows, one core", f"{events / once.seconds:,.0f}", "at least 15,000"
            ),
            Row("replay", "time an event, µs", f"{once.seconds / events * 1e6:.1f}", ""),
            Row("replay", "… as part of river's trees, below", f"{once.seconds / events * 1e6 / trees:.2f}", AS_PART),
            Row("replay", "… json.loads of its line alone, same core", f"{parsing:.1f}", ""),
            Row("replay", "… river HalfSpaceTrees(25, 10), 14 features, same core", f"{trees:.1f}", ""),
            Row("replay", f"peak memory over {events:,} events, MiB", f"{once.peak:,.0f}", ""),
        ]
        if tenfold:
            history.write(path, 10 * events)
            with one_core():
                ten = replay(path)
            grown = f"{ten.peak:,.0f}  ({ten.peak / once.peak:.2f} times)"
            rows.append(Row("replay", f"peak memory over {10 * events:,} events, MiB", grown, f"flat from {FULL:,} on"))
            rows.append(Row("replay", "events a second there", f"{10 * events / ten.seconds:,.0f}", "at least 15,000"))
    return rows


def replay(path: Path) -> Run:
    """Run the command as a user would."""
    command = [sys.executable, "-m", "detector", "replay", str(path), "--out", str(path.with_name("rows.jsonl"))]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"assayer replay ended with {process.returncode}"
        raise RuntimeError(message)
    return Run(seconds, used.ru_maxrss / 1024)


@contextmanager
def one_core() -> Iterator[None]:
    """This process, and what it starts, on one core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _microseconds(work: Callable[[], None], count: int) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / count * 1e6


def _parse(path: Path) -> None:
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


def _score_and_learn() -> None:
    dice = random.Random(1)
    events = [{f"f{name}": dice.random() for name in range(FEATURES)} for _ in range(1_000)]
    trees = HalfSpaceTrees(n_trees=25, height=10, seed=1)
    for event in itertools.islice(itertools.cycle(events), REFERENCE_EVENTS):
        trees.score_one(event)
        trees.learn_one(event)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much to replay."""
    parser.add_argument("--events", type=int, default=200_000, help="events of the replay")
    parser.add_argument("--no-tenfold", action="store_true", help="leave out the run over ten times as many")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser)
    arguments = parser.parse_args()
    show(measure(events=arguments.events, tenfold=not arguments.no_tenfold))


if __name__ == "__main__":
    main()
