"""`assayer report`: the evidence of a period from the data directory, beside a server or without one."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from detector.engine import Engine
from detector.engine.policy import Policy
from detector.store import LogReader, SqliteLog
from tests.cli.conftest import Assayer
from tests.cli.organisation import HOUR, START, history, thief

DAY_TWO = "2026-03-03"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A data directory with the small organisation's log in it, and its thief."""
    folder, clock = tmp_path / "data", [START]
    log = SqliteLog(folder)
    engine = Engine(policy=Policy(), log=log, clock=lambda: clock[0])
    for event in [*history(60), thief(1, time=START + 61 * HOUR, minted=True)]:
        clock[0] = max(clock[0], event.time)
        engine.observe(event)  # type: ignore[arg-type]
    engine.close()
    return folder


def test_markdown_is_what_one_gets_unasked(assayer: Assayer, store: Path) -> None:
    """The frameworks, the inventory, the log's own name and positions."""
    ran = assayer("report", "--data", store)
    assert (ran.status, ran.err) == (0, "")
    reader = LogReader(store)
    assert ran.out.startswith("# Evidence from the decision log\n")
    assert reader.identity in ran.out
    assert f"| entries read | 1 to {reader.head()} |" in ran.out
    for words in ("NHI7:2025 Long-Lived Secrets", "PR.AA-05", "Tenet 4", "Layer 7 Agent Ecosystem", "MEASURE 2.4"):
        assert words in ran.out
    assert "| arn:aws:sts::1:assumed-role/deploy |" in ran.out


def test_json_fits_the_schema_that_is_printed(assayer: Assayer, store: Path) -> None:
    """`--format schema` needs no log."""
    schema = assayer("report", "--format", "schema", "--data", "nowhere")
    report = assayer("report", "--data", store, "--format", "json")
    assert (schema.status, report.status) == (0, 0)
    Draft202012Validator(json.loads(schema.out)).validate(json.loads(report.out))


def test_a_period_is_cut_out_of_the_log(assayer: Assayer, store: Path) -> None:
    """From a day to the next: its mints, and an end that the log has gone past."""
    day = json.loads(
        assayer("report", "--data", store, "--from", DAY_TWO, "--until", "2026-03-04", "--format", "json").out
    )
    whole = json.loads(assayer("report", "--data", store, "--format", "json").out)
    assert sum(day["totals"]["mints"].values()) == 24
    assert sum(whole["totals"]["mints"].values()) == 61
    assert day["period"] == {
        "since": "2026-03-03T00:00:00.000Z",
        "until": "2026-03-04T00:00:00.000Z",
        "as_of": day["period"]["as_of"],
        "ended": True,
    }


def test_a_file_is_private_and_the_same_each_time(assayer: Assayer, store: Path, tmp_path: Path) -> None:
    """Who asked for what is nobody else's business; the same log and period give the same bytes."""
    one, two = tmp_path / "one.md", tmp_path / "two.md"
    for file in (one, two):
        ran = assayer("report", "--data", store, "--out", file)
        assert (ran.status, ran.out) == (0, "")
    assert one.read_bytes() == two.read_bytes()
    assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_it_reads_beside_a_live_writer_and_writes_nothing(assayer: Assayer, store: Path) -> None:
    """The log is held by somebody else, who goes on."""
    log = SqliteLog(store)
    try:
        before = sorted((file.name, file.stat().st_size) for file in store.iterdir() if "-" not in file.name)
        assert assayer("report", "--data", store).status == 0
        after = sorted((file.name, file.stat().st_size) for file in store.iterdir() if "-" not in file.name)
        assert before == after
    finally:
        log.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "x"), "--from: 'x' is no date"),
        (("--until", "2026-02-30"), "--until: '2026-02-30' is no date"),
        (("--from", "2026-03-02", "--until", "2026-03-02"), "--until: must be later than from"),
        (("--format", "csv"), "csv"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(assayer: Assayer, arguments: tuple[str, ...], says: str) -> None:
    """Bad usage names the option; nothing is read."""
    ran = assayer("report", *arguments)
    assert ran.status == 2
    assert says in ran.err


def test_without_a_log_it_says_so(assayer: Assayer, tmp_path: Path) -> None:
    """One line, no traceback."""
    ran = assayer("report", "--data", tmp_path / "nothing")
    assert ran.status == 1
    assert "no log here" in ran.err


def test_a_file_that_cannot_be_written_is_named(assayer: Assayer, store: Path) -> None:
    """The operator reads which one."""
    ran = assayer("report", "--data", store, "--out", "/proc/nowhere/report.md")
    assert ran.status == 1
    assert "/proc/nowhere" in ran.err


def test_a_damaged_record_is_named(assayer: Assayer, store: Path) -> None:
    """The position, so that somebody can look."""
    import sqlite3

    with sqlite3.connect(store / "log.sqlite3") as connection:
        connection.execute("UPDATE entries SET body = ? WHERE position = 7", (msgspec.json.encode({"type": "odd"}),))
    ran = assayer("report", "--data", store)
    assert ran.status == 1
    assert "entry 7" in ran.err
