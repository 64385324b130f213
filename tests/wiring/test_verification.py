"""Verifying as a whole: from any process the same, also beside a writer that goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detector.wiring.compose import EventClock, embedded
from detector.wiring.files import load
from detector.wiring.verification import MOST_DIFFERING, verify
from tests.cli import organisation

FOLDER = """
import sys
from pathlib import Path
from detector.engine import judge
from detector.engine.policy import Policy
from detector.engine.state import State
from detector.store import LogReader

state = State(Policy())
for entry in LogReader(Path(sys.argv[1])).read():
    state.fold(entry, judge.prepare)
print(state.digest())
"""


def work(directory: Path, jobs: int, *, began: threading.Event, until: threading.Event) -> None:
    """An organisation at work in a log, which it says has begun, until it is done or told to stop."""
    clock = EventClock()
    settings = load(None, environment={}, overrides={"server": {"data": directory}})
    store = embedded(settings, warn=pytest.fail, clock=clock)
    began.set()
    for number, event in enumerate(organisation.history(jobs)):
        if until.is_set():
            break
        clock.see(event.time)
        store.engine.observe(event)
        if number % 50 == 0:
            store.log.flush()
    store.close()


@contextmanager
def working(directory: Path) -> Iterator[None]:
    """It is at work for as long as the block lasts."""
    began, done = threading.Event(), threading.Event()
    worker = threading.Thread(target=work, args=(directory, 3_000), kwargs={"began": began, "until": done})
    worker.start()
    assert began.wait(10)
    try:
        yield
    finally:
        done.set()
        worker.join()


@pytest.mark.process
def test_every_process_folds_to_the_same_bytes(tmp_path: Path) -> None:
    """Whatever order a process has its sets in: states are compared by their digests."""
    work(tmp_path / "data", 60, began=threading.Event(), until=threading.Event())
    digests = set()
    for seed in ("1", "2", "3"):
        command = [sys.executable, "-c", FOLDER, str(tmp_path / "data")]
        done = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True)
        digests.add(done.stdout)
    assert len(digests) == 1


def test_a_log_verifies_while_it_grows(tmp_path: Path) -> None:
    """What there was when reading began is verified, however much comes meanwhile."""
    seen = []
    with working(tmp_path / "data"):
        for _ in range(4):
            verified = verify(tmp_path / "data")
            assert verified.found == ()
            seen.append(verified.head)
    verified = verify(tmp_path / "data")
    assert verified.found == ()
    assert seen == sorted(seen)
    assert verified.head > seen[0]
    assert verified.covered == verified.head


def test_another_way_of_weighing_is_told_and_not_at_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version comes to something else everywhere: that is said of the first entries."""
    work(tmp_path / "data", 60, began=threading.Event(), until=threading.Event())
    monkeypatch.setattr("detector.engine.judge.ECHO", 0.9)
    monkeypatch.setattr("detector.evidence.QUANTA", 512)
    verified = verify(tmp_path / "data")
    assert 0 < len(verified.found) <= MOST_DIFFERING + 5
    assert "comes to something else" in verified.found[0].words()
