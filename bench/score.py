"""`python -m bench.score`: what a decision costs beside an empty route that reads the same body.

One server, one load generator, the routes in turns, so that whatever else the
machine does falls on all of them.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles

import msgspec

from bench import history, load
from bench.tables import Row, show

SCORE, BARE, USUAL = "/v1/score", "/bench/bare", "/bench/usual"
ROUTES = (SCORE, BARE, USUAL)
CONNECTIONS = 64
PER_SECOND = 200.0
PAGE, SYNC_PAGES = 4_096, 50
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Measured:
    """One route's figures, a round each."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)
    unrecorded: int = 0


def measure(*, rounds: int, seconds: float, steady_seconds: float) -> list[Row]:
    """The rows of the table. The median round counts."""
    measured, syncs = {route: Measured() for route in ROUTES}, Measured()
    bodies = [msgspec.json.encode(grant) for grant in itertools.islice(history.grants(now=time.time()), 5_000)]
    with tempfile.TemporaryDirectory(prefix="assayer-bench-", dir=".") as directory, server(directory) as (port, pid):
        for route in ROUTES:
            load.saturate(port, requests(route, bodies), connections=CONNECTIONS, seconds=1.0)
        for _ in range(rounds):
            for route in ROUTES:
                _throughput(measured[route], port, pid, requests(route, bodies), seconds)
        for _ in range(rounds):
            for route in ROUTES:
                _latency(measured[route], port, requests(route, bodies), steady_seconds)
            _syncs(syncs, directory, steady_seconds)
    return _rows(measured, syncs)


def _throughput(into: Measured, port: int, pid: int, sent: Iterator[bytes], seconds: float) -> None:
    before = cpu_seconds(pid)
    outcome = load.saturate(port, sent, connections=CONNECTIONS, seconds=seconds)
    into.rates.append(outcome.rate)
    into.costs.append((cpu_seconds(pid) - before) / len(outcome.latencies) * 1e6)
    into.unrecorded += outcome.unrecorded


def _latency(into: Measured, port: int, sent: Iterator[bytes], seconds: float) -> None:
    outcome = load.steady(port, sent, per_second=PER_SECOND, seconds=seconds)
    into.medians.append(outcome.quantile(0.5))
    into.tails.append(outcome.quantile(0.99))
    into.unrecorded += outcome.unrecorded


def _syncs(into: Measured, directory: str, seconds: float) -> None:
    """What the disk itself takes, for every answer waits for it once: over room that the file has already."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        file.write(bytes(SYNC_PAGES * PAGE))
        for number in range(int(seconds * PER_SECOND)):
            os.pwrite(file.fileno(), os.urandom(PAGE), number % SYNC_PAGES * PAGE)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e3)
            time.sleep(1.0 / PER_SECOND)
    cuts = quantiles(taken, n=100)
    into.medians.append(cuts[49])
    into.tails.append(cuts[98])


def _rows(measured: dict[str, Measured], syncs: Measured) -> list[Row]:
    score, bare, usual = (measured[route] for route in ROUTES)
    rate, tail = median(score.rates), median(score.tails)
    return [
        Row("score", "decisions a second", f"{rate:,.0f}", ""),
        Row("score", "… of an empty FastAPI route", ratio(rate, median(usual.rates)), "at least 0.50"),
        Row("score", "… of an empty route as bare as ours", ratio(rate, median(bare.rates)), ""),
        Row("score", "processor time a decision, µs (empty: bare, FastAPI)", _three(measured, "costs", ".0f"), ""),
        Row(
            "score", f"median at {PER_SECOND:.0f}/s, ms (empty: bare, FastAPI)", _three(measured, "medians", ".2f"), ""
        ),
        Row("score", f"99th percentile at {PER_SECOND:.0f}/s, ms (same)", _three(measured, "tails", ".2f"), ""),
        Row("score", "… times the empty FastAPI route's", ratio(tail, median(usual.tails)), "at most 3.00"),
        Row("score", "… times the bare one's", ratio(tail, median(bare.tails)), ""),
        Row(
            "score",
            f"one fdatasync of 4 KiB on this disk at {PER_SECOND:.0f}/s, ms: median (99th)",
            f"{median(syncs.medians):.2f}  ({median(syncs.tails):.2f})",
            "",
        ),
        Row("score", "answers with recorded:false", f"{score.unrecorded}", "0"),
    ]


def ratio(ours: float, theirs: float) -> str:
    """Two figures' ratio, with what it is made of."""
    return f"{ours / theirs:.2f}  ({ours:,.5g} / {theirs:,.5g})"


def _three(measured: dict[str, Measured], name: str, style: str) -> str:
    ours, *others = (format(median(getattr(measured[route], name)), style) for route in ROUTES)
    return f"{ours}  ({', '.join(others)})"


def requests(route: str, bodies: list[bytes]) -> Iterator[bytes]:
    """Whole requests for ever, no two alike: asking twice with one id would be answered from memory."""
    head = f"POST {route} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    prefix = os.urandom(4).hex()
    for number, body in enumerate(itertools.cycle(bodies)):
        whole = b'{"id":"%s-%010d",%s' % (prefix.encode(), number, body[1:])
        yield (head % len(whole)).encode() + whole


@contextmanager
def server(directory: str) -> Iterator[tuple[int, int]]:
    """The application in a process of its own, warm: its port and process id."""
    command = [sys.executable, "-m", "bench.serving", directory]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                message = "the server did not start"
                raise RuntimeError(message)
            yield int(url.rpartition(":")[2]), process.pid
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all its threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 a kernel's file
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long to measure."""
    parser.add_argument("--rounds", type=int, default=3, help="times each route is measured, in turns")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each throughput round")
    parser.add_argument("--steady-seconds", type=float, default=15.0, help="of each latency round")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.score", description=__doc__)
    add_arguments(parser)
    arguments = parser.parse_args()
    show(measure(rounds=arguments.rounds, seconds=arguments.seconds, steady_seconds=arguments.steady_seconds))


if __name__ == "__main__":
    main()
