"""How a deny rule comes to be: risk crosses its threshold, or an operator writes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Final

from detector.engine.answers import identifier
from detector.engine.joins import Lease
from detector.engine.journal import Journal
from detector.engine.records import Decided, RuleChanged, Weighed
from detector.engine.rulebook import live
from detector.engine.state import State
from detector.features.facets import ABSENT, GRANT_FACETS, Facets
from detector.features.rhythm import DAY
from detector.rules import ENDED, Abusive, Goal, Override, Rule, RuleChange, Selector, folded, narrowest

ID_DIGITS: Final = 12

MOST_LIFETIME_SECONDS: Final = 90 * DAY
"""No rule lives longer than a quarter: what should be denied for good is policy."""

RECURS_WITHIN: Final = 30 * DAY
"""A rule about the same thing that ran out this lately makes the next one live twice as long."""

MOST_LIVE: Final = 10_000
"""Live rules past which risk raises no further ones, of one requester `MOST_LIVE_OF_ONE`: an attack on many names
must not fill memory, and who needs more than a handful needs his identity revoked. Operators are not held to it."""
MOST_LIVE_OF_ONE: Final = 8

RAISER: Final = "assayer"
"""Who raised a rule that no operator wrote."""

_SAID: Final = 3
"""Reasons that stand in a raised rule's own."""


def raise_for(journal: Journal, facets: Facets, weighed: Weighed, now: float) -> None:
    """Propose a deny rule when this grant finds its requester's observed risk across the threshold."""
    if weighed.flagged and _crossed(journal.state, facets.issuer, facets.requester, now):
        _propose_over(journal, facets.requester, weighed, now)


def raise_for_use(journal: Journal, lease: Lease, weighed: Weighed, now: float) -> None:
    """Propose one when this use of a credential took the requester that minted it across the threshold."""
    state = journal.state
    if weighed.verdict == "allow" or not _crossed(state, lease.issuer, lease.requester, now):
        return
    minted = {
        "issuer": lease.issuer,
        "resource": lease.mint.resource,
        "privilege": lease.mint.privilege,
        "network": lease.mint.place.network,
    }
    values = {name: None if value == ABSENT else value for name, value in minted.items()}
    _propose_over(journal, lease.requester, weighed, now, abuse=[Abusive(values, 1.0, now)])


def raise_for_outcome(journal: Journal, decision: Decided, now: float) -> None:
    """Propose one when somebody's word on a decision took its requester across the threshold."""
    if _crossed(journal.state, decision.request.issuer, decision.requester, now):
        _propose_over(journal, decision.requester, decision.weighed, now)


def _crossed(state: State, issuer: str, requester: str, now: float) -> bool:
    standing = state.memory.standings.get(requester)
    if standing is None or standing.risk.observed_level(now) < state.policy.rules.raise_at:
        return False
    return state.mode_for(issuer, requester) not in {"observe", "kill_switch"}


def _propose_over(
    journal: Journal, requester: str, weighed: Weighed, now: float, *, abuse: Sequence[Abusive] = ()
) -> None:
    """Propose the narrowest rule over what its requester was flagged for, unless a live one matches it already."""
    state = journal.state
    standing = state.memory.standings.get(requester)
    rows = abuse or (standing.abuse if standing is not None else ())
    if not rows or live(state, requester, rows[-1].values, now) or _crowded(state, requester, now):
        return
    candidates = narrowest(requester, rows, _usual(state, requester))
    policy, earlier = state.policy.rules, _recurrence(state, candidates[0], now)
    rule = Rule(
        id=identifier("r", ID_DIGITS, requester, str(state.memory.position)),
        selector=candidates[0],
        stage="proposed",
        created=now,
        since=now,
        expires=now + min(policy.lifetime_seconds * 2**earlier, MOST_LIFETIME_SECONDS),
        by=RAISER,
        because="; ".join(reason.because for reason in weighed.reasons[:_SAID]),
        goal=policy.mode,
        canary_share=policy.canary_share,
        candidates=candidates[1:],
        recurrence=earlier,
    )
    change(journal, rule, "proposed", by=RAISER)


def _crowded(state: State, requester: str, now: float) -> bool:
    if len(state.memory.rules) < MOST_LIVE_OF_ONE:
        return False
    if sum(rule.state(now) not in ENDED for rule in state.rules.of(requester)) >= MOST_LIVE_OF_ONE:
        return True
    rules = state.memory.rules.values()
    return len(rules) >= MOST_LIVE and sum(rule.state(now) not in ENDED for rule in rules) >= MOST_LIVE


def _usual(state: State, requester: str) -> _Usual:
    own = state.baselines.grants.habits.get(requester)
    if own is None:
        return _Usual({}, 1.0)
    return _Usual({name: own.counts[index] for index, name in enumerate(GRANT_FACETS)}, own.total)


class _Usual:
    """What share of a requester's grants has a value."""

    def __init__(self, counts: Mapping[str, Mapping[str, float]], total: float) -> None:
        self._counts, self._total = counts, total

    def __call__(self, name: str, value: str) -> float:
        return min(self._counts.get(name, {}).get(value, 0.0) / max(self._total, 1.0), 1.0)


def _recurrence(state: State, selector: Selector, now: float) -> int:
    """How many rules about the same thing ran out lately, one after the other."""
    told = set(selector.names()).difference({"issuer"})
    return max(
        (
            rule.recurrence + 1
            for rule in state.rules.of(selector.requester)
            if rule.by == RAISER
            and now - rule.expires < RECURS_WITHIN
            and any(getattr(rule.selector, name) == getattr(selector, name) for name in told)
        ),
        default=0,
    )


def propose(
    journal: Journal,
    selector: Selector,
    *,
    by: str,
    reason: str,
    lifetime_seconds: float,
    goal: Goal,
    override: str = "",
) -> tuple[Rule, Future[int]]:
    """An operator writes a rule; names in it may be raw. Raises `ValueError` naming what is wrong with it.

    It is backtested before it bites, unless its writer overrides that, with a reason.
    """
    if not 0 < lifetime_seconds <= MOST_LIFETIME_SECONDS:
        message = f"lifetime_seconds: must be above 0 and at most {MOST_LIFETIME_SECONDS:.0f}"
        raise ValueError(message)
    now = journal.now()
    selector = folded(selector, journal.state.identities.fold)
    bites = bool(override) and goal == "enforced"
    rule = Rule(
        id=identifier("r", ID_DIGITS, selector.words(), str(journal.state.memory.position)),
        selector=selector,
        stage="enforced" if bites else "proposed",
        created=now,
        since=now,
        expires=now + lifetime_seconds,
        by=by,
        because=reason,
        goal=goal,
        override=Override(by, override) if bites else None,
    )
    return rule, change(journal, rule, "enforced" if bites else "proposed", by=by, reason=reason)


def change(journal: Journal, rule: Rule, made: RuleChange, *, by: str, reason: str = "") -> Future[int]:
    """Log a rule as it now is."""
    journal.ear.rule_changed(made)
    return journal.append(RuleChanged(rule=rule, change=made, by=by, reason=reason), journal.now())
