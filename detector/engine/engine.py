"""The two journeys: a broker asks, and logs are observed.

Single-threaded: one thread calls it. Every change goes through one append to
the log and the same fold that a restart makes.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final

import msgspec
from msgspec import Struct

from detector.engine import judge, views
from detector.engine.joins import HELD, HOLD_SECONDS
from detector.engine.policy import Policy
from detector.engine.ports import Clock, Ear, Log, LogUnavailable, Silence, Snapshots
from detector.engine.records import (
    Configured,
    Decided,
    Entry,
    Observed,
    Outcome,
    OutcomeRecorded,
    Record,
    Released,
    RuleChanged,
    Weighed,
)
from detector.engine.state import State, asked_for, by_id
from detector.events import Event, GrantRequest, Issuance, Lifecycle, Usage
from detector.evidence import in_nats
from detector.features.facets import ABSENT, GRANT_FACETS, Facets
from detector.rules import SELECTABLE, Rule, RuleChange, RuleMode, Selector, narrowest
from detector.verdict import Reason, Verdict

REPEAT_SECONDS: Final = 3600.0
"""The same request after a verdict other than allow adds nothing for this long: an
honest retry loop must not turn a false step-up into a deny."""

LATE_SECONDS: Final = 3600.0
"""An event this much older than the log's clock is counted as late. It is taken all the same."""

RULE_ID_DIGITS: Final = 12
DECISION_ID_DIGITS: Final = 24


class ConflictingRequest(ValueError):
    """An id that was asked with before, now with another request."""


class Asked(Struct, frozen=True):
    """A decision, the future that says it is durable, and whether it was made just now."""

    decision: Decided
    durable: Future[int] | None
    fresh: bool


class Row(Struct, frozen=True):
    """One judged event as replay writes it. `evidence` is in nats, `time` in Unix seconds."""

    id: str
    kind: str
    time: float
    requester: str
    issuer: str | None
    credential: str | None
    issuance: str | None
    verdict: Verdict
    risk: float
    evidence: float
    reasons: tuple[Reason, ...]


class Vitals(Struct, frozen=True):
    """How the engine is: positions of the log, what is held in memory, rules by state."""

    position: int
    durable: int
    requesters: int
    issuers: int
    held: int
    credentials: int
    quarantined: int
    flagged: int
    rules: Mapping[str, int]


class Engine:
    """Answers asks and takes in observations, over a log.

    Reviving: the newest authentic snapshot and the log's tail, or the whole log.
    `warn` hears why a snapshot was not used.
    """

    def __init__(  # noqa: PLR0913 - the composition root hands in every port
        self,
        *,
        policy: Policy,
        log: Log,
        clock: Clock,
        snapshots: Snapshots | None = None,
        ear: Ear | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._log, self._clock, self._snapshots = log, clock, snapshots
        self._ear: Ear = ear if ear is not None else Silence()
        self._warn = warn
        self._latest: Future[int] | None = None
        self.state = self._revive(policy)
        memory = self.state.memory
        if not memory.configured or msgspec.json.encode(memory.policy) != msgspec.json.encode(policy):
            self._append(Configured(policy), self._now())

    def _revive(self, policy: Policy) -> State:
        state = State(policy)
        saved = self._snapshots.load() if self._snapshots is not None else None
        if saved is not None:
            try:
                state = State.revive(saved[1])
            except (ValueError, msgspec.DecodeError) as error:
                if self._warn is not None:
                    self._warn(f"the snapshot is not used, the whole log is folded: {error}")
        for entry in self._log.read(state.memory.position):
            state.fold(entry, judge.prepare)
        return state

    # -- asking --------------------------------------------------------------------------------

    def ask(self, request: GrantRequest, *, trusted: bool) -> Asked:
        """Answer a grant request.

        Only a `trusted` (broker-authenticated) ask moves the requester's risk.
        Asking twice with one id returns the first decision. Raises
        `ConflictingRequest` when the id was another request's.
        """
        state, now = self.state, self._now()
        known = self._known(request, trusted=trusted)
        if known is not None:
            return Asked(known, self.flushed(), fresh=False)
        self._release_due(now)
        prepared = judge.prepare_grant(state, request, now)
        requester = prepared.requester
        weighed = judge.weigh_grant(state, prepared, now, asked=True)
        since = state.memory.refused.get(asked_for(requester, request.issuer, request.resource))
        if since is not None and now - since < REPEAT_SECONDS:
            weighed = msgspec.structs.replace(weighed, step=0, odd={})
        rule = self._rule_for(prepared, now)
        bites = rule is not None and rule.mode == "enforced" and not request.break_glass
        if rule is not None and bites:
            weighed = _denied_by(rule, weighed)
        mode = state.policy.mode_for(request.issuer)
        decision = Decided(
            decision=_identifier("d", DECISION_ID_DIGITS, request.id, requester, str(now), str(state.memory.position)),
            request=request,
            requester=requester,
            position=state.memory.position,
            weighed=weighed,
            answer=weighed.verdict if mode == "enforce" else "allow",
            mode=mode,
            moves_risk=trusted,
            rule=rule.id if rule else None,
            rule_mode=rule.mode if rule else None,
        )
        try:
            durable = self._append(decision, now)
        except LogUnavailable as error:
            durable = Future()
            durable.set_exception(error)
        self._heard("grant_request", weighed, mode)
        return Asked(decision, durable, fresh=True)

    def _known(self, request: GrantRequest, *, trusted: bool) -> Decided | None:
        memory = self.state.memory
        decision = memory.asked.get(by_id(request.id, trusted=trusted))
        known = memory.decisions.get(decision) if decision else None
        if known is None:
            return None
        asked = known.request
        if (asked.requester, asked.issuer, asked.resource) != (request.requester, request.issuer, request.resource):
            message = f"id: {request.id!r} was another request's"
            raise ConflictingRequest(message)
        return known

    # -- observing -----------------------------------------------------------------------------

    def observe(self, event: Event, *, trusted: bool = True) -> tuple[Row, ...]:
        """Take in what a log tells: weighed before it is learnt.

        Returns the rows judged now: none for a lifecycle change, a duplicate or a
        usage that waits for its issuance; several when waiting usages are judged
        too. Raises `LogUnavailable` when the log takes no more.
        """
        now = self._now()
        rows = self._release_due(now)
        if isinstance(event, GrantRequest):
            asked = self.ask(event, trusted=trusted)
            if asked.fresh:
                rows.append(_row_of_decision(asked.decision))
            return tuple(rows)
        if f"{type(event).__name__[0]}{event.id}" in self.state.memory.joins.ids:
            self._ear.set_aside("duplicate")
            return tuple(rows)
        if event.time < now - LATE_SECONDS:
            self._ear.set_aside("late")
        if isinstance(event, Issuance):
            rows.append(self._issuance(event, now, trusted=trusted))
            if event.credential and event.credential in self.state.memory.joins.held:
                for held in list(self.state.memory.joins.held[event.credential]):
                    rows.append(self._released(held.usage, now))
        elif isinstance(event, Usage):
            row = self._usage(event, now, trusted=trusted)
            if row is not None:
                rows.append(row)
        else:
            self._append(Observed(event=event, teaches=trusted), now)
        return tuple(rows)

    def settle(self) -> tuple[Row, ...]:
        """Judge every usage that still waits for its issuance: the stream has ended."""
        return tuple(self._release_due(float("inf")))

    def _issuance(self, event: Issuance, now: float, *, trusted: bool) -> Row:
        state = self.state
        grant = event.grant
        decision = self._decision_for(event)
        self._ear.joined("decision", found=decision is not None)
        word = judge.decision_word(state, grant, decision)
        prepared = judge.prepare_grant(state, grant, now, decision=word)
        weighed = judge.weigh_grant(state, prepared, now, asked=False)
        rule = self._rule_for(prepared, now)
        if rule is not None and rule.mode == "enforced" and not grant.break_glass:
            weighed = _denied_by(rule, weighed)
        observed = Observed(event=event, weighed=weighed, decision=decision, teaches=trusted)
        self._append(observed, now, prepared)
        self._heard("issuance", weighed, state.policy.mode_for(grant.issuer))
        self._raise_rule(prepared, weighed, now)
        return Row(
            id=event.id,
            kind="issuance",
            time=event.time,
            requester=prepared.requester,
            issuer=grant.issuer,
            credential=event.credential,
            issuance=None,
            verdict=weighed.verdict,
            risk=weighed.risk,
            evidence=in_nats(weighed.evidence),
            reasons=weighed.reasons,
        )

    def _decision_for(self, event: Issuance) -> str | None:
        memory, grant = self.state.memory, event.grant
        requester = self.state.identities.fold(grant.requester)
        deadline = self.state.policy.decision_deadline_seconds
        candidates = (
            event.decision,
            memory.asked.get(by_id(grant.id, trusted=True)),
            memory.asked.get(asked_for(requester, grant.issuer, grant.resource)),
        )
        for decision in candidates:
            known = memory.decisions.get(decision) if decision else None
            if known is None or known.requester != requester or known.decision in memory.minted:
                continue
            named = decision is event.decision or known.request.id == grant.id
            if named or abs(grant.time - known.request.time) <= deadline:
                return decision
        return None

    def _usage(self, event: Usage, now: float, *, trusted: bool) -> Row | None:
        joins = self.state.memory.joins
        credential = event.credential
        if (
            credential
            and credential not in joins.leases
            and credential not in joins.strangers
            and joins.waiting < HELD
        ):
            self._append(Observed(event=event, deadline=now + HOLD_SECONDS, teaches=trusted), now)
            self._ear.set_aside("held")
            return None
        prepared = judge.prepare_use(self.state, event, now)
        weighed = judge.weigh_use(self.state, prepared, now)
        row = self._use_row(event, prepared, weighed)
        self._append(Observed(event=event, weighed=weighed, teaches=trusted), now, prepared)
        self._raise_rule(prepared, weighed, now)
        return row

    def _released(self, event: Usage, now: float) -> Row:
        prepared = judge.prepare_use(self.state, event, now)
        weighed = judge.weigh_use(self.state, prepared, now)
        row = self._use_row(event, prepared, weighed)
        self._append(Released(event=event, weighed=weighed), now, prepared)
        self._raise_rule(prepared, weighed, now)
        return row

    def _release_due(self, now: float) -> list[Row]:
        held = self.state.memory.joins.held
        if not held:
            return []
        due = self.state.memory.joins.due(now)
        return [self._released(usage, self._now()) for usage in due]

    def _use_row(self, event: Usage, prepared: Facets, weighed: Weighed) -> Row:
        lease = judge.lease_for(self.state, event)
        facets = prepared
        self._ear.joined("issuance", found=lease is not None)
        self._heard("usage", weighed, self.state.policy.mode_for(facets.issuer))
        return Row(
            id=event.id,
            kind="usage",
            time=event.time,
            requester=facets.requester,
            issuer=None if facets.issuer == ABSENT else facets.issuer,
            credential=event.credential,
            issuance=lease.issuance if lease else None,
            verdict=weighed.verdict,
            risk=weighed.risk,
            evidence=in_nats(weighed.evidence),
            reasons=weighed.reasons,
        )

    # -- rules ---------------------------------------------------------------------------------

    def _rule_for(self, prepared: Facets, now: float) -> Rule | None:
        """The rule that matches, an enforced one before one in shadow."""
        rules = self.state.rules_of.get(prepared.requester)
        if not rules:
            return None
        values = _selectable(prepared)
        matching = [
            rule
            for rule in rules
            if rule.state(now) in {"shadow", "enforced"} and rule.selector.matches(prepared.requester, values)
        ]
        return min(matching, key=lambda rule: rule.mode != "enforced", default=None)

    def _raise_rule(self, prepared: Facets, weighed: Weighed, now: float) -> None:
        """Raise a deny rule when this row took its requester across the threshold."""
        policy, facets = self.state.policy.rules, prepared
        standing = self.state.memory.standings.get(facets.requester)
        if standing is None or weighed.verdict == "allow" or len(facets.values) != len(GRANT_FACETS):
            return
        if standing.risk.observed_level(now) < policy.raise_at or self._rule_for(prepared, now) is not None:
            return
        odd = sorted(weighed.odd, key=lambda key: -weighed.odd[key])
        selector = narrowest(facets.requester, _selectable(prepared), [key.partition("=")[0] for key in odd])
        because = "; ".join(reason.because for reason in weighed.reasons[:3])
        self._change_rule(
            Rule(
                id=_identifier("r", RULE_ID_DIGITS, facets.requester, str(self.state.memory.position)),
                selector=selector,
                mode=policy.mode,
                created=now,
                expires=now + policy.lifetime_seconds,
                by="assayer",
                because=because,
            ),
            "raised",
            by="assayer",
            now=now,
        )

    def propose_rule(  # noqa: PLR0913 - a rule is all of this
        self, selector: Selector, *, by: str, reason: str, lifetime_seconds: float, mode: RuleMode = "shadow"
    ) -> tuple[Rule, Future[int]]:
        """An operator writes a rule. Raises `ValueError` naming what is wrong with it."""
        now = self._now()
        if not 0 < lifetime_seconds <= MOST_LIFETIME_SECONDS:
            message = f"lifetime_seconds: must be above 0 and at most {MOST_LIFETIME_SECONDS:.0f}"
            raise ValueError(message)
        rule = Rule(
            id=_identifier("r", RULE_ID_DIGITS, selector.words(), str(self.state.memory.position)),
            selector=selector,
            mode=mode,
            created=now,
            expires=now + lifetime_seconds,
            by=by,
            because=reason,
        )
        return rule, self._change_rule(rule, "raised", by=by, now=now, reason=reason)

    def enforce_rule(self, rule_id: str, *, by: str) -> tuple[Rule, Future[int]]:
        """Let a rule bite. Raises `KeyError` for an unknown rule, `ValueError` for an ended one."""
        return self._switch(rule_id, "enforced", by=by, mode="enforced")

    def shadow_rule(self, rule_id: str, *, by: str) -> tuple[Rule, Future[int]]:
        """Let a rule only count. Raises as `enforce_rule` does."""
        return self._switch(rule_id, "shadowed", by=by, mode="shadow")

    def withdraw_rule(self, rule_id: str, *, by: str, reason: str = "") -> tuple[Rule, Future[int]]:
        """End a rule now. Raises as `enforce_rule` does."""
        return self._switch(rule_id, "withdrawn", by=by, reason=reason, withdrawn=True)

    def _switch(self, rule_id: str, change: RuleChange, *, by: str, reason: str = "", **fields: Any) -> tuple[Rule, Future[int]]:  # noqa: ANN401 - a rule's own fields
        rule, now = self.state.memory.rules[rule_id], self._now()
        state = rule.state(now)
        if state in {"expired", "withdrawn"}:
            message = f"rule {rule_id} is {state}"
            raise ValueError(message)
        changed = dataclasses.replace(rule, **fields)
        return changed, self._change_rule(changed, change, by=by, now=now, reason=reason)

    def _change_rule(self, rule: Rule, change: RuleChange, *, by: str, now: float, reason: str = "") -> Future[int]:
        self._ear.rule_changed(change)
        return self._append(RuleChanged(rule=rule, change=change, by=by, reason=reason), now)

    def rules(self) -> tuple[Rule, ...]:
        """Every rule that is remembered, the newest first."""
        return tuple(sorted(self.state.memory.rules.values(), key=lambda rule: (-rule.created, rule.id)))

    def rule(self, rule_id: str) -> Rule | None:
        """One rule; `None` where it is not known."""
        return self.state.memory.rules.get(rule_id)

    def hits(self, rule_id: str) -> tuple[int, int]:
        """How often a rule matched an ask: while enforced, and in shadow."""
        hits = self.state.memory.hits.get(rule_id)
        return (hits.enforced, hits.shadow) if hits else (0, 0)

    # -- decisions and views -------------------------------------------------------------------

    def record_outcome(self, decision_id: str, outcome: Outcome, *, by: str) -> Future[int]:
        """How a step-up ended, or an analyst's label. Raises `KeyError` for an unknown decision."""
        if self.decision(decision_id) is None:
            raise KeyError(decision_id)
        return self._append(OutcomeRecorded(decision=decision_id, outcome=outcome, by=by), self._now())

    def decision(self, decision_id: str) -> Decided | None:
        """One of the latest decisions; `None` where it is older than memory or unknown."""
        return self.state.memory.decisions.get(decision_id)

    def requester(self, name: str) -> Mapping[str, Any] | None:
        """What is known of a requester, ready for JSON; `None` for a stranger."""
        return views.requester(self.state, self.state.identities.fold(name), self._now())

    def issuer(self, name: str) -> Mapping[str, Any] | None:
        """What is known of an issuer, ready for JSON; `None` for a stranger."""
        return views.issuer(self.state, name, self._now())

    def vitals(self) -> Vitals:
        """How the engine is, cheaply."""
        memory, now = self.state.memory, self._now()
        states: dict[str, int] = {"shadow": 0, "enforced": 0, "expired": 0, "withdrawn": 0}
        for rule in memory.rules.values():
            states[rule.state(now)] += 1
        return Vitals(
            position=memory.position,
            durable=self._log.head(),
            requesters=len(self.state.baselines.grants.habits),
            issuers=len(self.state.baselines.grants.issuers),
            held=memory.joins.waiting,
            credentials=len(memory.joins.leases),
            quarantined=len(memory.lessons),
            flagged=len(memory.flagged),
            rules=states,
        )

    # -- the log -------------------------------------------------------------------------------

    def _now(self) -> float:
        """The writer's clock; it never goes back, so neither do the log's stamps."""
        return max(self._clock(), self.state.memory.stamp) if hasattr(self, "state") else self._clock()

    def _append(self, record: Record, now: float, prepared: Facets | None = None) -> Future[int]:
        durable = self._log.append(now, record)
        self._latest = durable
        self.state.apply(Entry(self.state.memory.position + 1, now, record), prepared)
        return durable

    def flushed(self) -> Future[int] | None:
        """The future of the last append; `None` when everything is durable."""
        latest = self._latest
        return latest if latest is not None and not latest.done() else None

    def snapshot(self) -> bytes:
        """The state, ready to be saved with `position`."""
        return self.state.snapshot()

    def digest(self) -> str:
        """SHA-256 of the state: equal at equal log positions, on every replica."""
        return self.state.digest()

    @property
    def position(self) -> int:
        """The position of the last record that was folded."""
        return self.state.memory.position

    def close(self) -> None:
        """Make everything durable, save a snapshot, release the log. Idempotent."""
        self._log.close()

    def _heard(self, kind: str, weighed: Weighed, mode: str) -> None:
        self._ear.judged(kind=kind, verdict=weighed.verdict, mode=mode, nats=in_nats(weighed.evidence))
        if weighed.verdict != "allow":
            for reason in weighed.reasons:
                self._ear.found(reason.code)


MOST_LIFETIME_SECONDS: Final = 90 * 86_400.0
"""No rule lives longer than a quarter: what should be denied for good is policy."""


def _identifier(kind: str, digits: int, *parts: str) -> str:
    return f"{kind}-{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()[:digits]}"


def _selectable(prepared: Facets) -> dict[str, str | None]:
    values = dict(zip(GRANT_FACETS, prepared.values, strict=True))
    return {name: None if values[name] == ABSENT else values[name] for name in SELECTABLE}


def _denied_by(rule: Rule, weighed: Weighed) -> Weighed:
    reason = Reason(
        code="deny_rule",
        because=f"a deny rule is in force: {rule.because}",
        nats=0.0,
        expected="no rule that matches",
        observed=f"{rule.id} ({rule.selector.words()})",
    )
    return msgspec.structs.replace(weighed, verdict="deny", reasons=(reason, *weighed.reasons))


def _row_of_decision(decision: Decided) -> Row:
    request, weighed = decision.request, decision.weighed
    return Row(
        id=request.id,
        kind="grant_request",
        time=request.time,
        requester=decision.requester,
        issuer=request.issuer,
        credential=None,
        issuance=None,
        verdict=weighed.verdict,
        risk=weighed.risk,
        evidence=in_nats(weighed.evidence),
        reasons=weighed.reasons,
    )
