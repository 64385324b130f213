"""The engine: ask and observe, over one log whose fold is the state. One thread calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, cast

import msgspec

from detector.baselines.peers import Grouping, Way
from detector.engine import access, announcing, ask, grouping, observe, policy_life, raising, rule_life, views
from detector.engine.answers import Asked, Row, Vitals
from detector.engine.asking_records import AccessRequested, AccessSettled
from detector.engine.denylist import DenyList, deny_list
from detector.engine.journal import Journal
from detector.engine.memory import Halt, Hits
from detector.engine.outcomes import CLEARED, JUDGES
from detector.engine.policy import Policy
from detector.engine.ports import Backtester, Clock, Ear, Grouper, Log, LogUnavailable, Silence, Snapshots
from detector.engine.records import (
    Accessed,
    BreakGlassReviewed,
    Compacted,
    Decided,
    GlassFinding,
    KeyRotated,
    KillSwitchTurned,
    Outcome,
    OutcomeRecorded,
    PeersAssigned,
    Trust,
)
from detector.engine.redaction import Redaction
from detector.engine.state import State
from detector.engine.tasks import Task
from detector.events import Event, GrantRequest
from detector.policies import Document, DryRun
from detector.rules import ENDED, Backtest, Goal, Rule, Selector


class Engine:
    """Answers asks and takes in observations.

    Revives from the newest authentic snapshot and the log's tail, or from the
    whole log; `warn` hears why a snapshot was not used. With a `grouper` peers are
    grouped anew between two observed events when it is time; without, somebody else has to
    (`grouping_due`, `ways`, `assign_peers`), or groups are made from names. A `redaction` goes over
    every request and event before anything else does.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        log: Log,
        clock: Clock,
        snapshots: Snapshots | None = None,
        ear: Ear | None = None,
        warn: Callable[[str], None] | None = None,
        grouper: Grouper | None = None,
        backtester: Backtester | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        self._grouper, self._backtester, self._redaction = grouper, backtester, redaction
        ear = ear if ear is not None else Silence()
        self._journal = Journal(policy=policy, log=log, clock=clock, snapshots=snapshots, ear=ear, warn=warn)

    @property
    def state(self) -> State:
        """The folded state: to be read, never written."""
        return self._journal.state

    @property
    def position(self) -> int:
        """The position of the last record that was folded."""
        return self.state.memory.position

    def ask(self, request: GrantRequest, *, trusted: bool) -> Asked:
        """Answer a grant request.

        Only a `trusted` (broker-authenticated) ask moves the requester's risk.
        Asking twice with one id returns the first decision. Raises
        `ConflictingRequest` when the id was another request's.
        """
        if self._redaction is not None:
            request = self._redacted(request)
        if self.state.memory.joins.held:
            with suppress(LogUnavailable):  # an answer does not wait for a log that takes no more
                observe.release_due(self._journal, self._journal.now())
        asked = ask.ask(self._journal, request, trusted=trusted)
        self._backtest()
        return asked

    def observe(self, event: Event, *, trusted: bool = True) -> tuple[Row, ...]:
        """Take in what a log tells, and give the rows judged by it.

        None for a lifecycle change, a duplicate, or a usage that waits for its
        issuance; several when waiting usages are judged too. What an untrusted
        caller sends is recorded and judged, but moves no risk and teaches
        nothing. Raises `LogUnavailable` when the log takes no more.
        """
        if self._redaction is not None:
            event = self._redaction(event, self.state.identities.fold)
        rows = tuple(observe.observe(self._journal, event, trusted=trusted))
        self._backtest()
        if self._grouper is not None and self.grouping_due():
            for _ in self.assign_peers(self._grouper(list(self.ways()))):
                pass
        return rows

    def grouping_due(self) -> bool:
        """Whether it is time to group peers anew."""
        return grouping.due(self._journal)

    def ways(self) -> Iterator[Way]:
        """Every seasoned requester as grouping sees it; may be taken piece by piece."""
        return grouping.ways(self._journal)

    def assign_peers(self, found: Grouping) -> Iterator[PeersAssigned]:
        """Log and fold what a round of grouping found, each record as it is taken."""
        return grouping.assign(self._journal, found)

    def settle(self) -> tuple[Row, ...]:
        """Judge every usage that still waits for its issuance: the stream has ended."""
        return tuple(observe.release_due(self._journal, float("inf")))

    def record_outcome(self, decision_id: str, outcome: Outcome, *, by: str, trust: Trust = "analyst") -> Future[int]:
        """How a step-up ended, or an analyst's label. Raises `KeyError` for an unknown decision."""
        decided = self.decision(decision_id)
        if decided is None:
            raise KeyError(decision_id)
        journal, now = self._journal, self._journal.now()
        durable = journal.append(OutcomeRecorded(decision=decision_id, outcome=outcome, by=by, trust=trust), now)
        if decided.moves_risk and trust in JUDGES:
            rule_life.settle(journal, decided, outcome, by=by)
        if outcome not in CLEARED:
            raising.raise_for_outcome(journal, decided, now)
            self._backtest()
        return durable

    def turn_kill_switch(self, *, engaged: bool, by: str, because: str) -> Future[int]:
        """Halt enforcement everywhere, or take it up again: every answer from the next on is under it.

        It is halted even while the log takes no more; then the future fails, and turning it again logs it.
        """
        record, now = KillSwitchTurned(engaged=engaged, by=by, because=because), self._journal.now()
        try:
            durable = self._journal.append(record, now)
        except LogUnavailable as error:
            self.state.unlogged = Halt(now, by, because) if engaged else None
            durable = Future()
            durable.set_exception(error)
        else:
            self.state.unlogged = None
        return durable

    def review_glass(self, glass: str, finding: GlassFinding, *, by: str, note: str = "") -> Future[int]:
        """Say what a look at a broken glass found; unjustified, what went through it is labelled malicious.

        Raises `KeyError` for a glass that is not known.
        """
        memory = self.state.memory
        if glass not in memory.glasses:
            raise KeyError(glass)
        record = BreakGlassReviewed(glass=glass, finding=finding, by=by, note=note)
        durable = self._journal.append(record, self._journal.now())
        if finding == "unjustified":
            decided = [*memory.decisions.old.values(), *memory.decisions.young.values()]
            for decision in decided:
                if decision.glass is not None and decision.glass.opened_by == glass:
                    durable = self.record_outcome(decision.decision, "malicious", by=by)
        return durable

    def keep_house(self, record: Accessed | KeyRotated | Compacted) -> Future[int]:
        """Log what was done about the log itself; no answer changes by it."""
        return self._journal.append(record, self._journal.now())

    def scope(self, request: GrantRequest) -> str:
        """What a request asks for, as a digest (see `detector.engine.access`)."""
        fold = self.state.identities.fold
        return access.scope_of(request if self._redaction is None else self._redacted(request), fold)

    def names(self, name: str) -> frozenset[str]:
        """Every form in which somebody's name may stand in a record, in small letters."""
        fold, bare = self.state.identities.fold, name.strip()
        forms = (bare, fold(bare), fold(bare.casefold()))
        marks = () if self._redaction is None else tuple(map(self._redaction.mark, forms))
        return frozenset(form.casefold() for form in (*forms, *marks))

    def request_access(self, record: AccessRequested) -> Future[int]:
        """Remember that a broker waits for an answer to a step-up. Raises `detector.engine.access.Unavailable`."""
        if self._redaction is not None:
            record = msgspec.structs.replace(record, because=self._redaction.said(record.because))
        return access.request(self._journal, record)

    def settle_access(self, record: AccessSettled) -> Future[int]:
        """Answer an access request, cancel it, or take its approval back; an answer is also word on the decision.

        Raises `KeyError` for an unknown one, `ValueError` where its state does not allow that.
        """
        task = access.settleable(self._journal, record)
        outcome = access.OUTCOMES.get(record.status)
        if outcome is not None:
            with suppress(KeyError):  # the decision is older than memory: the approval is good all the same
                self.record_outcome(task.decision, outcome, by=record.by, trust=record.trust)
        return access.settle(self._journal, record)

    def access_request(self, name: str) -> Task | None:
        """One that is remembered; `None` where it is not known."""
        return self.state.memory.tasks.get(name)

    def decision(self, decision_id: str) -> Decided | None:
        """One of the latest decisions; `None` where it is older than memory or unknown."""
        memory = self.state.memory
        return memory.decisions.get(decision_id) or memory.overheard.get(decision_id)

    def requester(self, name: str) -> Mapping[str, Any] | None:
        """What is known of a requester, ready for JSON; `None` for a stranger."""
        return views.requester(self.state, self.state.identities.fold(name), self._journal.now())

    def issuer(self, name: str) -> Mapping[str, Any] | None:
        """What is known of an issuer, ready for JSON; `None` for a stranger."""
        return views.issuer(self.state, name, self._journal.now())

    def rules(self) -> tuple[Rule, ...]:
        """Every rule that is remembered, the newest first."""
        return tuple(sorted(self.state.memory.rules.values(), key=lambda rule: (-rule.created, rule.id)))

    def rule(self, rule_id: str) -> Rule | None:
        """One rule; `None` where it is not known."""
        return self.state.memory.rules.get(rule_id)

    def denylist(self, since: int = 0) -> DenyList:
        """The enforced rules for a broker that was told up to a log position; 0 is one that knows nothing."""
        return deny_list(self.state, since, self._journal.now())

    def hits(self, rule_id: str) -> Hits:
        """How often a rule matched, by the stage it was in."""
        return self.state.memory.hits.get(rule_id) or Hits()

    def propose_rule(
        self,
        selector: Selector,
        *,
        by: str,
        reason: str,
        lifetime_seconds: float,
        goal: Goal = "shadow",
        override: str = "",
    ) -> tuple[Rule, Future[int]]:
        """An operator writes a rule. Raises `ValueError` naming what is wrong with it."""
        rule, durable = raising.propose(
            self._journal,
            selector,
            by=by,
            reason=reason,
            lifetime_seconds=lifetime_seconds,
            goal=goal,
            override=override,
        )
        self._backtest()
        return self.state.memory.rules[rule.id], durable

    def unproven_rules(self) -> tuple[Rule, ...]:
        """The rules that are still to be backtested."""
        now = self._journal.now()
        return tuple(rule for rule in self.state.rules.unproven.values() if rule.state(now) not in ENDED)

    def take_backtest(self, rule_id: str, results: Sequence[Backtest]) -> Rule | None:
        """Store a rule's backtest, and let the rule go on; `None` where it has ended or had one meanwhile."""
        return rule_life.backtested(self._journal, rule_id, results)

    def tend_rules(self) -> None:
        """Move on the rules whose time in their stage is over; observing does it too."""
        rule_life.tend(self._journal, self._journal.now())

    def announce(self) -> None:
        """Announce what is due; observing does it too."""
        announcing.announce(self._journal, self._journal.now())

    def enforce_rule(self, rule_id: str, *, by: str, override: str = "") -> tuple[Rule, Future[int]]:
        """Let a rule bite. Raises `KeyError` for an unknown rule, `ValueError` for an ended or unproven one."""
        return rule_life.enforce(self._journal, rule_id, by=by, override=override)

    def shadow_rule(self, rule_id: str, *, by: str) -> tuple[Rule, Future[int]]:
        """Let a rule only count. Raises `KeyError` for an unknown rule, `ValueError` for an ended one."""
        return rule_life.shadow(self._journal, rule_id, by=by)

    def withdraw_rule(self, rule_id: str, *, by: str, reason: str = "") -> tuple[Rule, Future[int]]:
        """End a rule now. Raises as `shadow_rule` does."""
        return rule_life.withdraw(self._journal, rule_id, by=by, reason=reason)

    def take_dry_run(self, document: Document, found: DryRun, *, by: str) -> Future[int]:
        """Store what a policy document would have done to the log's own history."""
        return policy_life.take_dry_run(self._journal, document, found, by=by)

    def apply_policy(self, document: Document, *, by: str, because: str, override: str = "") -> Future[int]:
        """Let a policy document come into force. Raises `PolicyConflict`; see `policy_life.apply`."""
        return policy_life.apply(self._journal, document, by=by, because=because, override=override)

    def reauthorise(self, intent: str, *, by: str, because: str) -> Future[int]:
        """Answer anew for an intent. Raises `KeyError` for one that the document in force does not have."""
        return policy_life.reauthorise(self._journal, intent, by=by, because=because)

    def _redacted(self, request: GrantRequest) -> GrantRequest:
        redaction = cast("Redaction", self._redaction)
        return cast("GrantRequest", redaction(request, self.state.identities.fold))

    def _backtest(self) -> None:
        """Backtest what is unproven, where the engine was given the means; without, somebody else has to."""
        if self._backtester is None or not self.state.rules.unproven:
            return
        rules = self.unproven_rules()
        for rule, results in zip(rules, self._backtester(rules, self.state.policy), strict=True):
            self.take_backtest(rule.id, results)

    def now(self) -> float:
        """The log's time (Unix seconds): by it rules end, risk fades and lessons are learnt."""
        return self._journal.now()

    def vitals(self) -> Vitals:
        """How the engine is, cheaply."""
        return views.vitals(self.state, self._journal.log.head(), self._journal.now())

    def flushed(self) -> Future[int] | None:
        """The future of the last append; `None` when everything is durable."""
        return self._journal.flushed()

    def snapshot(self) -> bytes:
        """The state, ready to be saved with `position`."""
        return self.state.snapshot()

    def digest(self) -> str:
        """SHA-256 of the state: equal at equal log positions, on every replica."""
        return self.state.digest()

    def close(self) -> None:
        """Make everything durable that can be, and release the log. Idempotent."""
        self._journal.log.close()
