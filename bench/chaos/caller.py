"""`python -m bench.chaos.caller PORT`: whoever calls while a load goes on, in a process of its own.

The load must not wait for its neighbour's JSON. Standard input is a document: a token, how many calls at once, and the
calls as [method, path, body]. Prints how often which status came back, and the bytes and seconds of all of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, TypeAlias

from bench.chaos.load import aside

Call: TypeAlias = tuple[str, str, Any]


@dataclass(frozen=True, slots=True)
class Called:
    """What came of some calls."""

    statuses: dict[int, int]
    bytes: int
    seconds: float


def called(port: int, secret: str, calls: Sequence[Call], *, at_once: int = 1) -> Called:
    """Let another process make these calls, and wait for it."""
    said = json.dumps([secret, at_once, calls])
    command = [sys.executable, "-m", "bench.chaos.caller", str(port)]
    done = subprocess.run(command, check=True, input=said, stdout=subprocess.PIPE, text=True)
    statuses, size, seconds = json.loads(done.stdout)
    return Called({int(status): count for status, count in statuses.items()}, size, seconds)


def _call(port: int, secret: str, calls: Sequence[Call]) -> tuple[Counter[int], int]:
    connection, statuses, size = HTTPConnection("127.0.0.1", port, timeout=120), Counter[int](), 0
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    for method, path, body in calls:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        size += len(answer.read())
        statuses[answer.status] += 1
    connection.close()
    return statuses, size


def main() -> None:
    """Call."""
    aside()
    port = int(sys.argv[1])
    secret, at_once, calls = json.load(sys.stdin)
    began, statuses, size = time.monotonic(), Counter[int](), 0
    with ThreadPoolExecutor(at_once) as pool:
        shares = [calls[place::at_once] for place in range(at_once)]
        for found, taken in pool.map(lambda share: _call(port, secret, share), shares):
            statuses.update(found)
            size += taken
    print(json.dumps([statuses, size, time.monotonic() - began]))


if __name__ == "__main__":
    main()
