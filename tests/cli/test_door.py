"""The door: exit statuses, and no traceback on anybody's screen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector.cli import app as application
from detector.cli.complaint import Complaint
from tests.cli.conftest import Assayer

COMMANDS = ("demo", "serve", "ingest", "replay", "explain", "rules", "token", "config")


def test_help_names_every_command(assayer: Assayer) -> None:
    """The contract's commands are all there, and help is no error."""
    said = assayer("--help")
    assert said.status == 0
    assert all(f"\n  {command} " in said.out for command in COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("serve", "--port", "x"),
        ("serve", "--port", "70000"),
        ("replay", "x.jsonl"),
        ("replay", "x.jsonl", "--out", "rows.csv"),
        ("replay", "x.jsonl", "--out", "rows.jsonl", "--dialect", "cobol"),
        ("ingest",),
        ("ingest", "x", "--dialect", "cobol"),
        ("explain",),
        ("explain", "d-1", "--identity", "x"),
        ("token", "create"),
        ("token", "create", "--role", "king"),
        ("token", "create", "--role", "broker", "--expires", "soon"),
        ("rules", "withdraw", "r-1"),
        ("rules", "raise", "--requester", "x", "--because", "y", "--for", "0d"),
    ],
)
def test_bad_usage_is_two(assayer: Assayer, words: tuple[str, ...]) -> None:
    """A command line that cannot be meant ends with 2 and says what is wrong with it."""
    said = assayer(*words)
    assert said.status == 2
    assert said.err.startswith("Usage: assayer")
    assert "Error" in said.err


def test_an_expected_trouble_is_a_line_and_one(assayer: Assayer) -> None:
    """What can go wrong in an operator's day is one line on standard error."""
    said = assayer("config", "check", "nowhere.toml")
    assert (said.status, said.out) == (1, "")
    assert said.err == "assayer: nowhere.toml: No such file or directory\n"


def test_a_defect_of_ours_is_a_line_too(assayer: Assayer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An unexpected error says so briefly, and where the detail is; the detail holds the traceback."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("detector.wiring.files.load", lambda *_, **__: 1 // 0)
    said = assayer("config", "check")
    assert said.status == 1
    assert said.err.count("\n") == 1
    assert said.err.startswith("assayer: unexpected ZeroDivisionError: this is a defect of assayer; the detail is in ")
    assert "Traceback" in Path(said.err.split()[-1]).read_text(encoding="utf-8")


def test_interruption_is_quiet(assayer: Assayer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is an answer of the operator's, not an error of ours."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("detector.wiring.files.load", interrupted)
    said = assayer("config", "check")
    assert said.status in {1, 130}
    assert "Traceback" not in said.err


def test_a_complaint_of_several_lines_is_several_lines(assayer: Assayer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of a complaint says who complains."""

    def complaining(*_: object, **__: object) -> None:
        raise Complaint("first\nsecond")

    monkeypatch.setattr("detector.wiring.files.load", complaining)
    assert assayer("config", "check").err == "assayer: first\nassayer: second\n"


@pytest.mark.process
def test_help_is_quick_and_imports_nothing_heavy(tmp_path: Path) -> None:
    """`assayer --help` is there before a person has let go of the key: nothing of the engine or the web is imported."""
    program = "import sys; from detector.cli.guard import run; run(['--help']); print(sorted(sys.modules))"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    took = time.perf_counter() - started
    heavy = {"river", "numpy", "polars", "fastapi", "pydantic", "rich.table", "structlog", "httpx", "detector.engine"}
    assert not [name for name in heavy if f"'{name}'" in done.stdout]
    assert took < 5.0  # half a second on an idle machine; this one may be busy


@pytest.mark.process
def test_the_installed_command_is_the_module(tmp_path: Path) -> None:
    """`python -m detector` works where scripts are not on the path."""
    said = subprocess.run(
        [sys.executable, "-m", "detector", "--version"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert said.stdout.startswith("assayer ")


@pytest.mark.process
def test_a_reader_that_has_gone_is_no_error_of_ours(tmp_path: Path) -> None:
    """`assayer config show | head -1` leaves nothing on standard error."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        said = subprocess.run(
            [sys.executable, "-m", "detector", "config", "show"],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert said.stderr == ""


def test_every_command_has_a_summary_that_fits(assayer: Assayer) -> None:
    """No command's summary is cut short in the list."""
    assert "..." not in assayer("--help").out.partition("Commands:")[2]
    assert application.COLUMNS == 100
