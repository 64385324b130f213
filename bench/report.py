"""`python -m bench.report`: what `assayer report` takes over a million entries, and what a server's scores feel of one.

The log is an engine's own, of an organisation whose broker asks before every third mint, written again and again
with later stamps.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from bench.detection.ours import HandClock, shipped_policy
from bench.history import life
from bench.tables import Row, show
from detector.engine import Engine
from detector.events import Issuance
from detector.store import MemoryLog, SqliteLog

LIVED = 30_000
"""Events that the engine judges; their records are then written again."""

STRETCH = 2.6
"""Seconds between two entries: a million of them are a month."""

WANTED_SECONDS = 60.0
WANTED_MEGABYTES = 200.0


def main() -> None:
    """Time and weigh whole processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assayer-report-") as folder:
        store = Path(folder) / "data"
        fill(store, options.entries)
        rows = [_measured(store, form, options.entries) for form in ("md", "json")]
    show(rows)


def fill(folder: Path, wanted: int) -> None:
    """A store with so many entries, the last of them now."""
    clock, log = HandClock(), MemoryLog()
    engine = Engine(policy=shipped_policy(), log=log, clock=clock)
    for number, event in enumerate(life()[:LIVED]):
        clock.now = max(clock.now, event.time)
        if number % 3 == 0 and isinstance(event, Issuance):
            engine.ask(event.grant, trusted=True)
        engine.observe(event)
    records = [entry.record for entry in log.read()]
    began = time.time() - wanted * STRETCH
    store = SqliteLog(folder)
    for number, record in zip(range(wanted), cycle(records), strict=False):
        last = store.append(began + number * STRETCH, record)
        if number % 10_000 == 0:
            last.result()
    store.close()


def _measured(store: Path, form: str, entries: int) -> Row:
    """One `assayer report`, start to end: its seconds, and the most memory that the process held."""
    out = store.parent / f"report.{form}"
    command = [sys.executable, "-m", "detector", "report", "--data", str(store), "--format", form, "--out", str(out)]
    began = time.perf_counter()
    with subprocess.Popen(command) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"assayer report gave {process.returncode}")
    megabytes = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**20
    return Row(
        f"{entries:,} entries as {form}",
        f"{seconds:.1f} s, {megabytes:.0f} MB at most",
        f"{entries / seconds:,.0f} entries a second; {out.stat().st_size / 2**20:.1f} MB written",
        f"{WANTED_SECONDS * entries / 1e6:.0f} s, {WANTED_MEGABYTES:.0f} MB",
    )


if __name__ == "__main__":
    main()
