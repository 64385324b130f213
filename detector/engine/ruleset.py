"""The rules in the state: found by requester, counted, and the oldest ended ones forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from detector.engine.memory import Hits, Memory
from detector.engine.records import Decided, Observed, Weighed
from detector.rules import ENDED, Rule, Selector

MOST_RULES: Final = 20_000
"""Rules remembered, ended ones for listing; past it the oldest ended ones go, `FORGOTTEN` at a time, for looking
for them looks at every rule. The log has them all."""
FORGOTTEN: Final = 2_000

MOVING: Final = frozenset({"shadow", "canary"})


Told: TypeAlias = tuple[str, str | None]
"""A value that a selector names, by which its rule is found."""

ANYTHING: Final[Told] = ("", "")
"""Where it names none but its requester."""


class RuleIndex:
    """What is looked up of rules: those of a requester, those that move on by themselves, those not yet backtested.

    Compiled from the memory's rules, so it is no part of a snapshot; `tended` is when
    they were last looked at to be moved on (the log's clock).
    """

    def __init__(self) -> None:
        self._of: dict[str, dict[Told, dict[str, Rule]]] = {}
        self.moving: dict[str, Rule] = {}
        self.unproven: dict[str, Rule] = {}
        self.tended = float("-inf")

    def refill(self, rules: Iterable[Rule]) -> None:
        """Start again from these."""
        self._of, self.moving, self.unproven = {}, {}, {}
        for rule in rules:
            self._index(rule)

    def of(self, requester: str) -> Iterator[Rule]:
        """Every rule against a requester."""
        for told in self._of.get(requester, {}).values():
            yield from told.values()

    def matching(self, requester: str, values: Mapping[str, str | None]) -> Iterator[Rule]:
        """The rules that match a requester's grant of these values, ended ones too.

        Only those are looked at that name one of the values first: a requester may have thousands.
        """
        own = self._of.get(requester)
        if own is None:
            return
        for told in (ANYTHING, *values.items()):
            for rule in own.get(told, {}).values():
                if rule.selector.matches(requester, values):
                    yield rule

    def holds(self, requester: str) -> bool:
        """Whether there is any rule against a requester: one look-up is all that rules cost most requests."""
        return requester in self._of

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
        own = self._of.setdefault(rule.selector.requester, {})
        own.setdefault(_told(rule.selector), {})[rule.id] = rule
        if rule.withdrawn:
            return
        if rule.proven and rule.goal == "enforced" and rule.stage in MOVING:
            self.moving[rule.id] = rule
        if rule.backtest is None:
            self.unproven[rule.id] = rule

    def _drop(self, rule: Rule) -> None:
        own, told = self._of[rule.selector.requester], _told(rule.selector)
        del own[told][rule.id]
        if not own[told]:
            del own[told]
        if not own:
            del self._of[rule.selector.requester]
        self.moving.pop(rule.id, None)
        self.unproven.pop(rule.id, None)


def _told(selector: Selector) -> Told:
    """The first value that a selector names."""
    return next(((name, getattr(selector, name)) for name in selector.names()), ANYTHING)


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
