"""How a deny rule moves through its life: backtested, let bite, lengthened, shortened, taken back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

from detector.engine.backtest import ABUSIVE
from detector.engine.journal import Journal
from detector.engine.raising import MOST_LIFETIME_SECONDS, RAISER, change
from detector.engine.records import Decided, Outcome
from detector.engine.rulebook import live
from detector.features.facets import named_in
from detector.rules import ENDED, ENTERED, Backtest, Override, Rule, Stage

MOST_QUIET: Final = 3
"""Requests that a biting rule denied though nothing about them was odd: at this many it goes back to shadow. One
may be a thief who guessed well; three are work that the backtest did not know of."""

SHORTENED: Final = 0.5
"""What is left of a biting rule's life after a clean step-up within its scope."""

TEND_SECONDS: Final = 0.25
"""Between two looks at the rules that move on: ten thousand of them must not be looked at for every event."""

MOVES: Final[dict[Stage, Stage]] = {"shadow": "canary", "canary": "enforced"}


def backtested(journal: Journal, rule_id: str, results: Sequence[Backtest]) -> Rule | None:
    """Store what a rule's scope and its candidates would have hit; the first within its limit becomes its scope.

    It goes on to shadow, or where its writer wants it to bite and its backtest allows that to be enforced. `None` where
    the rule has ended or been backtested meanwhile.
    """
    rule, now = journal.state.memory.rules.get(rule_id), journal.now()
    if rule is None or rule.backtest is not None or rule.state(now) in ENDED:
        return None
    if rule.stage != "proposed":
        rule = dataclasses.replace(rule, backtest=results[0])
        change(journal, rule, "backtested", by=RAISER, reason=results[0].words())
        return rule
    scopes = (rule.selector, *rule.candidates)
    best = next((index for index, result in enumerate(results) if result.within), 0)
    rule = dataclasses.replace(
        rule, selector=scopes[best], candidates=(), backtest=results[best], stage="backtested", since=now
    )
    change(journal, rule, "backtested", by=RAISER, reason=results[best].words())
    at_once = rule.proven and rule.goal == "enforced" and rule.by != RAISER
    onward: Stage = "enforced" if at_once else "shadow"
    return _enter(journal, rule, onward, by=rule.by)[0]


def tend(journal: Journal, now: float) -> None:
    """Move on the rules that go to enforcement by themselves and have been long enough where they are."""
    state, policy = journal.state, journal.state.policy.rules
    if now - state.rules.tended < TEND_SECONDS:
        return
    state.rules.tended = now
    stays = {"shadow": policy.shadow_seconds, "canary": policy.canary_seconds}
    for rule in list(state.rules.moving.values()):
        stage = rule.state(now)
        if stage in ENDED:
            del state.rules.moving[rule.id]
        elif stage in stays and now - rule.since >= stays[stage] and not _quiet(journal, rule.id):
            _enter(journal, rule, MOVES[rule.stage], by=RAISER)


def settle(journal: Journal, decision: Decided, outcome: Outcome, *, by: str) -> None:
    """What somebody said of a decision bears on the rules that match it.

    Clean, it takes back what does not bite yet, and halves the rest of the life of what does; abuse gives a rule
    its whole life again.
    """
    state, now = journal.state, journal.now()
    values = named_in(decision.request, state.identities.fold)
    for rule in live(state, decision.requester, values, now):
        if outcome in ABUSIVE:
            whole = max(
                rule.expires, min(now + state.policy.rules.lifetime_seconds, rule.created + MOST_LIFETIME_SECONDS)
            )
            if whole > rule.expires:
                change(journal, dataclasses.replace(rule, expires=whole), "lengthened", by=by, reason=outcome)
        elif rule.stage == "enforced":
            left = dataclasses.replace(rule, expires=now + SHORTENED * (rule.expires - now))
            change(journal, left, "shortened", by=by, reason=outcome)
        elif rule.by == RAISER:
            withdraw(journal, rule.id, by=by, reason=f"{decision.decision} was {outcome}")


def brake(journal: Journal, rule: Rule) -> None:
    """Put a biting rule back into shadow that denies what nothing else speaks against."""
    if rule.override is None and _quiet(journal, rule.id) >= MOST_QUIET:
        reason = f"it denied {MOST_QUIET} requests that nothing else spoke against"
        stopped = dataclasses.replace(rule, stage="shadow", since=journal.now(), goal="shadow")
        change(journal, stopped, "demoted", by=RAISER, reason=reason)


def enforce(journal: Journal, rule_id: str, *, by: str, override: str = "") -> tuple[Rule, Future[int]]:
    """Let a rule bite. Raises `KeyError` for an unknown rule, `ValueError` for an ended or unproven one.

    `override` is why somebody lets it bite without a backtest, or beyond its collateral limit.
    """
    rule = _living(journal, rule_id)
    if override:
        rule = dataclasses.replace(rule, override=Override(by, override))
    if not rule.proven:
        why = (
            f"its backtest is past the limit: {rule.backtest.words()}" if rule.backtest else "it is not backtested yet"
        )
        message = f"rule {rule_id}: {why}; say why it is to be enforced all the same (override)"
        raise ValueError(message)
    return _enter(journal, rule, "enforced", by=by, reason=override)


def shadow(journal: Journal, rule_id: str, *, by: str) -> tuple[Rule, Future[int]]:
    """Let a rule only count. Raises as `enforce` does."""
    return _enter(journal, dataclasses.replace(_living(journal, rule_id), goal="shadow"), "shadow", by=by)


def withdraw(journal: Journal, rule_id: str, *, by: str, reason: str = "") -> tuple[Rule, Future[int]]:
    """End a rule now. Raises as `enforce` does."""
    why = f"by {by}: {reason}" if reason else f"by {by}"
    ended = dataclasses.replace(_living(journal, rule_id), withdrawn=True, taken_back=why)
    return ended, change(journal, ended, "withdrawn", by=by, reason=reason)


def _living(journal: Journal, rule_id: str) -> Rule:
    rule = journal.state.memory.rules[rule_id]
    state = rule.state(journal.now())
    if state in ENDED:
        message = f"rule {rule_id} is {state}"
        raise ValueError(message)
    return rule


def _enter(journal: Journal, rule: Rule, stage: Stage, *, by: str, reason: str = "") -> tuple[Rule, Future[int]]:
    fields: dict[str, Any] = {"stage": stage, "since": journal.now()}
    entered = dataclasses.replace(rule, **fields)
    return entered, change(journal, entered, ENTERED[stage], by=by, reason=reason)


def _quiet(journal: Journal, rule_id: str) -> int:
    hits = journal.state.memory.hits.get(rule_id)
    return hits.quiet if hits is not None else 0
