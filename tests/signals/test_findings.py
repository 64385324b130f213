"""OCSF Detection Findings (class 2004) as schema 1.6.0 wants them, for every row that was not allowed."""

from __future__ import annotations

from typing import Any

import pytest

from detector.engine.records import Decided, Entry, Observed, Released, Weighed
from detector.events import GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.signals.findings import OCSF_VERSION, finding
from detector.verdict import AnswerMode, Reason, Verdict, told
from tests.signals.conftest import revoked, risen

STAMP = 1_772_409_606.204

REASONS = (
    Reason(
        "network", "comes from a network it does not usually come from", 5.1, "10.10.4.0/24 (98%)", "185.220.101.0/24"
    ),
    Reason("resource", "asks for a resource it does not usually ask for", 2.0, "kv/app (90%), kv/all (1%)", "kv/all"),
    Reason("hour", "asks at an unusual hour (UTC)", 1.5, "09:00 on a working day", "03:00 on a weekend"),
    Reason("pace_1h", "asks unusually often within the hour", 1.0, "about 3 requests", "about 300 requests"),
    Reason("environment", "fits", -0.5, "prod", "prod"),
)

GRANT = GrantRequest(
    id="r1",
    time=STAMP - 1.0,
    issuer="vault:prod/aws",
    requester="spiffe://prod/app/svc1",
    resource="kv/all",
    actions=("read", "list"),
    source=Source(ip="185.220.101.47", workload="runner-7"),
)

# What OCSF 1.6.0 requires, quoted from its schema: base_event and finding, and each object that is used.
REQUIRED = {
    "": {"activity_id", "category_uid", "class_uid", "finding_info", "metadata", "severity_id", "time", "type_uid"},
    "metadata": {"product", "version"},
    "finding_info": {"uid"},
    "finding_info.analytic": {"type_id"},
    "anomaly_analyses[]": {"analysis_targets", "anomalies"},
    "anomaly_analyses[].analysis_targets[]": {"name"},
    "anomaly_analyses[].anomalies[]": {"observation_parameter", "observations"},
    "anomaly_analyses[].anomalies[].observations[]": {"value"},
    "anomaly_analyses[].baselines[]": {"observation_parameter", "observations"},
    "anomaly_analyses[].baselines[].observations[]": {"value"},
    "evidences[].api": {"operation"},
}

# "at_least_one" constraints of the schema.
ONE_OF = {
    "evidences[]": {"actor", "api", "resources", "src_endpoint", "user", "data"},
    "evidences[].actor": {"user", "process", "session"},
    "evidences[].actor.user": {"name", "uid", "account"},
    "resources[]": {"name", "uid"},
    "evidences[].resources[]": {"name", "uid"},
    "evidences[].src_endpoint": {"ip", "name", "hostname", "uid"},
    "metadata.product": {"name", "uid"},
}


def weighed(verdict: Verdict = "step_up", *, risk: float = 0.62, evidence: float = 7.4) -> Weighed:
    """What a row came to."""
    quanta = round(evidence * 1_024)
    return Weighed(own=quanta, evidence=quanta, step=0, risk=risk, verdict=verdict, reasons=REASONS)


def decided(name: str = "d1", *, verdict: Verdict = "step_up", mode: AnswerMode = "enforce", **more: Any) -> Decided:
    """A decision."""
    return Decided(
        decision=name,
        request=GRANT,
        requester=GRANT.requester,
        position=1,
        weighed=weighed(verdict, **more),
        answer=told(verdict, mode),
        mode=mode,
        moves_risk=True,
    )


def found(record: Any) -> dict[str, Any]:
    """A record's finding."""
    made = finding(Entry(1, STAMP, record), product_version="0.1")
    assert made is not None
    return made


def at(value: Any, path: str) -> list[Any]:
    """Everything at a path of the finding; `[]` goes through a list."""
    values = [value]
    for part in filter(None, path.split(".")):
        name, several = part.removesuffix("[]"), part.endswith("[]")
        values = [one[name] for one in values if name in one]
        if several:
            values = [item for several_items in values for item in several_items]
    return values


USAGE = Usage(id="u1", time=STAMP, credential="c1", action="iam:CreateUser", source=Source(ip="185.220.101.47"))
EVERY = [
    decided(),
    decided(verdict="deny"),
    decided(verdict="deny", mode="shadow"),
    Observed(event=Issuance(grant=GRANT, credential="c1"), weighed=weighed("deny")),
    Observed(event=USAGE, weighed=weighed()),
    Released(event=Usage(id="u2", time=STAMP, credential=None), weighed=weighed("deny")),
    revoked(),
]


@pytest.mark.parametrize("record", EVERY)
def test_all_that_the_schema_requires_is_there(record: Any) -> None:
    """`"requirement": "required"` and `"at_least_one"` of OCSF's own schema, for every object that a finding holds."""
    made = found(record)
    for path, names in REQUIRED.items():
        for value in at(made, path):
            assert names <= set(value), path
    for path, names in ONE_OF.items():
        for value in at(made, path):
            assert names & set(value), path
    assert made["metadata"]["version"] == OCSF_VERSION == "1.6.0"
    assert made["metadata"]["profiles"] == ["security_control"]


@pytest.mark.parametrize("record", EVERY)
def test_type_and_class_agree(record: Any) -> None:
    """OCSF: `type_uid` is `class_uid * 100 + activity_id`; Detection Finding is 2004, of category 2."""
    made = found(record)
    assert (made["class_uid"], made["category_uid"]) == (2_004, 2)
    assert made["type_uid"] == 200_400 + made["activity_id"]
    assert isinstance(made["time"], int)
    assert made["time"] == 1_772_409_606_204


@pytest.mark.parametrize(
    ("record", "action", "disposition"),
    [
        (decided(), (2, "Denied"), (23, "Challenge")),
        (decided(verdict="deny"), (2, "Denied"), (2, "Blocked")),
        (decided(mode="shadow"), (3, "Observed"), (17, "Logged")),
        (decided(verdict="deny", mode="observe"), (3, "Observed"), (17, "Logged")),
        (decided(verdict="deny", mode="kill_switch"), (3, "Observed"), (17, "Logged")),
        (decided(verdict="deny", mode="break_glass"), (1, "Allowed"), (1, "Allowed")),
        (Observed(event=USAGE, weighed=weighed("deny")), (3, "Observed"), (17, "Logged")),
        (revoked(), (2, "Denied"), (24, "Access Revoked")),
    ],
)
def test_what_was_done_is_said(record: Any, action: tuple[int, str], disposition: tuple[int, str]) -> None:
    """Security Control profile: action 1 Allowed, 2 Denied, 3 Observed ("neither explicitly allowed nor denied").

    Dispositions: 1 Allowed, 2 Blocked, 17 Logged, 23 Challenge, 24 Access Revoked ("The requestor's access has been
    revoked due to security policy enforcements").
    """
    made = found(record)
    assert (made["action_id"], made["action"]) == action
    assert (made["disposition_id"], made["disposition"]) == disposition


@pytest.mark.parametrize(
    ("risk", "level", "named"),
    [
        (0.0, 1, "Low"),
        (0.19, 1, "Low"),
        (0.2, 2, "Medium"),
        (0.62, 3, "High"),
        (0.95, 4, "Critical"),
        (1.0, 4, "Critical"),
    ],
)
def test_risk_is_a_score_and_a_level(risk: float, level: int, named: str) -> None:
    """risk_score in hundredths; risk_level_id 1 Low, 2 Medium, 3 High, 4 Critical."""
    made = found(decided(risk=risk))
    assert (made["risk_score"], made["risk_level_id"], made["risk_level"]) == (round(100 * risk), level, named)


def test_confidence_is_how_far_past_the_threshold_evidence_is() -> None:
    """Fifty where it just steps up (6 nats), whole from twice that; a rule denies without any."""
    scores = [found(decided("d", evidence=nats))["confidence_score"] for nats in (-3.0, 6.0, 9.0, 12.0, 30.0)]
    assert scores == [0, 50, 75, 100, 100]
    assert [found(decided("d", evidence=nats))["confidence_id"] for nats in (-3.0, 6.0, 12.0)] == [1, 2, 3]


def test_each_reason_is_an_anomaly_against_a_baseline() -> None:
    """With OCSF's own words for the pattern; what spoke for the row is none."""
    (analysis,) = found(decided())["anomaly_analyses"]
    patterns = {one["observation_parameter"]: one["observed_pattern"] for one in analysis["anomalies"]}
    assert patterns == {"network": "UNSEEN", "resource": "RARE", "hour": "OFF_HOURS", "pace_1h": "SURGE"}
    assert analysis["anomalies"][0]["observations"] == [{"value": "185.220.101.0/24"}]
    assert analysis["baselines"][0]["observations"] == [{"value": "10.10.4.0/24 (98%)"}]
    assert analysis["analysis_targets"][0]["name"] == "spiffe://prod/app/svc1"


def test_the_evidence_says_who_what_and_whence() -> None:
    """The requester, what it asked for at whom, and where it came from."""
    (evidence,) = found(decided())["evidences"]
    assert evidence["actor"]["user"]["name"] == "spiffe://prod/app/svc1"
    assert evidence["api"] == {"operation": "read,list", "service": {"name": "vault:prod/aws"}}
    assert evidence["src_endpoint"] == {"ip": "185.220.101.47", "name": "runner-7"}
    (used,) = found(Observed(event=USAGE, weighed=weighed()))["evidences"]
    assert used["api"] == {"operation": "iam:CreateUser"}


def test_a_revocation_updates_the_finding_that_it_follows_from() -> None:
    """Activity 2, Update, under the uid of the row whose fault it was."""
    made = found(revoked(7))
    assert (made["activity_id"], made["activity_name"], made["finding_info"]["uid"]) == (2, "Update", "u7")
    assert made["resources"][0]["uid"] == "c7"


@pytest.mark.parametrize(
    "record",
    [
        decided(verdict="allow"),
        Observed(event=USAGE, weighed=None),
        Observed(event=Lifecycle(id="l1", time=STAMP, change="revoked", subject="c1"), weighed=None),
        revoked(kind="credential_change"),
        risen(),
    ],
)
def test_nothing_else_is_a_finding(record: Any) -> None:
    """What was allowed, what was not judged, and the second word on one credential."""
    assert finding(Entry(1, STAMP, record), product_version="0.1") is None
