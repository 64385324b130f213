"""`python -m bench.client`: what asking through the client costs a broker, and how late it is in the worst of faults.

A real `assayer serve` on loopback, one broker that asks one request after another; then the same server stopped
(SIGSTOP: its kernel accepts, nobody answers), and killed. And what a deny list costs where it is long.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

import msgspec

from bench.tables import Row, show
from detector.client import AsyncClient, Client, Tripping
from detector.client.denylist import DenyList, read
from detector.client.requests import prepared
from detector.client.settings import ASK_SECONDS
from detector.engine.policy import Policy

REQUEST = {
    "issuer": "vault:prod/aws",
    "requester": "arn:aws:sts::1:assumed-role/deploy/run-8842",
    "resource": "aws/creds/app-write",
    "actions": ["write"],
    "privilege": "write",
    "ttl_seconds": 900,
    "source": {"ip": "10.10.4.61", "environment": "prod"},
}
NEVER = Tripping(consecutive=10**6, window=10**4)
RULES = 10_000


@contextmanager
def server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server on a free port; killed in the end."""
    with tempfile.TemporaryDirectory(prefix="assayer-bench-", dir=".") as data:
        command = [sys.executable, "-m", "detector", "serve", "--data", data, "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            yield process.stdout.readline().split()[3], process
            process.kill()


def row(what: str, took: list[float], wanted: str = "") -> Row:
    """Median and 99th percentile in milliseconds."""
    tail = quantiles(took, n=100)[-1]
    return Row(what, "median / p99", f"{median(took) * 1e3:.2f} / {tail * 1e3:.2f} ms", wanted)


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Seconds, each time."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return took


async def timed_async(url: str, times: int) -> list[float]:
    """The same, awaited."""
    took = []
    async with AsyncClient(url, default="closed") as client:
        for _ in range(times):
            began = time.perf_counter()
            await client.ask(REQUEST)
            took.append(time.perf_counter() - began)
    return took


def asks(times: int) -> list[Row]:
    """Alive, stopped, dead, and with an open breaker."""
    deadline = f"{ASK_SECONDS * 1e3:.0f} ms, below 200"
    with server() as (url, process), Client(url, default="closed", breaker=NEVER) as client:
        rows = [row("an ask, Client", timed(lambda: client.ask(REQUEST), times))]
        rows.append(row("an ask, AsyncClient", asyncio.run(timed_async(url, times))))
        process.send_signal(signal.SIGSTOP)
        rows.append(row("sidecar stopped", timed(lambda: client.ask(REQUEST), 100), deadline))
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        rows.append(row("sidecar dead", timed(lambda: client.ask(REQUEST), 200), deadline))
        with Client(url, default="closed", breaker=Tripping(consecutive=1, open_seconds=30.0)) as quick:
            quick.ask(REQUEST)
            rows.append(row("sidecar dead, breaker open", timed(lambda: quick.ask(REQUEST), times)))
    return rows


def long_list() -> list[Row]:
    """A deny list of ten thousand rules, all of them against the one who asks."""
    fold = [{"pattern": rule.pattern, "replacement": rule.replacement} for rule in Policy().identity]
    ends = (datetime.now(UTC) + timedelta(hours=4)).isoformat()
    requester = "arn:aws:sts::1:assumed-role/deploy"
    rules = [
        {"id": f"r-{number:06}", "selector": {"requester": requester, "resource": f"kv/{number}"}, "expires": ends}
        for number in range(RULES)
    ]
    whole = {"position": 1, "full": True, "new": rules, "deleted": [], "kill_switch": False, "fold": fold}
    body, changed = msgspec.json.encode(whole), msgspec.json.encode({**whole, "full": False, "new": rules[:1]})
    same = msgspec.json.encode({**whole, "full": False, "new": []})
    grant, now = prepared(REQUEST, make_id=lambda: "r").grant, time.time()
    known = DenyList().taking(read(body), now=now)
    size = Row(f"{RULES:,} rules told", "bytes", f"{len(body) / 1e6:.1f} MB", "")
    return [
        size,
        row("  taken in whole", timed(lambda: DenyList().taking(read(body), now=now), 20)),
        row("  one changed", timed(lambda: known.taking(read(changed), now=now), 20)),
        row("  nothing changed", timed(lambda: known.taking(read(same), now=now), 100)),
        row("  matched, all of one requester", timed(lambda: known.blocking(grant, now=now), 100)),
    ]


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.client", description=__doc__)
    parser.add_argument("--times", type=int, default=2_000, metavar="N", help="asks a figure [default: 2000]")
    show(asks(parser.parse_args().times) + long_list())


if __name__ == "__main__":
    main()
