"""`python -m bench.backtest`: how long a rule's backtest takes over a million events, of a log and of the store."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

from bench.detection.ours import HandClock, shipped_policy
from bench.history import life, write
from bench.tables import Row, show
from detector.engine import Engine
from detector.events import Issuance
from detector.store import MemoryLog, SqliteLog

WANTED_SECONDS = 60.0
LIVED = 30_000
"""Events that the engine judges; their records are then written again and again, with later stamps."""


def main() -> None:
    """Time both, as whole processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    busiest = Counter(event.grant.requester for event in life() if isinstance(event, Issuance)).most_common(1)[0][0]
    with tempfile.TemporaryDirectory(prefix="assayer-backtest-") as folder:
        lines, store = Path(folder) / "log.jsonl", Path(folder) / "data"
        write(lines, options.events)
        of_log = _timed(str(lines), "--requester", busiest)
        _fill(store, options.events)
        of_store = _timed("--requester", busiest, "--data", str(store))
    wanted = f"{WANTED_SECONDS * options.events / 1e6:.0f} s"
    show(
        [
            Row(
                f"{options.events:,} events of a log",
                f"{of_log:.1f} s",
                f"{options.events / of_log:,.0f} a second",
                wanted,
            ),
            Row("of the store", f"{of_store:.1f} s", f"{options.events / of_store:,.0f} a second", wanted),
        ]
    )


def _timed(*arguments: str) -> float:
    """Seconds of one `assayer rules backtest`, start to end; it finds the rule past its limit, which is 1."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "detector", "rules", "backtest", *arguments], capture_output=True, check=False, text=True
    )
    if done.returncode != 1:
        raise SystemExit(done.stderr or done.stdout)
    return time.perf_counter() - began


def _fill(folder: Path, wanted: int) -> None:
    """A store with so many records, the last of them now."""
    clock, log = HandClock(), MemoryLog()
    engine = Engine(policy=shipped_policy(), log=log, clock=clock)
    for event in life()[:LIVED]:
        clock.now = max(clock.now, event.time)
        engine.observe(event)
    records = [entry.record for entry in log.read()]
    began = time.time() - wanted
    store = SqliteLog(folder)
    for number, record in zip(range(wanted), cycle(records), strict=False):
        last = store.append(began + number, record)
        if number % 10_000 == 0:
            last.result()
    store.close()


if __name__ == "__main__":
    main()
