"""kill -9 of a process that writes a log: what it had been promised is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from detector.store import LogReader, SqliteLog
from tests.contracts.some_records import outcome

ROUNDS = 8

WRITER = """
import os, sys
from pathlib import Path
from detector.engine.records import OutcomeRecorded
from detector.store import SqliteLog

log = SqliteLog(Path(sys.argv[1]))
number = log.head()
while True:
    futures = []
    for _ in range(1 + number % 50):
        number += 1
        futures.append(log.append(1.0, OutcomeRecorded(decision=f"d{number}", outcome="approved", by="anna")))
        futures[-1].add_done_callback(lambda done: os.write(1, b"%d\\n" % done.result()))
    futures[-1].result()
"""


@pytest.mark.process
def test_what_was_promised_survives_kill_minus_nine(tmp_path: Path) -> None:
    """Killed at any moment, again and again: every position told is there, in order, and nothing is torn or twice."""
    moments = random.Random(9)
    promised = 0
    for _ in range(ROUNDS):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            time.sleep(moments.uniform(0.0, 0.15))
            process.kill()
            told = [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
        promised = max([promised, *told])
        entries = list(LogReader(tmp_path).read())
        assert [entry.record for entry in entries] == [outcome(number) for number in range(1, len(entries) + 1)]
        assert len(entries) >= promised
    assert promised > ROUNDS * 10
    with closing(SqliteLog(tmp_path)) as log:
        head = log.head()
        assert log.append(1.0, outcome(head + 1)).result(timeout=10) == head + 1
