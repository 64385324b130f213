"""What somebody's word on a decision changes: risk, what was held, what teaches, what is condemned.

Words have unequal weight. An analyst's and an approver's count in full. A broker says how its own step-up ended:
that clears or charges the decision, but teaches no baseline sooner and forgives nothing else, for a broker that
was taken over would say what suits it; its refusals count half. A machine's proof clears the one decision.
"""

from __future__ import annotations

from typing import Final, get_args

from detector.baselines.baselines import Baselines
from detector.engine.memory import Memory, Standing
from detector.engine.oddities import forgive
from detector.engine.records import Decided, Outcome, OutcomeRecorded, Trust
from detector.engine.teaching import learn
from detector.evidence import in_nats
from detector.risk import step

CLEARED: Final = frozenset({"approved", "legitimate"})
"""Outcomes that speak for the requester; the other two speak against it."""

RANK: Final[dict[Trust, int]] = {trust: rank for rank, trust in enumerate(get_args(Trust))}
"""A lesser word never takes the place of a weightier one."""

CHARGED: Final[dict[Trust, float]] = {"automatic": 0.0, "broker": 0.5, "approver": 1.0, "analyst": 1.0}
"""How much of what a decision added to risk counts as seen, once its word is that it was abuse."""

JUDGES: Final = frozenset({"approver", "analyst"})
"""Whose word also teaches, forgives and condemns."""


def settle(memory: Memory, baselines: Baselines, standing: Standing, record: OutcomeRecorded, now: float) -> None:
    """Fold an outcome. It counts once: told again it changes nothing, and a weightier or equal one takes its place."""
    decision, before = memory.decisions.get(record.decision), memory.outcomes.get(record.decision)
    if decision is None or not _replaces(record, before):
        return
    memory.outcomes.put(record.decision, (record.outcome, record.trust))
    issued = memory.minted.get(record.decision)
    if record.trust in JUDGES:
        _judged(memory, baselines, standing, decision, record.outcome, issued, now)
        _calibrate(memory, decision, record.outcome, before)
    _charge(standing, decision, record, before, now, issued=bool(issued))


def _replaces(record: OutcomeRecorded, before: tuple[Outcome, Trust] | None) -> bool:
    if before is None:
        return True
    return before != (record.outcome, record.trust) and RANK[record.trust] >= RANK[before[1]]


def _judged(  # noqa: PLR0917 - one place where all that an outcome bears on meets
    memory: Memory,
    baselines: Baselines,
    standing: Standing,
    decision: Decided,
    outcome: Outcome,
    issued: str | None,
    now: float,
) -> None:
    """Release or purge what was quarantined, forgive or condemn."""
    if outcome in CLEARED:
        standing.days.clear()
        forgive(standing, decision.weighed)
        if issued:
            memory.condemned.drop(issued)
            lesson = memory.flagged.pop(f"I{issued}", None)
            if lesson is not None:
                learn(memory, baselines, lesson, now)
        return
    memory.reference.uncount(standing.days)
    if outcome == "malicious" and issued:
        memory.condemned.put(issued, now)
        memory.flagged.pop(f"I{issued}", None)


def _calibrate(memory: Memory, decision: Decided, outcome: Outcome, before: tuple[Outcome, Trust] | None) -> None:
    """Count the word for what `risk` is worth, instead of the judge's word before it."""
    claimed = memory.policy.model.probability(in_nats(decision.weighed.evidence))
    labels = memory.reference.labels
    if before is not None and before[1] in JUDGES:
        labels.count(claimed, abusive=before[0] not in CLEARED, weight=-1.0)
    labels.count(claimed, abusive=outcome not in CLEARED)


def _charge(
    standing: Standing,
    decision: Decided,
    record: OutcomeRecorded,
    before: tuple[Outcome, Trust] | None,
    now: float,
    *,
    issued: bool,
) -> None:
    """What was only asked counts as seen once somebody entitled to judge refused it, and not at all once cleared."""
    risk, cleared = standing.risk, record.outcome in CLEARED
    was = None if before is None else 0.0 if before[0] in CLEARED else CHARGED[before[1]]
    becomes = 0.0 if cleared else CHARGED[record.trust]
    nats = said(decision)
    if was is None and issued:
        was = 1.0  # the log bore it out when it was minted
        becomes = max(becomes, 0.0 if cleared else 1.0)
    if was is None:
        if cleared or becomes:
            step(risk, -nats, now, asked=True)
        step(risk, becomes * nats, now)
        return
    step(risk, (becomes - was) * nats, now)


def said(decision: Decided) -> float:
    """What a decision added to the risk of its requester (nats)."""
    return max(in_nats(decision.weighed.step), 0.0)
