"""State is a fold over the log: what every record changes, and nothing else does.

`apply` takes entries in the order of the log. It never weighs anything, it
calls no clock (now is the entry's stamp), and the same entries give the same
state, byte for byte, wherever they are folded.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Final, cast

import msgspec

from detector.baselines.baselines import Baselines
from detector.engine import approvals, glass, wear
from detector.engine.agenda import Agenda
from detector.engine.asking_records import AccessRequested, AccessSettled
from detector.engine.joins import Held, lease_of
from detector.engine.keys import asked_as, asked_for, event_keys
from detector.engine.memory import Halt, Lesson, Memory, Standing, revived, saved
from detector.engine.noting import note
from detector.engine.oddities import news, remember
from detector.engine.outcomes import CLEARED, JUDGES, said, settle
from detector.engine.policy import Policy, Thresholds
from detector.engine.policy_memory import Agreed, note_document
from detector.engine.policy_records import IntentReauthorised, PolicyApplied, PolicyTried
from detector.engine.records import (
    HOUSEKEEPING,
    BreakGlassReviewed,
    Configured,
    Decided,
    Entry,
    KillSwitchTurned,
    Observed,
    OutcomeRecorded,
    PeersAssigned,
    Recalibrated,
    Record,
    Released,
    RuleChanged,
    Weighed,
)
from detector.engine.rule_changes import RuleChanges
from detector.engine.ruleset import RuleIndex, count_hit
from detector.engine.teaching import counting, learn, queue, stake, teach
from detector.events import GrantRequest, Issuance, Lifecycle, Usage
from detector.evidence import in_nats, quantise
from detector.features.facets import GIVEN, GRANT_FACETS, Facets, mint, named_in
from detector.features.identity import Identities
from detector.features.rhythm import DAY
from detector.features.sensitivity import Sensitivities
from detector.risk import step
from detector.risk.pressure import ALARM_AT, TIGHTEN, Pressure
from detector.rules import Abusive
from detector.verdict import AnswerMode

MOST_HISTORY: Final = 64
"""Points of a requester's risk over time that are kept: enough for a plot."""

FIRST_ROUNDS: Final = (DAY, DAY, 2 * DAY, 3 * DAY)
"""Between the first rounds of grouping peers: what a fleet does shows within its first week."""

ROUND_SECONDS: Final = 7 * DAY
"""Between later rounds: kinds of work come and go by the week, and newcomers are placed at once, without one."""

MEMO: Final = 8_192
"""Evidence whose probability is remembered: eight nats, quantum by quantum."""

MOST_ABUSE: Final = 16
ABUSE_SECONDS: Final = DAY
"""Flagged grants of a requester that are remembered for the search of a scope: what risk still remembers."""


class State:
    """The folded state: `memory`, the `baselines`, and what is compiled from the policy."""

    def __init__(self, policy: Policy) -> None:
        self.memory = Memory(policy)
        self.baselines = Baselines()
        self.rules = RuleIndex()
        self.agenda = Agenda()
        self.rule_changes = RuleChanges()
        self.unlogged: Halt | None = None
        self._compile(policy)

    def _compile(self, policy: Policy) -> None:
        self.policy = policy
        self.identities = Identities(policy.identity)
        self.sensitivities = Sensitivities(policy.sensitivity)
        self.grant_weights = policy.model.grant_weights()
        self.use_weights = policy.model.use_weights()
        self.probability = lru_cache(MEMO)(self._probability)
        self.agreed = Agreed(self.memory.documents, self.identities.fold)

    def _probability(self, quanta: int, use: bool) -> float:  # noqa: FBT001 - a cache's key
        """The probability of abuse for a row's evidence, in millionths; most rows come to one of a few hundred."""
        drawn = self.memory.reference.drawn
        shift = drawn.shift if drawn is not None else 0.0
        return round(self.policy.model.probability(in_nats(quanta), use=use, shift=shift), 6)

    @property
    def halted(self) -> Halt | None:
        """The kill switch, where it is on; also where it was turned while the log took no more (`unlogged`)."""
        return self.memory.halted or self.unlogged

    def mode_for(self, issuer: str, requester: str) -> AnswerMode:
        """What enforcement is under for a requester at an issuer, now."""
        if self.halted is not None:
            return "kill_switch"
        return self.policy.mode_for(issuer, requester)

    def thresholds_for(self, issuer: str) -> Thresholds:
        """The issuer's own thresholds, else those last drawn, else the configured ones."""
        own = self.policy.issuer_thresholds.get(issuer) if self.policy.issuer_thresholds else None
        return own if own is not None else self.general_thresholds()

    def general_thresholds(self) -> Thresholds:
        """Those of every issuer that has none of its own."""
        drawn = self.memory.reference.drawn
        return drawn.thresholds if drawn is not None else self.policy.thresholds

    def tightened(self, facets: Facets, now: float) -> float:
        """The nats by which a grant's step-up threshold gives for what is at stake, and at an issuer under pressure."""
        if facets.issuer in self.policy.issuer_thresholds:
            return 0.0
        memory, tighten = self.memory, self.policy.tighten
        nats = tighten * memory.reach.deviations(stake(memory.reach, facets)) if tighten else 0.0
        return nats + TIGHTEN if self.pressed(facets.issuer, now) else nats

    def pressed(self, issuer: str, now: float) -> bool:
        """Whether so many requesters of an issuer are odd at once that it may be compromised."""
        pressure = self.memory.pressures.get(issuer)
        return pressure is not None and pressure.deviations(now) >= ALARM_AT

    # -- the fold ------------------------------------------------------------------------------

    def apply(self, entry: Entry, prepared: Facets | None) -> None:
        """Fold one entry; `prepared` is what its event was weighed as, if it was."""
        memory, now = self.memory, entry.stamp
        if type(entry.record) not in HOUSEKEEPING:
            teach(memory, self.baselines, now)
            if memory.tasks.pending:
                memory.tasks.sweep(now)
            self._take(entry.record, prepared, now)
            if not memory.round_due:
                memory.round_due = now + pause(0)
        if isinstance(entry.record, RuleChanged):
            self.rule_changes.note(entry.record.rule.id, entry.position)
        memory.position, memory.stamp = entry.position, now

    def _take(self, record: Record, prepared: Facets | None, now: float) -> None:
        memory = self.memory
        if isinstance(record, Observed):
            self._observed(record, prepared, now)
        elif isinstance(record, Released):
            memory.joins.release(record.event.credential or "", record.event.id)
            self._used(record.event, record.weighed, cast("Facets", prepared), now)
        elif isinstance(record, Decided):
            self._decided(record, now)
        elif isinstance(record, RuleChanged):
            self.rules.put(memory, record.rule, now)
        elif isinstance(record, OutcomeRecorded):
            self._settled(record, now)
        elif isinstance(record, AccessRequested | AccessSettled):
            approvals.fold(memory, record, now)
        elif isinstance(record, Recalibrated):
            memory.reference.turn(record.drawn, record.day)
            self.probability.cache_clear()
        elif isinstance(record, Configured):
            self._configure(record.policy)
        elif isinstance(record, PeersAssigned):
            self.baselines.assign(record.grouping, whole=record.whole)
            memory.rounds += record.whole
            memory.round_due = now + pause(memory.rounds)
        else:
            self._ordered(record, now)
        note(memory, self.agenda, record, prepared, now)

    def fold(self, entry: Entry, prepare: Any) -> None:
        """Fold one entry read back from the log, preparing what it teaches as it was prepared then."""
        record = entry.record
        prepared = None
        if isinstance(record, Observed | Released) and record.weighed is not None:
            prepared = prepare(self, record.event, entry.stamp, record)
        self.apply(entry, prepared)

    # -- what each record does -----------------------------------------------------------------

    def _ordered(self, record: Record, now: float) -> None:
        """What somebody with a name ordered, beside rules and outcomes."""
        memory = self.memory
        if isinstance(record, KillSwitchTurned):
            memory.halted = Halt(now, record.by, record.because) if record.engaged else None
        elif isinstance(record, BreakGlassReviewed):
            glass.reviewed(memory, record)
        elif isinstance(record, PolicyTried | PolicyApplied | IntentReauthorised):
            note_document(memory.documents, record, now)
            self.agreed = Agreed(memory.documents, self.identities.fold)

    def _configure(self, policy: Policy) -> None:
        memory, drawn = self.memory, self.memory.reference.drawn
        if drawn is not None and policy.thresholds != memory.policy.thresholds:
            memory.reference.drawn = msgspec.structs.replace(drawn, thresholds=policy.thresholds)
        memory.policy = policy
        memory.configured = True
        self._compile(policy)

    def _observed(self, record: Observed, prepared: Facets | None, now: float) -> None:
        event, joins = record.event, self.memory.joins
        if not record.teaches:
            # What an untrusted caller sent was recorded and judged: it neither teaches, nor moves risk, nor joins.
            for key in event_keys(event):
                joins.overheard.put(key, now)
            return
        for key in event_keys(event):
            joins.ids.put(key, now)
        self.memory.reference.begin(now)
        if isinstance(event, Lifecycle):
            joins.change(event, self.identities.fold(event.subject))
        elif isinstance(event, Issuance):
            self._issued(event, record, cast("Facets", prepared), now)
        elif record.weighed is None:
            joins.hold(Held(event, record.deadline or now))
        else:
            self._used(event, record.weighed, cast("Facets", prepared), now)

    def _issued(self, event: Issuance, record: Observed, prepared: Facets, now: float) -> None:
        memory, joins, grant = self.memory, self.memory.joins, event.grant
        requester, granted = prepared.requester, event.outcome == "granted"
        standing, weighed = self.standing(requester), cast("Weighed", record.weighed)
        known = memory.decisions.get(record.decision) if record.decision else None
        outcome, trust = (memory.outcomes.get(record.decision) if record.decision else None) or (None, "analyst")
        cleared = outcome in CLEARED
        forgiven = cleared and trust in JUDGES
        if known is not None and outcome is None:
            # The decision and its issuance are one event: what was asked gives way to what was seen.
            step(standing.risk, -said(known), now, asked=True)
        if record.rule is not None:
            count_hit(memory, record, weighed)
        if weighed.flagged and not cleared:
            self._abused(standing, grant, weighed, now)
        pressure = memory.pressures.setdefault(grant.issuer, Pressure())
        pressure.add(requester, news(standing, weighed, now), now)
        self._move(standing, requester, weighed, now, moved=0.0 if cleared else in_nats(weighed.step), cleared=forgiven)
        standing.pulse.beat(prepared.values[_RESOURCE], now, refused=not granted)
        if not granted:
            return
        if record.decision:
            memory.minted.put(record.decision, event.id)
        if outcome == "malicious" and trust in JUDGES:
            memory.condemned.put(event.id, now)
        if grant.break_glass:
            memory.untaught.put(event.id, now)
        if grant.task:
            joins.work(grant.task, requester, grant.time)
        if event.credential is not None:
            lease = lease_of(event, requester, mint(grant, self.identities.fold))
            joins.mint(event.credential, lease, grant.renewal_of)
            wear.minted(memory.worn, joins, event, lease, now)
            standing.pulse.minted(now)
        lesson = Lesson(now, event.id, use=False, facets=prepared, nats=counting(standing, weighed, now))
        if forgiven:
            learn(memory, self.baselines, lesson, now)
        else:
            queue(memory, event, lesson, weighed, now)

    def _used(self, event: Usage, weighed: Weighed, prepared: Facets, now: float) -> None:
        joins = self.memory.joins
        lease = joins.leases.get(event.credential) if event.credential else None
        standing = self.standing(prepared.requester)
        if lease is not None:
            lease.uses += 1
            wear.used(self.memory.worn, lease, event, self.identities.fold(event.resource) if event.resource else None)
            if lease.uses == 1:
                standing.pulse.first_use()
        elif event.credential:
            joins.strangers.put(event.credential, now)
        standing.pulse.use(now, denied=event.outcome == "denied")
        self._move(standing, prepared.requester, weighed, now, moved=in_nats(weighed.step))
        minted = lease.issuance if lease is not None else ""
        lesson = Lesson(now, minted, use=True, facets=prepared, nats=counting(standing, weighed, now))
        queue(self.memory, event, lesson, weighed, now)

    def _decided(self, record: Decided, now: float) -> None:
        memory, request = self.memory, record.request
        if not record.moves_risk:
            # An untrusted ask is answered again alike, and that is all it does.
            memory.overheard.put(asked_as(request), record)
            memory.overheard.put(record.decision, record)
            return
        named = asked_for(record.requester, request.issuer, request.resource)
        memory.decisions.put(record.decision, record)
        memory.asked.put(asked_as(request), record.decision)
        memory.asked.put(named, record.decision)
        said = memory.askers.setdefault(request.issuer, [])
        said += [name for name, given in GIVEN.items() if name not in said and given(request)]
        standing = self.standing(record.requester)
        step(standing.risk, in_nats(record.weighed.step), now, asked=True)
        if record.weighed.flagged:
            memory.refused.put(named, now)
            self._remember(standing, now)
        glass.passed(memory, record, now)
        approvals.passed(memory, record)
        if record.rule is not None:
            count_hit(memory, record, record.weighed)
        if record.weighed.flagged:
            self._abused(standing, request, record.weighed, now)

    def _abused(self, standing: Standing, grant: GrantRequest, weighed: Weighed, now: float) -> None:
        """Remember a flagged grant for whoever searches what the abuse has in common."""
        if weighed.evidence < weighed.step_up_at:
            return
        standing.abuse = [row for row in standing.abuse if now - row.at < ABUSE_SECONDS][-MOST_ABUSE + 1 :]
        standing.abuse.append(Abusive(named_in(grant, self.identities.fold), in_nats(weighed.own), now))

    def _settled(self, record: OutcomeRecorded, now: float) -> None:
        decision = self.memory.decisions.get(record.decision)
        if decision is not None:
            settle(self.memory, self.baselines, self.standing(decision.requester), record, now)

    # -- risk and learning ---------------------------------------------------------------------

    def standing(self, requester: str) -> Standing:
        """The requester's standing, made where there is none yet."""
        found = self.memory.standings.get(requester)
        if found is None:
            found = self.memory.standings[requester] = Standing()
        return found

    def _move(
        self, standing: Standing, requester: str, weighed: Weighed, now: float, *, moved: float, cleared: bool = False
    ) -> None:
        """Move the observed risk and remember what was odd. An ask remembers nothing: asking twice is no habit."""
        step(standing.risk, moved, now)
        days, today = standing.days, int(now // DAY)
        if days.day != today:
            if days.day:
                self.memory.reference.count_day(days, now)
            days.day = today
        days.top = max(days.top, in_nats(weighed.own))
        days.peak = max(days.peak, standing.risk.observed)
        remember(self.memory, standing, requester, weighed, now, flagged=weighed.flagged and not cleared)
        if weighed.odd or weighed.flagged:
            self._remember(standing, now)

    def _remember(self, standing: Standing, now: float) -> None:
        standing.history.append((now, quantise(standing.risk.level(now))))
        del standing.history[:-MOST_HISTORY]

    # -- leaving the process -------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The whole state as MessagePack; equal states give equal bytes."""
        return msgspec.msgpack.encode((VERSION, saved(self.memory), self.baselines.snapshot()))

    @classmethod
    def revive(cls, data: bytes) -> State:
        """The state that `snapshot` saved. Raises `ValueError` for another version or other bytes."""
        version, memory, baselines = msgspec.msgpack.decode(data, type=tuple[int, bytes, bytes])
        if version != VERSION:
            message = f"a snapshot of version {version}; this program reads version {VERSION}"
            raise ValueError(message)
        remembered = revived(memory)
        state = cls(remembered.policy)
        state.memory = remembered
        state.baselines = Baselines.revive(baselines)
        state.rules.refill(remembered.rules.values())
        leases, timeout = remembered.joins.leases, remembered.policy.task_timeout_seconds
        state.agenda.refill(remembered.recalls, leases, timeout=timeout, now=remembered.stamp)
        state.agreed = Agreed(remembered.documents, state.identities.fold)
        state.rule_changes = RuleChanges(floor=remembered.position)
        return state

    def digest(self) -> str:
        """SHA-256 of the whole state: equal for equal folds."""
        return hashlib.sha256(self.snapshot()).hexdigest()


_RESOURCE: Final = GRANT_FACETS.index("resource")

VERSION: Final = 1
"""The snapshot's format. One of another version is not read: the log is folded anew."""


def pause(rounds: int) -> float:
    """How long after so many rounds of grouping peers the next one is due (seconds)."""
    return FIRST_ROUNDS[rounds] if rounds < len(FIRST_ROUNDS) else ROUND_SECONDS
