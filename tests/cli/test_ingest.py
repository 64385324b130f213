"""`assayer ingest`: logs into the store, or to the server that has it."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from detector.api.tokens import RELOAD_SECONDS
from detector.cli.background import background_sidecar
from detector.engine.records import Observed
from detector.events import Usage
from detector.intake.native_lines import native_line
from detector.store import LogReader, SqliteLog, StoreError
from tests.cli import organisation
from tests.cli.conftest import Assayer


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A directory with fifty jobs: the mints in one file, the uses in another."""
    folder = tmp_path / "logs"
    folder.mkdir()
    events = organisation.history(50)
    uses = [event for event in events if isinstance(event, Usage)]
    mints = [event for event in events if not isinstance(event, Usage)]
    for name, part in (("a-uses.jsonl", uses), ("b-mints.jsonl", mints)):
        (folder / name).write_bytes(b"".join(native_line(event) + b"\n" for event in part))
    return folder


def observed(data: str) -> list[Observed]:
    """What a data directory's log holds of observed events."""
    return [entry.record for entry in LogReader(Path(data)).read() if isinstance(entry.record, Observed)]


def test_a_directory_is_learnt_and_counted(assayer: Assayer, logs: Path) -> None:
    """Counts per dialect and kind, and how many usages found their mint, whatever file each was in."""
    said = assayer("ingest", logs, "--data", "data")
    assert said.status == 0
    assert said.err == ""
    assert "native" in said.out
    assert "100 of 100 usages joined" in said.out
    assert len(observed("data")) == 150


def test_history_is_stamped_with_its_own_times(assayer: Assayer, logs: Path) -> None:
    """Fading and quarantine run over the span that the history really took, not over the seconds of reading it."""
    assayer("ingest", logs, "--data", "data")
    stamps = [entry.stamp for entry in LogReader(Path("data")).read() if isinstance(entry.record, Observed)]
    assert stamps == sorted(stamps)
    assert stamps[0] == organisation.START
    assert stamps[-1] >= organisation.START + 49 * organisation.HOUR


def test_ingesting_twice_changes_nothing(assayer: Assayer, logs: Path) -> None:
    """A file that is read again is known, event by event."""
    assayer("ingest", logs, "--data", "data")
    assayer("ingest", logs, "--data", "data")
    assert len(observed("data")) == 150


def test_standard_input_is_a_dash(assayer: Assayer, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cat log | assayer ingest -` works."""
    stream = io.TextIOWrapper(io.BytesIO((logs / "b-mints.jsonl").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert assayer("ingest", "-", "--data", "data").status == 0
    assert len(observed("data")) == 50


def test_a_missing_path_is_one(assayer: Assayer) -> None:
    """The path is named."""
    said = assayer("ingest", "nowhere.jsonl", "--data", "data")
    assert said.status == 1
    assert "nowhere.jsonl" in said.err


def test_rejected_lines_are_named(assayer: Assayer, logs: Path) -> None:
    """Something was read, so the status is 0; what was not is on standard error with its place."""
    with (logs / "b-mints.jsonl").open("ab") as file:
        file.write(b"{broken\n")
    said = assayer("ingest", logs, "--data", "data")
    assert said.status == 0
    assert "1 record could not be read" in said.err
    assert "b-mints.jsonl:51" in said.err


def test_nothing_readable_is_one(assayer: Assayer) -> None:
    """A wrong file is told apart from a quiet day."""
    Path("junk.log").write_text("not a log\n", encoding="utf-8")
    assert assayer("ingest", "junk.log", "--data", "data").status == 1


def test_following_wants_one_directory(assayer: Assayer, logs: Path) -> None:
    """Only a directory grows."""
    assert assayer("ingest", "--follow", logs / "a-uses.jsonl", "--data", "data").status == 2


@pytest.mark.process
@pytest.mark.parametrize("served", [False, True])
def test_a_followed_directory_is_learnt_as_it_grows(logs: Path, served: bool) -> None:
    """What is appended is durable within seconds; SIGTERM ends it with 0 and nothing lost."""
    Path("assayer.toml").write_text("", encoding="utf-8")
    Path("data").mkdir()
    server = background_sidecar(config=Path("assayer.toml"), data=Path("data")) if served else nullcontext()
    command = [sys.executable, "-m", "detector", "ingest", "--follow", str(logs), "--data", "data"]
    with server, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        _wait_for(lambda: len(observed("data")) == 150)
        late = organisation.history(51)[-3:]
        with (logs / "b-mints.jsonl").open("ab") as file:
            file.writelines(native_line(event) + b"\n" for event in late)
        _wait_for(lambda: len(observed("data")) == 153)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
    assert "native" in out


def _wait_for(there: Callable[[], bool]) -> None:
    """Wait until something is there; half a minute is a failure."""
    deadline = time.monotonic() + 30.0
    while True:
        try:
            if there():
                return
        except StoreError:  # no log yet
            pass
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)


@pytest.mark.process
def test_a_running_server_is_sent_the_events(assayer: Assayer, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One data directory has one writer: while a server has it, the events go there, with our token."""
    Path("assayer.toml").write_text("", encoding="utf-8")
    Path("data").mkdir()
    with background_sidecar(config=Path("assayer.toml"), data=Path("data")):
        said = assayer("ingest", logs / "b-mints.jsonl", "--data", "data")
        assert said.status == 0
        assert "the events go to it" in said.err
        assert "they teach 3600 s after they reach it" in said.err
        token = assayer("token", "create", "--role", "ingest", "--data", "data").out.strip()
        monkeypatch.setenv("ASSAYER_TOKEN", token)
        time.sleep(RELOAD_SECONDS)  # by then the server has seen the token
        assert assayer("ingest", logs / "a-uses.jsonl", "--data", "data").status == 0
    assert len(observed("data")) == 150
    assert all(record.teaches for record in observed("data"))


@pytest.mark.process
def test_a_directory_with_another_writer_that_serves_nothing_is_refused(assayer: Assayer, logs: Path) -> None:
    """A second `ingest` at the same time is told who holds the directory."""
    log = SqliteLog(Path("data"))
    try:
        said = assayer("ingest", logs, "--data", "data")
    finally:
        log.close()
    assert said.status == 1
    assert "another process writes here" in said.err
