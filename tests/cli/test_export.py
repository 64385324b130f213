"""`assayer export`: what was found, as findings that other tools read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detector.store import SqliteLog
from tests.cli.conftest import Assayer
from tests.signals.conftest import revoked
from tests.signals.test_findings import decided


@pytest.fixture
def found() -> Path:
    """A data directory with two findings, one that was allowed, and a revocation."""
    log = SqliteLog(Path("data"))
    records = [decided("d1"), decided("d2", verdict="allow"), decided("d3", verdict="deny", mode="shadow"), revoked(4)]
    for number, record in enumerate(records):
        log.append(1_772_409_600.0 + 60 * number, record)
    log.close()
    return Path("data")


def exported(assayer: Assayer, *more: str) -> list[str]:
    """The uids of what was exported."""
    ran = assayer("export", "--ocsf", "--out", "found.jsonl", "--data", "data", *more)
    assert ran.status == 0, ran.err
    lines = Path("found.jsonl").read_text("utf-8").splitlines()
    assert ran.out == f"{len(lines)} findings in found.jsonl\n"
    return [json.loads(line)["finding_info"]["uid"] for line in lines]


def test_every_flagged_row_is_a_finding(assayer: Assayer, found: Path) -> None:
    """In the order of the log; what was allowed is none."""
    assert exported(assayer) == ["d1", "d3", "u4"]


def test_a_period_is_taken_by_the_logs_clock(assayer: Assayer, found: Path) -> None:
    """From a moment on, up to another that is not included."""
    assert exported(assayer, "--since", "2026-03-02T00:01:00Z") == ["d3", "u4"]
    assert exported(assayer, "--until", "2026-03-02T00:02:00Z") == ["d1"]
    assert exported(assayer, "--since", "2026-03-02T00:02:00Z", "--until", "2026-03-02T00:03:00Z") == ["d3"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--out", "x"], "--ocsf"), (["--ocsf"], "--out"), (["--ocsf", "--out", "x", "--since", "yesterday"], "--since")],
)
def test_what_is_missing_or_wrong_is_said(assayer: Assayer, found: Path, arguments: list[str], said: str) -> None:
    """A usage error, and no file."""
    ran = assayer("export", "--data", "data", *arguments)
    assert ran.status == 2
    assert said in ran.err
    assert not Path("x").exists()


def test_without_a_log_there_is_nothing(assayer: Assayer) -> None:
    """In a line, and the exit status says so."""
    ran = assayer("export", "--ocsf", "--out", "x", "--data", "nowhere")
    assert ran.status == 1
    assert "no log here" in ran.err
    assert not Path("x").exists()
