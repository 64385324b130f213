"""The engine: ask and observe, over one log whose fold is the state. One thread calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from detector.baselines.peers import Grouping, Way
from detector.engine import ask, grouping, observe, rulebook, views
from detector.engine.answers import Asked, Row, Vitals
from detector.engine.journal import Journal
from detector.engine.policy import Policy
from detector.engine.ports import Clock, Ear, Grouper, Log, LogUnavailable, Silence, Snapshots
from detector.engine.records import (
    BreakGlassReviewed,
    Decided,
    GlassFinding,
    KillSwitchTurned,
    Outcome,
    OutcomeRecorded,
    PeersAssigned,
)
from detector.engine.state import State
from detector.events import Event, GrantRequest
from detector.rules import Rule, RuleMode, Selector


class Engine:
    """Answers asks and takes in observations.

    Revives from the newest authentic snapshot and the log's tail, or from the
    whole log; `warn` hears why a snapshot was not used. With a `grouper` peers are
    grouped anew between two observed events when it is time; without, somebody else has to
    (`grouping_due`, `ways`, `assign_peers`), or groups are made from names.
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
    ) -> None:
        self._grouper = grouper
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
        if self.state.memory.joins.held:
            with suppress(LogUnavailable):  # an answer does not wait for a log that takes no more
                observe.release_due(self._journal, self._journal.now())
        return ask.ask(self._journal, request, trusted=trusted)

    def observe(self, event: Event, *, trusted: bool = True) -> tuple[Row, ...]:
        """Take in what a log tells, and give the rows judged by it.

        None for a lifecycle change, a duplicate, or a usage that waits for its
        issuance; several when waiting usages are judged too. What an untrusted
        caller sends is recorded and judged, but moves no risk and teaches
        nothing. Raises `LogUnavailable` when the log takes no more.
        """
        rows = tuple(observe.observe(self._journal, event, trusted=trusted))
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

    def record_outcome(self, decision_id: str, outcome: Outcome, *, by: str) -> Future[int]:
        """How a step-up ended, or an analyst's label. Raises `KeyError` for an unknown decision."""
        if self.decision(decision_id) is None:
            raise KeyError(decision_id)
        record = OutcomeRecorded(decision=decision_id, outcome=outcome, by=by)
        return self._journal.append(record, self._journal.now())

    def turn_kill_switch(self, *, engaged: bool, by: str, because: str) -> Future[int]:
        """Halt enforcement everywhere, or take it up again: every answer from the next on is under it."""
        record = KillSwitchTurned(engaged=engaged, by=by, because=because)
        return self._journal.append(record, self._journal.now())

    def review_glass(self, glass: str, finding: GlassFinding, *, by: str, note: str = "") -> Future[int]:
        """Say what a look at a broken glass found. Raises `KeyError` for one that is not known."""
        if glass not in self.state.memory.glasses:
            raise KeyError(glass)
        record = BreakGlassReviewed(glass=glass, finding=finding, by=by, note=note)
        return self._journal.append(record, self._journal.now())

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

    def hits(self, rule_id: str) -> tuple[int, int]:
        """How often a rule matched an ask: while enforced, and in shadow."""
        hits = self.state.memory.hits.get(rule_id)
        return (hits.enforced, hits.shadow) if hits else (0, 0)

    def propose_rule(
        self, selector: Selector, *, by: str, reason: str, lifetime_seconds: float, mode: RuleMode = "shadow"
    ) -> tuple[Rule, Future[int]]:
        """An operator writes a rule. Raises `ValueError` naming what is wrong with it."""
        return rulebook.propose(
            self._journal, selector, by=by, reason=reason, lifetime_seconds=lifetime_seconds, mode=mode
        )

    def enforce_rule(self, rule_id: str, *, by: str) -> tuple[Rule, Future[int]]:
        """Let a rule bite. Raises `KeyError` for an unknown rule, `ValueError` for an ended one."""
        return rulebook.switch(self._journal, rule_id, "enforced", by=by, mode="enforced")

    def shadow_rule(self, rule_id: str, *, by: str) -> tuple[Rule, Future[int]]:
        """Let a rule only count. Raises as `enforce_rule` does."""
        return rulebook.switch(self._journal, rule_id, "shadowed", by=by, mode="shadow")

    def withdraw_rule(self, rule_id: str, *, by: str, reason: str = "") -> tuple[Rule, Future[int]]:
        """End a rule now. Raises as `enforce_rule` does."""
        why = f"by {by}: {reason}" if reason else f"by {by}"
        return rulebook.switch(
            self._journal, rule_id, "withdrawn", by=by, reason=reason, withdrawn=True, taken_back=why
        )

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
