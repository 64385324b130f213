"""The rules in the state: found by requester, counted, and the oldest ended ones forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from detector.engine.memory import Hits, Memory
from detector.engine.records import Decided, Observed, Weighed
from detector.rules import ENDED, Rule, Selector

MOST_RULES: Final = 20_000
"""Rules remembered, ended ones for listing; past it the oldest ended ones go, `FORGOTTEN` at a time, for looking
for them looks at every rule. The log has them all."""
FORGOTTEN: Final = 2_000

MOVING: Final = frozenset({"shadow", "canary"})


class RuleIndex:
    """What is looked up of rules: those of a requester, those that move on by themselves, those not yet backtested.

    Compiled from the memory's rules, so it is no part of a snapshot; `tended` is when
    they were last looked at to be moved on (the log's clock).
    """

    def __init__(self) -> None:
        self.of: dict[str, dict[str, Rule]] = {}
        self.moving: dict[str, Rule] = {}
        self.unproven: dict[str, Rule] = {}
        self.tended = float("-inf")

    def refill(self, rules: Iterable[Rule]) -> None:
        """Start again from these."""
        self.of, self.moving, self.unproven = {}, {}, {}
        for rule in rules:
            self._index(rule)

    def put(self, memory: Memory, rule: Rule, now: float) -> None:
        """A rule as it is now takes the place of the one it was."""
        rules, before = memory.rules, memory.rules.get(rule.id)
        if before is not None:
            self._drop(before)
        rules[rule.id] = rule
        self._index(rule)
        if len(rules) > MOST_RULES:
            ended = [known for known in rules.values() if known.state(now) in ENDED]
            for known in ended[:FORGOTTEN]:
                self._drop(rules.pop(known.id))
                memory.hits.pop(known.id, None)

    def _index(self, rule: Rule) -> None:
        self.of.setdefault(rule.selector.requester, {})[rule.id] = rule
        if rule.withdrawn:
            return
        if rule.proven and rule.goal == "enforced" and rule.stage in MOVING:
            self.moving[rule.id] = rule
        if rule.backtest is None:
            self.unproven[rule.id] = rule

    def _drop(self, rule: Rule) -> None:
        own = self.of[rule.selector.requester]
        del own[rule.id]
        if not own:
            del self.of[rule.selector.requester]
        self.moving.pop(rule.id, None)
        self.unproven.pop(rule.id, None)


def count_hit(memory: Memory, record: Decided | Observed, weighed: Weighed) -> None:
    """Count what a rule matched, by the stage it was in."""
    rule = memory.rules.get(record.rule) if record.rule is not None else None
    if rule is None:
        return
    hits = memory.hits.setdefault(rule.id, Hits())
    if record.rule_stage == "enforced":
        hits.enforced += 1
    elif record.rule_stage == "canary":
        hits.canary += 1
    else:
        hits.shadow += 1
    hits.quiet += not told_of(weighed, rule.selector)


def told_of(weighed: Weighed, selector: Selector) -> bool:
    """Whether a row that a rule matches was flagged, or odd in something that the rule names: that is no habit."""
    if weighed.evidence >= weighed.step_up_at:
        return True
    return any(f"{name}={getattr(selector, name)}" in weighed.odd for name in selector.names())
