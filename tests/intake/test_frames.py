"""The log as a frame says what the log says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from detector.engine import Engine
from detector.engine.policy import Policy
from detector.events import GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.intake.frames import LOG_SCHEMA, log_frame
from detector.store import MemoryLog

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
ROLE = "arn:aws:sts::1:assumed-role/deploy"


def request(name: str, *, run: int = 1) -> GrantRequest:
    """The deploy role asks to write."""
    return GrantRequest(
        id=name,
        time=NOON + run,
        issuer="vault:prod/aws",
        requester=f"{ROLE}/run-{run}",
        resource="aws/creds/app-write",
        actions=("read", "write"),
        privilege="write",
        source=Source(ip="10.10.4.61", environment="prod"),
    )


@pytest.fixture
def frame() -> Iterator[pl.DataFrame]:
    """A log that holds one of each: a decision, an issuance, its usage, a policy change, an outcome."""
    log = MemoryLog()
    engine = Engine(policy=Policy(), log=log, clock=lambda: NOON)
    asked = engine.ask(request("ask-1"), trusted=True)
    engine.observe(Issuance(grant=request("mint-1", run=2), credential="c1"))
    engine.observe(Usage(id="use-1", time=NOON + 3, credential="c1", action="s3:GetObject", resource="app/x"))
    engine.observe(Lifecycle(id="life-1", time=NOON + 4, change="policy_changed", subject="app-write"))
    engine.record_outcome(asked.decision.decision, "legitimate", by="ana")
    yield log_frame(log.read())
    engine.close()


def test_one_row_a_record_in_order(frame: pl.DataFrame) -> None:
    """Every record of the log is a row, at its position, the configuration included."""
    assert frame["position"].to_list() == list(range(1, 7))
    assert frame["record"].to_list() == [
        "configured",
        "decided",
        "observed",
        "observed",
        "observed",
        "outcome_recorded",
    ]
    assert frame["kind"].to_list() == [None, "grant_request", "issuance", "usage", "lifecycle", None]


def test_requesters_are_canonical_with_the_raw_name_beside(frame: pl.DataFrame) -> None:
    """Session names are folded away; what the log wrote is kept."""
    asked, minted = frame.filter(pl.col("record").is_in(["decided", "observed"])).head(2).iter_rows(named=True)
    assert (asked["requester"], minted["requester"]) == (ROLE, ROLE)
    assert (asked["raw_requester"], minted["raw_requester"]) == (f"{ROLE}/run-1", f"{ROLE}/run-2")


def test_usage_belongs_to_whom_its_credential_was_minted_for(frame: pl.DataFrame) -> None:
    """A usage record names no requester; its credential does."""
    (usage,) = frame.filter(pl.col("kind") == "usage").iter_rows(named=True)
    assert (usage["requester"], usage["issuer"], usage["credential"]) == (ROLE, "vault:prod/aws", "c1")


def test_times_are_moments_in_utc(frame: pl.DataFrame) -> None:
    """Both the event's time and the log's stamp are UTC timestamps, to the microsecond."""
    (minted,) = frame.filter(pl.col("kind") == "issuance").iter_rows(named=True)
    assert minted["time"] == datetime.fromtimestamp(NOON + 2, tz=UTC)
    assert minted["stamp"] == datetime.fromtimestamp(NOON, tz=UTC)


def test_what_was_weighed_is_shown_in_nats_with_its_reasons(frame: pl.DataFrame) -> None:
    """A judged record carries verdict, evidence and reasons; one that was not judged has nulls."""
    (asked,) = frame.filter(pl.col("record") == "decided").iter_rows(named=True)
    assert asked["answer"] in {"allow", "step_up"}
    assert isinstance(asked["evidence"], float)
    assert all(set(reason) == {"code", "because", "nats", "expected", "observed"} for reason in asked["reasons"])
    (outcome,) = frame.filter(pl.col("record") == "outcome_recorded").iter_rows(named=True)
    assert (outcome["id"], outcome["outcome"], outcome["verdict"]) == (asked["id"], "legitimate", None)


def test_parquet_keeps_every_column(frame: pl.DataFrame, tmp_path: Path) -> None:
    """Written as Parquet and read back, it is the same frame."""
    frame.write_parquet(tmp_path / "log.parquet")
    assert pl.read_parquet(tmp_path / "log.parquet").equals(frame)


def test_an_empty_log_has_the_columns_all_the_same() -> None:
    """No entries give no rows, with every column in its type."""
    empty = log_frame([])
    assert (empty.height, dict(empty.schema)) == (0, LOG_SCHEMA)
