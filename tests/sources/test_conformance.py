"""Records in their vendors' forms, each with a rule's test around it: what can be read is read as it says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detector.events import Issuance, Usage
from detector.sources import DIALECTS, Unreadable, recognise

MINTS = {"AssumeRole", "GetSessionToken", "CreateAccessKey", "CreateLoginProfile"}


def logs(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The records inside the wrappers of one file."""
    with (folder / "rule-tests" / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["log"]


@pytest.mark.real_logs
def test_cloudtrail_records_of_others(real_logs: Path) -> None:
    """All are recognised; those with a time are read; every call that mints is an issuance."""
    # jq -r '.log | select((.eventTime // "") | test("^2")) | .eventName' AWS.CloudTrail.jsonl | sort | uniq -c
    found: Counter[str] = Counter()
    for record in logs(real_logs, "AWS.CloudTrail.jsonl"):
        assert recognise(record) == "cloudtrail"
        decoded = DIALECTS["cloudtrail"](record)
        if isinstance(decoded, Unreadable):
            assert not str(record.get("eventTime", "")).startswith("20")
            found["unreadable"] += 1
            continue
        mints = [event for event in decoded if isinstance(event, Issuance)]
        assert bool(mints) == (record["eventName"] in MINTS)
        assert all(event.id == record.get("eventID", event.id) for event in decoded)
        found.update(type(event).__name__ for event in decoded)
    assert found["unreadable"] == 11
    assert found["Issuance"] == 15


@pytest.mark.real_logs
def test_kubernetes_records_of_others(real_logs: Path) -> None:
    """All are recognised; trimmed ones say that they lack a time; nothing of an unfinished stage counts."""
    # jq -r '.log | select(.requestReceivedTimestamp) | .objectRef.subresource' Amazon.EKS.Audit.jsonl
    found: Counter[str] = Counter()
    for record in logs(real_logs, "Amazon.EKS.Audit.jsonl"):
        if recognise(record) is None:
            found["unknown"] += 1  # trimmed to an objectRef and a verb: nothing says what it is
            continue
        decoded = DIALECTS["kubernetes"](record)
        if isinstance(decoded, Unreadable):
            assert decoded.reason == "requestReceivedTimestamp: is missing"
            assert "requestReceivedTimestamp" not in record
            found["unreadable"] += 1
            continue
        assert not decoded or record["stage"] == "ResponseComplete"
        found.update(type(event).__name__ for event in decoded)
        for event in decoded:
            if isinstance(event, Usage):
                user = record["user"]
                assert event.requester in {user["username"], *user.get("extra", {}).get("arn", ())}
    assert (found["Issuance"], found["Usage"]) == (3, 6)


@pytest.mark.real_logs
def test_google_kubernetes_records_of_others(real_logs: Path) -> None:
    """Those about a cluster are recognised and decoded; the others, of Google's own services, are not ours yet."""
    kinds: Counter[str | None] = Counter()
    for record in logs(real_logs, "GCP.AuditLog.jsonl"):
        dialect = recognise(record)
        kinds[dialect] += 1
        assert (dialect == "kubernetes") == (record.get("protoPayload", {}).get("serviceName") == "k8s.io")
        if dialect is not None:
            DIALECTS[dialect](record)
    assert kinds["kubernetes"] > 20
