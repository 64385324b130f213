"""One organisation's life with a broker in it: what is refused is not minted, and nothing is done with it.

Until the warm-up ends the sidecar only reads the log. From then on every mint is asked for first. What becomes of an
answer is the arm's: who answers step-ups, and what a broker makes of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Literal, TypeAlias

from msgspec.structs import replace

from bench.detection.ours import HandClock
from detector.engine import Engine
from detector.engine.backtest import History
from detector.engine.policy import Policy
from detector.engine.records import Decided, Entry, Observed, OutcomeRecorded, Record
from detector.events import Issuance, Usage
from detector.rules import Backtest, Rule
from detector.simulator import Label, Organisation
from detector.store import MemoryLog
from detector.wiring.compose import group_peers

Arm: TypeAlias = Literal["obeyed", "denials only"]
"""`obeyed`: a step-up is answered by an approver who knows; `denials only`: the broker mints on a step-up."""

ANSWER_SECONDS: Final = 300.0
"""How long an approver takes over a step-up."""

REVIEW_SECONDS: Final = 3600.0
"""How long it takes until somebody who was denied without reason has found an analyst, or the analyst the thief."""


class GrantLog(MemoryLog):
    """A log that keeps what backtests look at, by requester."""

    def __init__(self) -> None:
        super().__init__(keep=0)
        self.of: dict[str, list[Entry]] = {}
        self._whose: dict[str, str] = {}
        self.fold = str

    def append(self, stamp: float, record: Record) -> Future[int]:
        """Keep it, if it bears on a backtest."""
        durable = super().append(stamp, record)
        whose = None
        if isinstance(record, Decided):
            whose = self._whose[record.decision] = record.requester
        elif isinstance(record, OutcomeRecorded):
            whose = self._whose.get(record.decision)
        elif isinstance(record, Observed) and isinstance(record.event, Issuance):
            whose = self.fold(record.event.grant.requester)
        if whose is not None:
            self.of.setdefault(whose, []).append(Entry(self.head(), stamp, record))
        return durable

    def backtests(self, rules: Sequence[Rule], policy: Policy) -> list[list[Backtest]]:
        """As `detector.wiring.history.backtests`, a requester at a time."""
        found = []
        for rule in rules:
            entries = self.of.get(rule.selector.requester, [])
            since = rule.created - policy.rules.backtest_seconds
            history = History([rule.selector, *rule.candidates], policy=policy, since=since)
            history.see(entry for entry in entries if entry.stamp >= since)
            found.append(history.results())
        return found


@dataclass(slots=True)
class Asked:
    """One mint that was asked for after the warm-up: whether it was abuse, what was said, and by which rule."""

    abuse: bool
    campaign: str
    requester: str
    at: float
    answer: str
    minted: bool
    rule: str | None
    bitten: bool


@dataclass(slots=True)
class Played:
    """An organisation's life under one arm."""

    organisation: str
    asked: list[Asked] = field(default_factory=list)
    rules: tuple[Rule, ...] = ()
    bit: frozenset[str] = frozenset()
    ended: float = 0.0


def play(organisation: Organisation, policy: Policy, arm: Arm) -> Played:
    """Play it."""
    return _Play(organisation, policy, arm).run()


class _Play:
    def __init__(self, organisation: Organisation, policy: Policy, arm: Arm) -> None:
        self._organisation, self._arm = organisation, arm
        self._clock, self._log = HandClock(), GrantLog()
        self._engine = Engine(
            policy=policy, log=self._log, clock=self._clock, grouper=group_peers, backtester=self._log.backtests
        )
        self._log.fold = self._engine.state.identities.fold
        self._due: list[tuple[float, int, Decided, Issuance | None, bool]] = []
        self._number = count()
        self._never: set[str] = set()
        self._played = Played(f"{organisation.style}-{organisation.seed}")

    def run(self) -> Played:
        seen: set[tuple[str, str]] = set()
        for row in self._organisation.rows:
            event = row.event
            self._answer_until(event.time)
            self._clock.now = max(self._clock.now, event.time)
            if isinstance(event, Usage) and event.credential in self._never:
                continue
            asks = isinstance(event, Issuance) and event.outcome == "granted"
            if asks and event.time >= self._organisation.warm_until and ("I", event.id) not in seen:
                seen.add(("I", event.id))
                self._mint(event, row.label)
            else:
                self._engine.observe(event)
        self._played.ended = self._clock.now
        self._played.rules = self._engine.rules()
        self._played.bit = frozenset(asked.rule for asked in self._played.asked if asked.bitten and asked.rule)
        return self._played

    def _mint(self, event: Issuance, label: Label) -> None:
        decided = self._engine.ask(event.grant, trusted=True).decision
        goes = decided.answer == "allow" or (decided.answer == "step_up" and self._arm == "denials only")
        asked = Asked(
            abuse=label.abuse,
            campaign=label.campaign or "",
            requester=decided.requester,
            at=event.time,
            answer=decided.answer,
            minted=goes,
            rule=decided.rule,
            bitten=decided.rule_bit,
        )
        self._played.asked.append(asked)
        if goes:
            self._engine.observe(replace(event, decision=decided.decision))
            return
        approved = decided.answer == "step_up" and not label.abuse
        if approved:
            asked.minted = True
        elif event.credential:
            self._never.add(event.credential)
        wait = ANSWER_SECONDS if decided.answer == "step_up" else REVIEW_SECONDS
        due = (self._clock.now + wait, next(self._number), decided, event if approved else None, label.abuse)
        if self._arm == "obeyed":
            heapq.heappush(self._due, due)

    def _answer_until(self, now: float) -> None:
        """What approvers and analysts said meanwhile."""
        while self._due and self._due[0][0] <= now:
            at, _, decided, event, abuse = heapq.heappop(self._due)
            self._clock.now = max(self._clock.now, at)
            if decided.answer == "step_up":
                outcome = "refused" if abuse else "approved"
                self._engine.record_outcome(decided.decision, outcome, by="approver", trust="approver")
            else:
                self._engine.record_outcome(decided.decision, "malicious" if abuse else "legitimate", by="analyst")
            if event is not None:
                self._engine.observe(replace(event, decision=decided.decision))
