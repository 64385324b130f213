"""What is noted of an event that a log tells: weighed, joined, held against rules. Reads the state, changes nothing.

Noting again at the same state gives the same record, which is how the log is verified.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from detector.engine import approvals, glass, judge, policing, rulebook
from detector.engine.judge import Judged
from detector.engine.keys import asked_for, by_id
from detector.engine.records import Observed, Released
from detector.engine.state import State
from detector.events import Issuance, Usage
from detector.features.facets import Facets

Made = TypeVar("Made", bound=Observed | Released)
Noted: TypeAlias = tuple[Made, Facets, Judged]
"""A record, and what it was made of: the facets, and what each said."""


def note_issuance(state: State, event: Issuance, now: float, *, trusted: bool) -> Noted[Observed]:
    """What an issuance comes to as the state stands at `now` (Unix seconds)."""
    grant = event.grant
    decision = decision_for(state, event) if trusted else None
    facets = judge.prepare_grant(state, grant, now, decision=judge.decision_word(state, event, decision))
    judged = judge.weigh_grant(state, facets, now, decision=decision)
    weighed = policing.eased(state, grant, facets, judged.weighed, now)
    rule = rulebook.matching(state, facets, now)
    bit = rule is not None and rule.bites(grant.id) and not glass.open_for(state.memory, facets.requester, now)
    if rule is not None and bit:
        weighed = rulebook.denied(rule, weighed)
    weighed = policing.limited(weighed, policing.broken(state, grant), grant)
    record = Observed(
        event=event,
        weighed=weighed,
        decision=decision,
        rule=rule.id if rule else None,
        rule_stage=rule.stage if rule else None,
        rule_bit=bit,
        teaches=trusted,
    )
    return record, facets, judged


def note_use(state: State, event: Usage, now: float, *, trusted: bool, held: bool) -> Noted[Observed | Released]:
    """What a use comes to as the state stands at `now`; `held` is whether it has waited for its issuance."""
    facets = judge.prepare_use(state, event, now)
    judged = judge.weigh_use(state, facets, now)
    if held:
        return Released(event=event, weighed=judged.weighed), facets, judged
    return Observed(event=event, weighed=judged.weighed, teaches=trusted), facets, judged


def decision_for(state: State, event: Issuance) -> str | None:
    """The decision that an issuance belongs to: by name, else by id, else by what was asked, when."""
    memory, grant = state.memory, event.grant
    requester = state.identities.fold(grant.requester)
    candidates = (
        event.decision,
        memory.asked.get(by_id(grant.id)),
        memory.asked.get(asked_for(requester, grant.issuer, grant.resource)),
    )
    for decision in candidates:
        known = memory.decisions.get(decision) if decision else None
        if known is None or known.requester != requester or known.decision in memory.minted:
            continue
        if approvals.superseded(memory, known):
            continue
        named = decision is event.decision or known.request.id == grant.id
        if named or abs(grant.time - known.request.time) <= state.policy.decision_deadline_seconds:
            return decision
    return None
