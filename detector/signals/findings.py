"""Flagged rows as OCSF Detection Findings (class 2004), for whatever collects those.

A step-up or a deny is a finding that is created; when a credential is announced because of it, the same finding is
updated: access was revoked. The numbers are those of OCSF 1.6.0 with its Security Control profile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from detector.engine.records import Announced, Decided, Entry, Observed, Released, Weighed
from detector.events import GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.evidence import in_nats
from detector.features.facets import GRANT_GRADES, USE_GRADES
from detector.verdict import Reason

OCSF_VERSION: Final = "1.6.0"
CATEGORY: Final = 2
CLASS: Final = 2_004
CREATE: Final = 1
UPDATE: Final = 2

ALLOWED: Final = (1, 1, "Allowed")
BLOCKED: Final = (2, 2, "Blocked")
CHALLENGE: Final = (2, 23, "Challenge")
"""A step-up is no until it is satisfied: the action is Denied."""
LOGGED: Final = (3, 17, "Logged")
"""What nothing was done about: its action is Observed."""
REVOKED: Final = (2, 24, "Access Revoked")

ACTIONS: Final = {1: "Allowed", 2: "Denied", 3: "Observed"}

RISK_LEVELS: Final = ((0.2, 1, "Low"), (0.5, 2, "Medium"), (0.8, 3, "High"), (1.01, 4, "Critical"))
"""The probability of abuse below which a level ends, its number and its name."""

SEVERITIES: Final = {"allow": (1, "Informational"), "step_up": (3, "Medium"), "deny": (4, "High")}

CONFIDENCES: Final = ((33, 1, "Low"), (66, 2, "Medium"), (101, 3, "High"))

AT_THRESHOLD: Final = 50
"""The confidence of evidence that just reaches a step-up; it is whole from twice that."""

TIMES: Final = frozenset({"watch", "hour", "gap", "age", "task_age"})
AMOUNTS: Final = frozenset({*GRANT_GRADES, *USE_GRADES}) - TIMES

BEHAVIOURAL: Final = 2
SYSTEM: Final = 3
"""OCSF's word for an account that is no person's."""


def finding(entry: Entry, *, product_version: str) -> dict[str, Any] | None:
    """The finding that a log entry is; `None` for one that nothing was found in."""
    record = entry.record
    if isinstance(record, Announced):
        return _revoked(record, entry.stamp, product_version) if record.kind == "session_revoked" else None
    weighed = getattr(record, "weighed", None)
    if not isinstance(record, Decided | Observed | Released) or weighed is None or weighed.verdict == "allow":
        return None
    if isinstance(record, Decided):
        return _of_grant(record.request, weighed, _done(record), record.decision, entry, product_version)
    event = record.event
    if isinstance(event, Issuance):
        return _of_grant(event.grant, weighed, LOGGED, event.id, entry, product_version)
    return None if isinstance(event, Lifecycle) else _of_usage(event, weighed, entry, product_version)


def _done(decided: Decided) -> tuple[int, int, str]:
    """What came of a decision: what the broker was told, and under which mode."""
    if decided.answer == "deny":
        return BLOCKED
    if decided.answer == "step_up":
        return CHALLENGE
    return ALLOWED if decided.mode == "break_glass" else LOGGED


def _of_grant(  # noqa: PLR0917 - what a finding is made of
    grant: GrantRequest, weighed: Weighed, done: tuple[int, int, str], uid: str, entry: Entry, version: str
) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "actor": _actor(grant.requester),
        "api": {"operation": ",".join(grant.actions) or "issue", "service": {"name": grant.issuer}},
        "resources": [{"name": grant.resource, "type": "credential"}],
        "uid": grant.id,
        **_whence(grant.source),
    }
    return {
        **_finding(weighed, done, uid, entry, version, about=grant.requester),
        "evidences": [evidence],
        "resources": [{"name": grant.resource, "type": "credential", "owner": {"name": grant.issuer}}],
        "start_time": _milliseconds(grant.time),
    }


def _of_usage(event: Usage, weighed: Weighed, entry: Entry, version: str) -> dict[str, Any]:
    about = event.requester or event.credential or "a credential that was not named"
    evidence: dict[str, Any] = {"uid": event.id, "actor": _actor(about), **_whence(event.source)}
    if event.action:
        evidence["api"] = {"operation": event.action}
    if event.resource:
        evidence["resources"] = [{"name": event.resource}]
    return {
        **_finding(weighed, LOGGED, event.id, entry, version, about=about),
        "evidences": [evidence],
        "resources": [{"uid": event.credential or "unknown", "type": "credential"}],
        "start_time": _milliseconds(event.time),
    }


def _revoked(announced: Announced, stamp: float, version: str) -> dict[str, Any]:
    return {
        **_frame(UPDATE, stamp, version),
        **_control(REVOKED),
        "finding_info": _info(
            announced.cause or announced.requester, "A credential should work no more", announced.because
        ),
        "message": announced.because,
        "severity_id": SEVERITIES["deny"][0],
        "severity": SEVERITIES["deny"][1],
        "status_id": 2,
        "status": "In Progress",
        "is_alert": True,
        "evidences": [{"actor": _actor(announced.requester), "resources": [_credential(announced)]}],
        "resources": [_credential(announced)],
    }


def _credential(announced: Announced) -> dict[str, Any]:
    shown: dict[str, Any] = {"uid": announced.credential, "type": "credential", "owner": {"name": announced.issuer}}
    return {**shown, "name": announced.resource} if announced.resource else shown


def _finding(
    weighed: Weighed, done: tuple[int, int, str], uid: str, entry: Entry, version: str, *, about: str
) -> dict[str, Any]:
    """What findings of every kind of row have."""
    because = "; ".join(reason.because for reason in weighed.reasons)
    title = "A request was denied" if weighed.verdict == "deny" else "A request was stepped up"
    _, level, named = next(band for band in RISK_LEVELS if weighed.risk < band[0])
    confidence = _confidence(weighed)
    _, sure, sureness = next(band for band in CONFIDENCES if confidence < band[0])
    severity, severe = SEVERITIES[weighed.verdict]
    return {
        **_frame(CREATE, entry.stamp, version),
        **_control(done),
        "finding_info": _info(uid, title, because),
        "message": because,
        "severity_id": severity,
        "severity": severe,
        "status_id": 1,
        "status": "New",
        "is_alert": True,
        "risk_score": round(100 * weighed.risk),
        "risk_level_id": level,
        "risk_level": named,
        "confidence_score": confidence,
        "confidence_id": sure,
        "confidence": sureness,
        "anomaly_analyses": [_analysis(weighed.reasons, about)],
    }


def _frame(activity: int, stamp: float, version: str) -> dict[str, Any]:
    return {
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "activity_id": activity,
        "activity_name": {CREATE: "Create", UPDATE: "Update"}[activity],
        "type_uid": CLASS * 100 + activity,
        "time": _milliseconds(stamp),
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["security_control"],
            "product": {"name": "Assayer", "vendor_name": "Assayer", "version": version},
        },
    }


def _control(done: tuple[int, int, str]) -> dict[str, Any]:
    action, disposition, named = done
    return {
        "action_id": action,
        "action": ACTIONS[action],
        "disposition_id": disposition,
        "disposition": named,
    }


def _info(uid: str, title: str, described: str) -> dict[str, Any]:
    analytic = {"name": "Assayer", "type_id": BEHAVIOURAL, "type": "Behavioral"}
    return {"uid": uid, "title": title, "desc": described, "analytic": analytic}


def _analysis(reasons: Sequence[Reason], about: str) -> dict[str, Any]:
    """What was unusual, reason by reason, and what was usual instead."""
    telling = [reason for reason in reasons if reason.nats > 0] or list(reasons)
    return {
        "analysis_targets": [{"name": about, "type": "Service Account"}],
        "anomalies": [
            {
                "observation_parameter": reason.code,
                "observation_type": _kind(reason.code),
                "observed_pattern": _pattern(reason),
                "observations": [{"value": reason.observed}],
            }
            for reason in telling
        ],
        "baselines": [
            {
                "observation_parameter": reason.code,
                "observation_type": _kind(reason.code),
                "observed_pattern": "FREQUENT",
                "observations": [{"value": reason.expected}],
            }
            for reason in telling
        ],
    }


def _kind(code: str) -> str:
    if code in TIMES:
        return "Time Pattern Analysis"
    return "Volume Analysis" if code in AMOUNTS else "Frequency Analysis"


def _pattern(reason: Reason) -> str:
    """OCSF's word for how unusual it was; a value that is among the usual ones is rare, another was never seen."""
    if reason.code in TIMES:
        return "OFF_HOURS"
    if reason.code in AMOUNTS:
        return "SURGE"
    return "RARE" if f"{reason.observed} (" in reason.expected else "UNSEEN"


def _confidence(weighed: Weighed) -> int:
    """How far evidence is past where it steps up, in [0, 100]. A rule denies whatever the evidence."""
    ratio = in_nats(weighed.evidence) / max(in_nats(weighed.step_up_at), 1e-9)
    return round(min(max(AT_THRESHOLD * ratio, 0.0), 100.0))


def _actor(name: str) -> dict[str, Any]:
    return {"user": {"name": name, "uid": name, "type_id": SYSTEM, "type": "System"}}


def _whence(source: Source) -> Mapping[str, Any]:
    endpoint = {"ip": source.ip, "name": source.workload}
    given = {name: value for name, value in endpoint.items() if value}
    return {"src_endpoint": given} if given else {}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1_000)
