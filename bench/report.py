"""`python -m bench.report`: what `assayer report` takes over a million entries, and what scores feel of one beside it.

The log is an engine's own, of an organisation whose broker asks before a third of its mints, written again and
again with later stamps. Beside a server reports are asked for one after the other, so that there is always one.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path

import httpx
import msgspec

from bench import history, load, score
from bench.detection.ours import HandClock, shipped_policy
from bench.tables import Row, show
from detector.api.tokens import Tokens
from detector.engine import Engine
from detector.events import Issuance
from detector.store import MemoryLog, SqliteLog
from detector.wiring.compose import tokens_file

LIVED = 30_000
"""Events that the engine judges; their records are then written again."""

STRETCH = 2.6
"""Seconds between two entries: a million of them are a month."""

WEIGHED = """
import sys
from pathlib import Path
from detector.cli.guard import run
status = run(sys.argv[1:])
print(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
sys.exit(status)
"""
"""The command, then the most memory that its process held (kB). What the kernel tells a parent of its child would begin
with what the parent holds."""

WANTED_SECONDS = 60.0
WANTED_MEGABYTES = 200.0


def main() -> None:
    """Time and weigh whole processes, then a server's answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each latency round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assayer-report-") as folder:
        store = Path(folder) / "data"
        fill(store, options.entries)
        rows = [_measured(store, form, options.entries) for form in ("md", "json")]
    show([*rows, *_beside(options.seconds)])


def fill(folder: Path, wanted: int) -> None:
    """A store with so many entries, the last of them now."""
    clock, log = HandClock(), MemoryLog()
    engine = Engine(policy=shipped_policy(), log=log, clock=clock)
    for number, event in enumerate(history.life()[:LIVED]):
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
    arguments = ["report", "--data", str(store), "--format", form, "--out", str(out)]
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", WEIGHED, *arguments], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    megabytes = int(done.stdout.split()[1]) / 1024
    return Row(
        f"{entries:,} entries as {form}",
        "seconds, most memory",
        f"{seconds:.1f} s ({entries / seconds:,.0f} a second), {megabytes:.0f} MB",
        f"{WANTED_SECONDS * entries / 1e6:.0f} s, {WANTED_MEGABYTES:.0f} MB",
    )


def _beside(seconds: float) -> list[Row]:
    """A server's answers, without a report and with one always being made."""
    bodies = [msgspec.json.encode(grant) for grant in itertools.islice(history.grants(now=time.time()), 5_000)]
    found: dict[str, load.Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="assayer-bench-", dir=".") as directory:
        secret = Tokens(tokens_file(Path(directory))).create(["auditor"]).secret
        with score.server(directory) as (port, _):
            sent = score.requests(score.SCORE, bodies)
            load.saturate(port, sent, connections=score.CONNECTIONS, seconds=1.0)
            found["without"] = load.steady(port, sent, per_second=score.PER_SECOND, seconds=seconds)
            made, stop = [0], threading.Event()
            asking = threading.Thread(target=_ask, args=(port, secret, stop, made))
            asking.start()
            found["beside a report"] = load.steady(port, sent, per_second=score.PER_SECOND, seconds=seconds)
            stop.set()
            asking.join()
    rows = [
        Row(
            f"scores at {score.PER_SECOND:.0f}/s, {how}",
            "median, 99th percentile, most, ms",
            f"{outcome.quantile(0.5):.2f}, {outcome.quantile(0.99):.2f}, {outcome.quantile(1.0):.1f}",
            "",
        )
        for how, outcome in found.items()
    ]
    return [*rows, Row("", "reports made meanwhile", f"{made[0]}", "at least 1")]


def _ask(port: int, secret: str, stop: threading.Event, made: list[int]) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=300.0) as client:
        while not stop.is_set():
            client.get("/v1/report").raise_for_status()
            made[0] += 1


if __name__ == "__main__":
    main()
