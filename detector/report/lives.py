"""Deny rules: each one's life, its backtest, and what it hit."""

from __future__ import annotations

from collections import Counter
from typing import Final

from msgspec import Struct, field

from detector.engine.records import Decided, Observed, RuleChanged
from detector.report.period import Period
from detector.report.shape import Rules, RuleStep, RuleView
from detector.report.telling import moment
from detector.rules import ENDED, Rule

MOST_RULES: Final = 20_000
"""Rules remembered, as many as the engine does; the oldest ended ones go first."""

MOST_STEPS: Final = 50
"""Changes told of one rule: a life has about five; an operator's tug-of-war is told by its last ones."""


class Life(Struct):
    """One rule as it now is, how it came there, and its hits of the period."""

    rule: Rule
    steps: list[RuleStep] = field(default_factory=list)
    ended: float | None = None
    denied: int = 0
    enforced: int = 0
    canary: int = 0
    before: int = 0


class Lives:
    """The rules by id."""

    def __init__(self) -> None:
        self._of: dict[str, Life] = {}
        self._changes: Counter[str] = Counter()
        self._denied = 0
        self._overridden: set[str] = set()
        self.left_off = 0

    def begin(self, rule: Rule) -> None:
        """A rule that was there before the first entry."""
        self._of[rule.id] = Life(rule, ended=0.0 if rule.withdrawn else None)

    def changed(self, record: RuleChanged, now: float, *, counted: bool) -> None:
        """A rule entered a stage, or its life was changed."""
        rule = record.rule
        if counted:
            self._changes[record.change] += 1
            if record.change == "enforced" and rule.override is not None:
                self._overridden.add(rule.id)
        life = self._of.get(rule.id)
        if life is None:
            life = self._of[rule.id] = Life(rule)
        life.rule = rule
        if rule.withdrawn and life.ended is None:
            life.ended = now
        life.steps.append(RuleStep(time=moment(now), change=record.change, by=record.by, reason=record.reason))
        del life.steps[:-MOST_STEPS]
        if len(self._of) > MOST_RULES:
            self._forget(now)

    def matched(self, record: Decided | Observed, *, counted: bool) -> None:
        """A grant matched a rule, in the stage that the record says."""
        life = self._of.get(record.rule) if record.rule is not None else None
        if not counted or life is None:
            return
        if record.rule_stage == "enforced":
            life.enforced += 1
        elif record.rule_stage == "canary":
            life.canary += 1
        else:
            life.before += 1
        if isinstance(record, Decided) and record.rule_bit and record.answer == "deny":
            life.denied += 1
            self._denied += 1

    def _forget(self, now: float) -> None:
        ended = (name for name, life in self._of.items() if life.rule.state(now) in ENDED)
        del self._of[next(ended, next(iter(self._of)))]
        self.left_off += 1

    def view(self, now: float, period: Period) -> Rules:
        """Those that lived in the period, which ends at `now`."""
        shown = [life for life in self._of.values() if period.begun(min(life.ended or now, life.rule.expires))]
        return Rules(
            changes=dict(self._changes),
            denied=self._denied,
            enforced_by_override=len(self._overridden),
            lived=len(shown),
            rules=tuple(_rule(life, now) for life in reversed(shown)),
        )


def _rule(life: Life, now: float) -> RuleView:
    rule = life.rule
    backtest, override = rule.backtest, rule.override
    return RuleView(
        rule=rule.id,
        scope=rule.selector.words(),
        state=rule.state(now),
        by=rule.by,
        because=rule.because,
        created=moment(rule.created),
        expires=moment(rule.expires),
        backtest=None if backtest is None else backtest.words(),
        within_limit=None if backtest is None else backtest.within,
        override=None if override is None else f"by {override.by}: {override.because}",
        denied=life.denied,
        matched_enforced=life.enforced,
        matched_canary=life.canary,
        matched_before=life.before,
        steps=tuple(life.steps),
    )
