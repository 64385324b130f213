"""`assayer replay`: each event judged before it is learnt, and the same bytes every time."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from detector.intake.native_lines import native_line
from tests.cli import organisation
from tests.cli.conftest import Assayer

KEYS = ["id", "kind", "time", "requester", "issuer", "credential", "issuance", "verdict", "risk", "evidence", "reasons"]
END = organisation.START + 200 * organisation.HOUR


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Two hundred jobs and, at the end, a theft, as native JSON Lines."""
    events = [*organisation.history(200), *(organisation.thief(n, time=END + n, minted=True) for n in range(3))]
    file = tmp_path / "history.jsonl"
    file.write_bytes(b"".join(native_line(event) + b"\n" for event in events))
    return file


def rows(file: str) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file."""
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


def test_every_event_is_a_row_and_usages_are_joined(assayer: Assayer, history: Path) -> None:
    """One row an event, in time order, with the contract's keys; usage rows name the issuance they belong to."""
    said = assayer("replay", history, "--out", "rows.jsonl")
    assert said.status == 0
    assert said.err == ""
    judged = rows("rows.jsonl")
    assert len(judged) == 603
    assert all(list(row) == KEYS for row in judged)
    assert [row["time"] for row in judged] == sorted(row["time"] for row in judged)
    joined = {row["id"]: row["issuance"] for row in judged if row["kind"] == "usage"}
    assert joined == {f"u{n}-{use}": f"r{n}" for n in range(200) for use in range(2)}
    assert {row["requester"] for row in judged} == {"arn:aws:sts::1:assumed-role/deploy"}
    assert "400 of 400 usages joined" in said.out
    assert "603 rows in rows.jsonl" in said.out


def test_the_theft_stands_out(assayer: Assayer, history: Path) -> None:
    """What the thief minted has the most evidence, and a verdict with reasons."""
    assayer("replay", history, "--out", "rows.jsonl")
    riskiest = sorted(rows("rows.jsonl"), key=lambda row: -row["evidence"])[:3]
    assert {row["id"] for row in riskiest} == {"t0", "t1", "t2"}
    assert all(row["verdict"] != "allow" and row["reasons"] and 0 <= row["risk"] <= 1 for row in riskiest)


def test_same_input_same_bytes(assayer: Assayer, history: Path) -> None:
    """Twice the same, in both formats; and compressed, or in another order of lines without ties, the same again."""
    for name in ("a.jsonl", "b.jsonl", "a.parquet", "b.parquet"):
        assert assayer("replay", history, "--out", name).status == 0
    lines = history.read_bytes().splitlines(keepends=True)
    random.Random(7).shuffle(lines)
    Path("shuffled.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    assayer("replay", "shuffled.jsonl.gz", "--out", "c.jsonl")
    first = Path("a.jsonl").read_bytes()
    assert first == Path("b.jsonl").read_bytes()
    assert first == Path("c.jsonl").read_bytes()
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()


def test_parquet_and_lines_say_the_same(assayer: Assayer, history: Path) -> None:
    """Two formats of one table."""
    assayer("replay", history, "--out", "a.jsonl")
    assayer("replay", history, "--out", "a.parquet")
    frame = pl.read_parquet("a.parquet")
    lines = rows("a.jsonl")
    assert frame.columns == KEYS
    assert frame["evidence"].to_list() == [row["evidence"] for row in lines]
    assert frame["id"].to_list() == [row["id"] for row in lines]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(assayer: Assayer, history: Path) -> None:
    """A broken line costs itself: it is named with file, line and reason."""
    lines = history.read_bytes().splitlines(keepends=True)
    history.write_bytes(b"".join([*lines[:10], b"{broken\n", b'{"kind":"issuance"}\n', *lines[10:]]))
    said = assayer("replay", history, "--out", "rows.jsonl")
    assert said.status == 0
    assert len(rows("rows.jsonl")) == 603
    assert "2 records could not be read" in said.err
    assert "history.jsonl:11" in said.err
    assert "history.jsonl:12" in said.err


def test_nothing_readable_is_one(assayer: Assayer) -> None:
    """A pile of which nothing could be read is a wrong that cron should hear of."""
    Path("junk.jsonl").write_text("{nonsense\n{more nonsense\n", encoding="utf-8")
    said = assayer("replay", "junk.jsonl", "--out", "rows.jsonl")
    assert said.status == 1
    assert "2 records could not be read" in said.err


def test_an_empty_log_is_no_error(assayer: Assayer) -> None:
    """A quiet day has no rows."""
    Path("empty.jsonl").touch()
    assert assayer("replay", "empty.jsonl", "--out", "rows.parquet").status == 0
    assert pl.read_parquet("rows.parquet").height == 0


def test_a_missing_path_leaves_what_was_there(assayer: Assayer) -> None:
    """Rows take their place whole or not at all, and nothing is left lying about."""
    Path("rows.jsonl").write_text("precious\n", encoding="utf-8")
    said = assayer("replay", "nowhere.jsonl", "--out", "rows.jsonl")
    assert said.status == 1
    assert "nowhere.jsonl" in said.err
    assert Path("rows.jsonl").read_text(encoding="utf-8") == "precious\n"
    assert [path.name for path in Path().iterdir()] == ["rows.jsonl"]


def test_a_folder_that_is_not_there_is_said_at_once(assayer: Assayer, history: Path) -> None:
    """Nobody replays an hour of logs to find that the result has no place."""
    said = assayer("replay", history, "--out", "no/such/rows.jsonl")
    assert said.status == 1
    assert "no/such" in said.err
