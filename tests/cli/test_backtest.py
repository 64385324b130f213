"""`assayer rules backtest`: any log, no server, nothing changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.api.conftest import issuance
from tests.cli.conftest import Assayer

HONEST, ODD = "10.10.4.61", "185.220.101.47"


def ago(minutes: int) -> str:
    """A moment so long ago: a store looks back from now."""
    return (datetime.now(UTC) - timedelta(days=2, minutes=minutes)).isoformat()


@pytest.fixture
def log() -> str:
    """Fifty mints of one requester, one of them from elsewhere, and one of another requester's."""
    lines = [
        issuance(number, source={"ip": ODD if number == 7 else HONEST}, time=ago(50 - number)) for number in range(50)
    ]
    lines.append(issuance(50, requester="spiffe://prod/app/other", time=ago(0)))
    Path("log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return "log.jsonl"


def test_what_a_rule_would_have_hit_is_counted(assayer: Assayer, log: str) -> None:
    """One of the requester's fifty, which a tenth may be: within."""
    Path("a.toml").write_text("[rules]\ncollateral_limit = 0.1\n", encoding="utf-8")
    found = assayer(
        *("rules", "backtest", log, "--requester", "spiffe://prod/app/svc1"),
        *("--network", "185.220.101.0/24", "--config", "a.toml"),
    )
    assert (found.status, found.err) == (0, "")
    assert "1 of 50 grants matched: 0 labelled abuse, 0 flagged, 1 honest (2.00%, limit 10.00%)" in found.out
    assert "within its limit" in found.out


def test_past_its_limit_it_is_a_finding(assayer: Assayer, log: str) -> None:
    """A rule on honest work would have stopped it: said, and 1."""
    found = assayer("rules", "backtest", log, "--requester", "spiffe://prod/app/svc1", "--match", "area=aws/creds")
    assert found.status == 1
    assert "past its limit" in found.out


def test_raw_names_are_folded_as_rules_are(assayer: Assayer) -> None:
    """A session's name stands for its role."""
    lines = [issuance(1, requester="arn:aws:sts::1:assumed-role/deploy/run-8842")]
    Path("log.jsonl").write_text(json.dumps(lines[0]) + "\n", encoding="utf-8")
    found = assayer("rules", "backtest", "log.jsonl", "--requester", "arn:aws:sts::1:assumed-role/deploy/run-9")
    assert "1 of 1 grants matched" in found.out


def test_a_stored_rule_is_backtested_on_the_stores_own_log(assayer: Assayer, log: str) -> None:
    """By its id, beside the log that holds it; nothing is written."""
    assayer("ingest", log, "--data", "data")
    raised = assayer(
        *("rules", "raise", "--requester", "spiffe://prod/app/svc1", "--because", "drill", "--data", "data"),
    )
    rule = next(word for word in raised.out.split() if word.startswith("r-"))
    assert "50 of 50 grants matched" in assayer("rules", "show", rule, "--data", "data").out
    before = Path("data/log.sqlite3").read_bytes()
    found = assayer("rules", "backtest", "--rule", rule, "--data", "data", "--last", "9w")
    assert (found.status, "a rule on requester spiffe://prod/app/svc1" in found.out) == (1, True)
    assert Path("data/log.sqlite3").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a rule (--rule), or whom it would stop (--requester)"),
        (("--rule", "r-1", "--requester", "x"), "name a rule (--rule), or whom it would stop (--requester)"),
        (("--requester", "x", "--match", "colour=red"), "write FIELD=VALUE"),
        (("--requester", "x", "--network", "10.0.0.0/8"), "would match nothing"),
    ],
)
def test_bad_usage_is_said(assayer: Assayer, arguments: tuple[str, ...], said: str) -> None:
    """Nobody gets a count of something he did not mean."""
    refused = assayer("rules", "backtest", *arguments)
    assert (refused.status, said in " ".join(refused.err.split())) == (2, True)
