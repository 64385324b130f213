"""Rows on their way to a file, and the figures about them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from detector.cli.moved import moved
from detector.cli.rows import Lines, Summary
from detector.engine import Row
from detector.events import Issuance, Lifecycle
from detector.intake.export import ROW_SCHEMA, write_parquet
from detector.verdict import Reason, Verdict
from tests.cli import organisation

KEYS = ["id", "kind", "time", "requester", "issuer", "credential", "issuance", "verdict", "risk", "evidence", "reasons"]
REASON = Reason("network", "comes from elsewhere", 2.5, "10.0.0.0/8", "185.220.101.0/24")


def row(number: int, *, evidence: float = 0.0, verdict: Verdict = "allow", time: float = organisation.START) -> Row:
    """A usage row."""
    return Row(
        id=f"u{number}",
        kind="usage",
        time=time,
        requester="svc",
        issuer=None,
        credential="c",
        issuance=None,
        verdict=verdict,
        risk=0.25,
        evidence=evidence,
        reasons=(REASON,) if verdict != "allow" else (),
    )


def test_a_line_has_the_contracts_keys_in_its_order() -> None:
    """Whoever reads rows relies on these names; reasons carry theirs."""
    read = json.loads(Lines().encode(row(1, verdict="step_up")))
    assert list(read) == KEYS
    assert list(read["reasons"][0]) == ["code", "because", "nats", "expected", "observed"]


def test_times_are_rfc_3339_to_the_microsecond() -> None:
    """Milliseconds where they say it all, microseconds where they do not; rounding never gives a 61st second."""
    lines = Lines()
    moments = [lines.moment(organisation.START + part) for part in (0.0, 0.204, 0.000_123, 0.999_999_9)]
    assert moments == [
        "2026-03-02T00:00:00.000Z",
        "2026-03-02T00:00:00.204Z",
        "2026-03-02T00:00:00.000123Z",
        "2026-03-02T00:00:01.000Z",
    ]


def test_the_riskiest_are_the_ten_with_most_evidence() -> None:
    """Of equal evidence the earlier comes first, so that a summary never varies."""
    summary = Summary()
    for number in range(50):
        summary.see(row(number, evidence=float(number % 20)))
    assert [kept.id for kept in summary.riskiest()][:4] == ["u19", "u39", "u18", "u38"]
    assert (summary.rows, summary.verdicts["usage", "allow"]) == (50, 50)


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    """Columns, types and order are fixed; a column that is null throughout keeps its type; the bytes never vary."""
    lines = Lines()
    file = tmp_path / "rows.jsonl"
    file.write_bytes(
        b"".join(lines.encode(row(n, time=organisation.START + n / 7, verdict="deny")) for n in range(500))
    )
    write_parquet(file, tmp_path / "a.parquet")
    write_parquet(file, tmp_path / "b.parquet")
    frame = pl.read_parquet(tmp_path / "a.parquet")
    assert frame.columns == KEYS
    assert frame.schema["time"] == pl.Datetime("us", "UTC")
    assert frame.schema["issuer"] == pl.String
    assert frame.schema["reasons"] == ROW_SCHEMA["reasons"]
    assert frame["id"].to_list() == [f"u{n}" for n in range(500)]
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_no_rows_are_a_table_without_rows(tmp_path: Path) -> None:
    """A history without a judged event still gives a file with the columns."""
    (tmp_path / "rows.jsonl").touch()
    write_parquet(tmp_path / "rows.jsonl", tmp_path / "rows.parquet")
    frame = pl.read_parquet(tmp_path / "rows.parquet")
    assert (frame.height, frame.columns) == (0, KEYS)


def test_moving_moves_every_time_of_an_event() -> None:
    """Start, end and declared end move together, so that lifetimes stay what they were."""
    issued = organisation.thief(1, time=100.0, minted=True)
    later = moved(issued, 50.0)
    assert isinstance(later, Issuance)
    assert (later.time, later.expires_at) == (150.0, 43_350.0)
    declared = moved(Lifecycle(id="l", time=1.0, change="maintenance_declared", subject="s", until=9.0), 1.0)
    assert isinstance(declared, Lifecycle)
    assert (declared.time, declared.until) == (2.0, 10.0)
    used = organisation.history(1)[1]
    assert moved(used, 5.0).time == used.time + 5.0
