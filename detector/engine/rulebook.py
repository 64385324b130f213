"""Deny rules on the way to a verdict: which live one matches, whether it bites, what its hit comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from detector.engine.records import Weighed
from detector.engine.state import State
from detector.features.facets import Facets, named
from detector.rules import ENDED, Rule, Stage
from detector.verdict import Reason

FIRST: Final[dict[Stage, int]] = {"enforced": 0, "canary": 1, "shadow": 2, "backtested": 3, "proposed": 4}
"""Of several rules that match the one furthest in its life counts."""


def matching(state: State, facets: Facets, now: float) -> Rule | None:
    """The live rule that matches a grant, the one furthest in its life."""
    if not state.rules.holds(facets.requester):
        return None
    found = live(state, facets.requester, named(facets), now)
    return min(found, key=lambda rule: FIRST[rule.stage], default=None)


def live(state: State, requester: str, values: Mapping[str, str | None], now: float) -> list[Rule]:
    """Every rule that has not ended and matches these values."""
    return [rule for rule in state.rules.matching(requester, values) if rule.state(now) not in ENDED]


def denied(rule: Rule, weighed: Weighed) -> Weighed:
    """What a row comes to under a rule that bites."""
    reason = Reason(
        code="deny_rule",
        because=f"a deny rule is in force: {rule.because}",
        nats=0.0,
        expected="no rule that matches",
        observed=f"{rule.id} ({rule.selector.words()})",
    )
    return msgspec.structs.replace(weighed, verdict="deny", reasons=(reason, *weighed.reasons))
