"""`python -m bench.chaos.strangers PORT PATH COUNT`: so many requesters nobody knows who want bold things.

Standard input is a grant request to alter and the token of whoever asks or reports for them (null for nobody). PATH
is `/v1/score/batch` or `/v1/events`. Prints how often which verdict came back, or how many events were accepted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from itertools import islice
from typing import Any

from bench.chaos.load import aside

BATCH = 80
"""In a body: as many as a stranger's may hold."""

ASKED, REPORTED = "/v1/score/batch", "/v1/events"


def bold(like: Mapping[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Asks of that many requesters for administration from a strange place for a day, each for something else."""
    kept = {name: value for name, value in like.items() if name not in {"task", "time", "actions"}}
    for number in range(count):
        yield {
            **kept,
            "id": f"stranger-{number}",
            "requester": f"spiffe://elsewhere/{number:x}/thief{number:x}x",
            "resource": f"root/keys-{number}",
            "privilege": "admin",
            "ttl_seconds": 86_400,
            "source": {"ip": f"203.0.{number // 250 % 250}.{number % 250}", "user_agent": f"curl/{number}"},
        }


def sent(port: int, path: str, count: int, *, like: Mapping[str, Any], secret: str | None) -> dict[str, int]:
    """Let another process send them, and wait for it; what came back, counted."""
    command = [sys.executable, "-m", "bench.chaos.strangers", str(port), path, str(count)]
    said = json.dumps([like, secret])
    done = subprocess.run(command, check=True, input=said, stdout=subprocess.PIPE, text=True)
    counted: dict[str, int] = json.loads(done.stdout)
    return counted


def _as_reported(ask: dict[str, Any]) -> dict[str, Any]:
    number = ask["id"].rpartition("-")[2]
    mint = {"kind": "issuance", "id": f"mint-{number}", "credential": f"stolen-{number}", "outcome": "granted"}
    return {**ask, **mint, "time": "2026-03-02T00:00:00Z"}


def main() -> None:
    """Send them in batches."""
    aside()
    port, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    like, secret = json.load(sys.stdin)
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers["Authorization"] = f"Bearer {secret}"
    seen: Counter[str] = Counter()
    asks = bold(like, count)
    with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        while batch := list(islice(asks, BATCH)):
            body = batch if path == ASKED else [_as_reported(ask) for ask in batch]
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            document = json.loads(answer.read())
            if answer.status != 200:
                seen[str(answer.status)] += 1
            elif path == ASKED:
                seen.update(one.get("verdict", "problem") for one in document)
            else:
                seen["accepted"] += document["accepted"]
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
