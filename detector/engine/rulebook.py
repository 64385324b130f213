"""Deny rules in the state: which one matches, when one is raised, how an operator moves it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

import msgspec

from detector.engine.answers import identifier
from detector.engine.joins import Lease
from detector.engine.journal import Journal
from detector.engine.records import RuleChanged, Weighed
from detector.engine.state import State
from detector.features.facets import ABSENT, GRANT_FACETS, Facets
from detector.features.rhythm import DAY
from detector.rules import SELECTABLE, Rule, RuleChange, RuleMode, Selector, narrowest
from detector.verdict import Reason

ID_DIGITS: Final = 12

MOST_LIFETIME_SECONDS: Final = 90 * DAY
"""No rule lives longer than a quarter: what should be denied for good is policy."""

RAISER: Final = "assayer"
"""Who raised a rule that no operator wrote."""

_SAID: Final = 3
"""Reasons that stand in a raised rule's own."""


def matching(state: State, facets: Facets, now: float) -> Rule | None:
    """The live rule that matches a grant, an enforced one before one in shadow."""
    if facets.requester not in state.rules_of:
        return None
    live = _live(state, facets.requester, _selectable(facets), now)
    return min(live, key=lambda rule: rule.mode != "enforced", default=None)


def _live(state: State, requester: str, values: Mapping[str, str | None], now: float) -> list[Rule]:
    return [
        rule
        for rule in state.rules_of.get(requester, ())
        if rule.state(now) in {"shadow", "enforced"} and rule.selector.matches(requester, values)
    ]


def bites(rule: Rule) -> bool:
    """Whether a matching rule denies."""
    return rule.mode == "enforced"


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


def raise_for(journal: Journal, facets: Facets, weighed: Weighed, now: float) -> None:
    """Raise a deny rule when this grant finds its requester's observed risk across the threshold."""
    if weighed.verdict == "allow" or not _crossed(journal.state, facets.requester, now):
        return
    values = _selectable(facets)
    said = {key.partition("=")[0]: quanta for key, quanta in weighed.odd.items()}
    odd = sorted(_never_shown(journal.state, facets.requester, values), key=lambda name: -said.get(name, 0))
    _raise(journal, facets.requester, values, odd, weighed=weighed, now=now)


def raise_for_use(journal: Journal, lease: Lease, weighed: Weighed, now: float) -> None:
    """Raise a deny rule when this use of a credential took the requester that minted it across the threshold."""
    state = journal.state
    if weighed.verdict == "allow" or not _crossed(state, lease.requester, now):
        return
    minted = {
        "issuer": lease.issuer,
        "resource": lease.mint.resource,
        "privilege": lease.mint.privilege,
        "network": lease.mint.place.network,
    }
    values = {name: None if value == ABSENT else value for name, value in minted.items()}
    odd = _never_shown(state, lease.requester, values)
    _raise(journal, lease.requester, values, odd, weighed=weighed, now=now)


def _never_shown(state: State, requester: str, values: Mapping[str, str | None]) -> list[str]:
    """The values by name that the requester's habits do not hold; a rule on one of them hits none of its habits."""
    own = state.baselines.grants.habits.get(requester)
    if own is None:
        return []
    return [name for name, value in values.items() if value and value not in own.counts[GRANT_FACETS.index(name)]]


def _crossed(state: State, requester: str, now: float) -> bool:
    standing = state.memory.standings.get(requester)
    return standing is not None and standing.risk.observed_level(now) >= state.policy.rules.raise_at


def _raise(
    journal: Journal,
    requester: str,
    values: Mapping[str, str | None],
    odd: Sequence[str],
    *,
    weighed: Weighed,
    now: float,
) -> None:
    """Raise the narrowest rule over these values, unless a live one matches them already."""
    state = journal.state
    if _live(state, requester, values, now):
        return
    policy = state.policy.rules
    rule = Rule(
        id=identifier("r", ID_DIGITS, requester, str(state.memory.position)),
        selector=narrowest(requester, values, odd),
        mode=policy.mode,
        created=now,
        expires=now + policy.lifetime_seconds,
        by=RAISER,
        because="; ".join(reason.because for reason in weighed.reasons[:_SAID]),
    )
    change(journal, rule, "raised", by=RAISER)


def propose(
    journal: Journal, selector: Selector, *, by: str, reason: str, lifetime_seconds: float, mode: RuleMode
) -> tuple[Rule, Future[int]]:
    """An operator writes a rule; names in it may be raw. Raises `ValueError` naming what is wrong with it."""
    if not 0 < lifetime_seconds <= MOST_LIFETIME_SECONDS:
        message = f"lifetime_seconds: must be above 0 and at most {MOST_LIFETIME_SECONDS:.0f}"
        raise ValueError(message)
    fold, now = journal.state.identities.fold, journal.now()
    named = {name: getattr(selector, name) for name in ("requester", "resource", "consumer")}
    selector = dataclasses.replace(selector, **{name: fold(raw) if raw else raw for name, raw in named.items()})
    rule = Rule(
        id=identifier("r", ID_DIGITS, selector.words(), str(journal.state.memory.position)),
        selector=selector,
        mode=mode,
        created=now,
        expires=now + lifetime_seconds,
        by=by,
        because=reason,
    )
    return rule, change(journal, rule, "raised", by=by, reason=reason)


def switch(
    journal: Journal,
    rule_id: str,
    made: RuleChange,
    *,
    by: str,
    reason: str = "",
    **fields: Any,
) -> tuple[Rule, Future[int]]:
    """Change a live rule's fields. Raises `KeyError` for an unknown rule, `ValueError` for an ended one."""
    rule = journal.state.memory.rules[rule_id]
    state = rule.state(journal.now())
    if state in {"expired", "withdrawn"}:
        message = f"rule {rule_id} is {state}"
        raise ValueError(message)
    changed = dataclasses.replace(rule, **fields)
    return changed, change(journal, changed, made, by=by, reason=reason)


def change(journal: Journal, rule: Rule, made: RuleChange, *, by: str, reason: str = "") -> Future[int]:
    """Log a rule as it now is."""
    journal.ear.rule_changed(made)
    return journal.append(RuleChanged(rule=rule, change=made, by=by, reason=reason), journal.now())


def _selectable(facets: Facets) -> dict[str, str | None]:
    values = dict(zip(GRANT_FACETS, facets.values, strict=True))
    return {name: None if values[name] == ABSENT else values[name] for name in SELECTABLE}
