"""What a record makes due to be announced. Part of the fold: it remembers, and announces nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detector.engine.agenda import Agenda, Errand, Moved
from detector.engine.joins import TASK_GRACE_SECONDS, Lease
from detector.engine.memory import Memory
from detector.engine.outcomes import JUDGES
from detector.engine.recalls import FORGIVEN, MOST_ELEVATED, Recall, Told, told_key
from detector.engine.records import (
    Announced,
    AnnouncementCode,
    Decided,
    Observed,
    OutcomeRecorded,
    Record,
    Released,
    RuleChanged,
    Weighed,
)
from detector.events import Issuance, Lifecycle, Usage
from detector.features.facets import Facets

DENIED: Final[Mapping[AnnouncementCode, str]] = {
    "usage_denied": "its use was denied",
    "minted_denied": "it was minted where that is denied",
    "denied": "its requester was denied",
}
"""How a reason begins, by what was denied."""

_SAID: Final = 3
"""Reasons that stand in an announcement's own."""


def note(memory: Memory, agenda: Agenda, record: Record, facets: Facets | None, now: float) -> None:
    """Remember what a record that was just folded makes due; `facets` is what its event was weighed as."""
    if isinstance(record, Observed):
        if record.teaches:
            _observed(memory, agenda, record, facets, now)
    elif isinstance(record, Released):
        _used(memory, agenda, record.event, record.weighed, facets, now)
    elif isinstance(record, Decided):
        denied = record.answer == "deny" and record.weighed.without_limits == "deny"
        if denied and record.moves_risk and not record.rule_bit:
            _recall(memory, agenda, _of(record.weighed, "denied", record.decision, record.requester, now))
    elif isinstance(record, RuleChanged):
        if record.change == "enforced":
            rule = record.rule
            because = f"a deny rule was enforced on its requester: {rule.because}"
            whose = rule.selector.requester
            _recall(memory, agenda, Recall(now, "rule", rule.id, because, (), whose, selector=rule.selector))
    elif isinstance(record, OutcomeRecorded):
        _settled(memory, agenda, record, now)
    elif isinstance(record, Announced):
        _told(memory, record, now)


def reasons_of(weighed: Weighed) -> tuple[str, tuple[str, ...]]:
    """The first reasons in words, and the codes of all."""
    said = "; ".join(reason.because for reason in weighed.reasons[:_SAID])
    return said, tuple(reason.code for reason in weighed.reasons)


def _observed(memory: Memory, agenda: Agenda, record: Observed, facets: Facets | None, now: float) -> None:
    event = record.event
    if isinstance(event, Issuance):
        if facets is not None and record.weighed is not None:
            _issued(memory, agenda, record, facets, now)
    elif isinstance(event, Usage):
        if record.weighed is not None:
            _used(memory, agenda, event, record.weighed, facets, now)
    else:
        _changed(memory, agenda, event, now)


def _issued(memory: Memory, agenda: Agenda, record: Observed, facets: Facets, now: float) -> None:
    event, weighed, joins = record.event, record.weighed, memory.joins
    if not isinstance(event, Issuance) or weighed is None:
        return
    lease = joins.leases.get(event.credential) if event.credential and event.outcome == "granted" else None
    if event.credential and lease is not None:
        agenda.leases.add(joins.leases, event.credential, lease)
        _works(memory, agenda, lease, now)
    if weighed.verdict == "deny":
        if event.credential and lease is not None:
            recall = _of(weighed, "minted_denied", event.id, facets.requester, now, credential=event.credential)
            _recall(memory, agenda, recall)
        if weighed.without_limits == "deny" and not record.rule_bit:
            _recall(memory, agenda, _of(weighed, "denied", event.id, facets.requester, now))
    _moved(memory, agenda, facets.requester, facets.issuer, event.id, weighed)


def _used(  # noqa: PLR0917 - one row, and what it is noted in
    memory: Memory, agenda: Agenda, event: Usage, weighed: Weighed, facets: Facets | None, now: float
) -> None:
    """A credential that nobody was seen minting is let be: whose it is, and whether it is alive, is not known."""
    lease = memory.joins.leases.get(event.credential) if event.credential else None
    if lease is None or facets is None:
        return
    if weighed.verdict == "deny":
        recall = _of(weighed, "usage_denied", event.id, lease.requester, now, credential=event.credential)
        _recall(memory, agenda, recall)
    _moved(memory, agenda, facets.requester, facets.issuer, event.id, weighed)


def _changed(memory: Memory, agenda: Agenda, event: Lifecycle, now: float) -> None:
    if event.change == "task_completed":
        memory.recalls.ended.put(event.subject, now)
        agenda.add(now + TASK_GRACE_SECONDS, Errand("ended", event.subject), now)


def _works(memory: Memory, agenda: Agenda, lease: Lease, now: float) -> None:
    """Something was granted for a task: it has ended by its first grant and the time that a task may take."""
    timeout, begun = memory.policy.task_timeout_seconds, memory.recalls.begun
    if lease.task is None or not timeout:
        return
    since = begun.get(lease.task)
    if since is None:
        begun.put(lease.task, now)
    due = (now if since is None else since) + timeout
    if since is None or due <= now:
        agenda.add(max(due, now), Errand("timed_out", lease.task), now)


def _settled(memory: Memory, agenda: Agenda, record: OutcomeRecorded, now: float) -> None:
    decision = memory.decisions.get(record.decision)
    if decision is None:
        return
    requester = decision.requester
    if record.trust in JUDGES:
        if record.outcome == "malicious":
            because = f"decision {record.decision} of its requester was found to be malicious"
            codes = reasons_of(decision.weighed)[1]
            _recall(memory, agenda, Recall(now, "labelled", record.decision, because, codes, requester))
        elif record.outcome in {"approved", "legitimate"}:
            _forgive(memory, requester)
    _moved(memory, agenda, requester, decision.request.issuer, record.decision, decision.weighed)


def _forgive(memory: Memory, requester: str) -> None:
    key = Recall(0.0, "denied", "", "", (), requester).key
    known = memory.recalls.due.get(key)
    if known is not None and known.code in FORGIVEN:
        memory.recalls.due.drop(key)


def _moved(  # noqa: PLR0917 - as `_used`
    memory: Memory, agenda: Agenda, requester: str, issuer: str, cause: str, weighed: Weighed
) -> None:
    standing = memory.standings.get(requester)
    if standing is not None and (standing.risk.observed or requester in memory.recalls.levels):
        because, codes = reasons_of(weighed)
        agenda.moved[requester] = Moved(issuer, cause, because, codes)


def _told(memory: Memory, record: Announced, now: float) -> None:
    recalls = memory.recalls
    if record.credential is not None:
        recalls.told.put(told_key(record.kind, record.credential), now)
    if record.after == "LOW":
        recalls.levels.pop(record.requester, None)
    elif record.after is not None and (record.requester in recalls.levels or len(recalls.levels) < MOST_ELEVATED):
        recalls.levels[record.requester] = Told(record.after, record.issuer)


def _of(
    weighed: Weighed, code: AnnouncementCode, cause: str, requester: str, now: float, *, credential: str | None = None
) -> Recall:
    said, codes = reasons_of(weighed)
    return Recall(now, code, cause, f"{DENIED[code]}: {said}", codes, requester, credential=credential)


def _recall(memory: Memory, agenda: Agenda, recall: Recall) -> None:
    memory.recalls.due.put(recall.key, recall)
    agenda.add(recall.at, Errand("recall", recall.key), recall.at)
