"""`assayer replay` on real logs: nothing breaks, issuances are found, and their use is joined to them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from detector.cli.guard import run

LOGS: Final = ("cloudtrail", "kubernetes", "vault", "rule-tests")
KEYS: Final = [
    "id",
    "kind",
    "time",
    "requester",
    "issuer",
    "credential",
    "issuance",
    "verdict",
    "risk",
    "evidence",
    "reasons",
]


def replayed(log: Path, out: Path) -> list[dict[str, Any]]:
    """The rows of one log's replay."""
    assert run(["replay", str(log), "--out", str(out)]) == 0
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def counts(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many rows of each kind, and how many usages were joined."""
    kinds = Counter(str(row["kind"]) for row in rows)
    joined = sum(row["kind"] == "usage" and row["issuance"] is not None for row in rows)
    return {**kinds, "joined": joined}


@pytest.mark.real_logs
def test_every_real_file_replays_without_a_traceback(
    real_logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a file holds, the command ends with 0 or 1 and in sentences."""
    for log in sorted(path for name in LOGS for path in (real_logs / name).rglob("*.json*")):
        status = run(["replay", str(log), "--out", str(tmp_path / "rows.jsonl")])
        said = capsys.readouterr().err
        assert status in {0, 1}, log
        assert "Traceback" not in said, log
        assert "unexpected" not in said, log
        assert (status == 0) == ((tmp_path / "rows.jsonl").stat().st_size > 0 or not said), log


ISSUING: Final = frozenset(
    {
        "AssumeRole",
        "AssumeRoleWithWebIdentity",
        "AssumeRoleWithSAML",
        "GetSessionToken",
        "GetFederationToken",
        "CreateAccessKey",
        "CreateLoginProfile",
    }
)


def independently(log: Path) -> dict[str, int]:
    """What a CloudTrail file's JSON holds: issuing calls, and calls made with a key that they gave."""
    records = json.loads(log.read_text(encoding="utf-8"))
    records = records if isinstance(records, list) else records["Records"]
    issued = [record for record in records if record["eventName"] in ISSUING]
    given = [(record.get("responseElements") or {}).get("credentials") or {} for record in issued]
    keys = {credentials["accessKeyId"] for credentials in given if credentials}
    used = sum((record.get("userIdentity") or {}).get("accessKeyId") in keys for record in records)
    return {"issuance": len(issued), "joined": used}


@pytest.mark.real_logs
def test_cloudtrail_issuances_and_their_use_are_found(real_logs: Path, tmp_path: Path) -> None:
    """In each of the 28 recorded attacks: as many issuances, and uses of what they gave, as its JSON holds."""
    logs = sorted((real_logs / "cloudtrail" / "stratus").glob("*.json"))
    expected = {log.name: independently(log) for log in logs}
    found = {log.name: counts(replayed(log, tmp_path / "rows.jsonl")) for log in logs}
    actual = {name: {"issuance": row.get("issuance", 0), "joined": row["joined"]} for name, row in found.items()}
    assert actual == expected
    assert len(logs) == 28
    assert expected["aws.credential-access.ec2-get-password-data.json"] == {"issuance": 4, "joined": 30}
    assert expected["aws.discovery.ec2-download-user-data.json"] == {"issuance": 4, "joined": 15}


@pytest.mark.real_logs
def test_a_quiet_account_is_never_denied(real_logs: Path, tmp_path: Path) -> None:
    """Twenty hours of a real account, mostly AWS services at work: all 599 role sessions found, nothing denied."""
    rows = replayed(real_logs / "cloudtrail" / "lookup-events-20h.jsonl", tmp_path / "rows.jsonl")
    assert counts(rows) == {"issuance": 599, "usage": 184, "joined": 1}
    assert "deny" not in {row["verdict"] for row in rows}


@pytest.mark.real_logs
def test_kubernetes_token_requests_and_their_use_are_found(real_logs: Path, tmp_path: Path) -> None:
    """31 TokenRequests; 2,291 of 2,473 calls by service accounts whose token was seen minted."""
    rows = replayed(real_logs / "kubernetes" / "audit-120s.jsonl", tmp_path / "rows.jsonl")
    assert counts(rows) == {"issuance": 31, "usage": 2473, "joined": 2291}
    assert {row["verdict"] for row in rows} == {"allow"}


@pytest.mark.real_logs
def test_a_vault_life_cycle_is_joined_from_login_to_revocation(real_logs: Path, tmp_path: Path) -> None:
    """Login and renewal are issuances; each of the five calls made with the token finds its mint."""
    rows = replayed(real_logs / "vault" / "jwt-login-to-revoke.json", tmp_path / "rows.jsonl")
    assert counts(rows) == {"issuance": 2, "usage": 5, "joined": 5}
    assert len({row["requester"] for row in rows}) == 1


@pytest.mark.real_logs
def test_all_real_logs_together_give_the_same_bytes_twice(real_logs: Path, tmp_path: Path) -> None:
    """Three dialects at once, recognised by content, in the contract's columns, one row an event."""
    names = [str(real_logs / name) for name in ("cloudtrail", "kubernetes", "vault")]
    for out in ("a.jsonl", "b.jsonl"):
        assert run(["replay", *names, "--out", str(tmp_path / out)]) == 0
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(list(row) == KEYS for row in rows)
    assert len({(row["kind"], row["id"]) for row in rows}) == len(rows)
