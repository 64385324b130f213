"""What the fold does with access requests and approvals, and what an issuance asks of them."""

from __future__ import annotations

from detector.engine.asking_records import AccessRequested, AccessSettled
from detector.engine.joins import SKEW_SECONDS
from detector.engine.memory import Memory
from detector.engine.records import Decided
from detector.engine.tasks import Task
from detector.events import Issuance


def fold(memory: Memory, record: AccessRequested | AccessSettled, now: float) -> None:
    """Fold an access request, or what became of one."""
    if isinstance(record, AccessRequested):
        _requested(memory, record, now)
    else:
        _settled(memory, record, now)


def _requested(memory: Memory, record: AccessRequested, now: float) -> None:
    memory.tasks.add(
        record.task,
        Task(
            decision=record.decision,
            requester=record.requester,
            issuer=record.issuer,
            resource=record.resource,
            broker=record.by,
            scope=record.scope,
            evidence=record.evidence,
            created=now,
            expires=record.expires,
            methods=record.methods,
            parties=record.parties,
            limits=record.limits,
            ttl_seconds=record.ttl_seconds,
            wanted=record.wanted,
            emergency=record.emergency,
            because=record.because,
            key=record.key,
            body=record.body,
        ),
    )


def _settled(memory: Memory, record: AccessSettled, now: float) -> None:
    """A revoked approval is one that is good no longer."""
    tasks = memory.tasks
    if record.status == "revoked":
        task = tasks.get(record.task)
        if task is not None:
            task.until = min(task.until, now)
        return
    task = tasks.end(record.task, record.status, now)
    if task is None:
        return
    task.by, task.method, task.trust = record.by, record.method or "", record.trust
    if record.status == "approved":
        task.approval, task.until = record.approval, record.until
        task.uses, task.margin = record.uses, record.margin
        tasks.approve(record.task, task)


def passed(memory: Memory, record: Decided) -> None:
    """Fold a decision that passed on an approval: it is used, and whoever gave it answers for the decision too."""
    given = record.presented
    found = memory.tasks.named(approval=given.approval) if given is not None and given.until else None
    if found is not None:
        _, task = found
        task.used += 1
        memory.outcomes.put(record.decision, ("approved", task.trust))


def superseded(memory: Memory, decision: Decided) -> bool:
    """Whether a later decision passed on the approval that was given for this one: what is minted belongs to that."""
    found = memory.tasks.named(decision=decision.decision) if decision.answer == "step_up" else None
    return found is not None and found[1].used > 0


def outlives(memory: Memory, event: Issuance, decision: Decided) -> bool:
    """Whether what was minted is good for longer than the approval that it was minted on."""
    grant = event.grant
    until = _until(memory, decision)
    ends = event.expires_at
    if ends is None and grant.ttl_seconds is not None:
        ends = grant.time + grant.ttl_seconds
    return until is not None and ends is not None and ends > until + SKEW_SECONDS


def _until(memory: Memory, decision: Decided) -> float | None:
    """Until when an approval lets live what is minted on a decision, as its broker was told."""
    if decision.presented is not None and decision.presented.until:
        return decision.presented.until
    found = memory.tasks.named(decision=decision.decision) if decision.answer == "step_up" else None
    return found[1].until if found is not None and found[1].status == "approved" else None
