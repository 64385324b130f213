"""Verdicts and rules: more evidence is never more lenient, no rule reaches past its scope, shadow changes nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.engine.records import Decided
from detector.policies import read
from detector.rules import SELECTABLE, Abusive, Selector, narrowest
from detector.verdict import judge
from tests.engine.world import HOUSE, World
from tests.properties.histories import ISSUERS, REQUESTERS, RESOURCES, requests

words = st.sampled_from(("a", "b", "c", None))
values = st.fixed_dictionaries(dict.fromkeys(SELECTABLE, words))
selectors = st.builds(Selector, requester=st.sampled_from(("x", "y")), **dict.fromkeys(SELECTABLE, words))
levels = st.floats(-20.0, 60.0)
ORDER = ("allow", "step_up", "deny")


@given(selectors, st.sampled_from(("x", "y")), values)
def test_a_rule_never_matches_outside_its_scope(
    selector: Selector, requester: str, shown: dict[str, str | None]
) -> None:
    """A match means the same requester and, for everything that is named, the same value."""
    named = {name: getattr(selector, name) for name in SELECTABLE if getattr(selector, name) is not None}
    inside = requester == selector.requester and all(shown[name] == value for name, value in named.items())
    assert selector.matches(requester, shown) == inside


@given(
    st.lists(st.tuples(values, st.floats(0.1, 20.0)), min_size=1, max_size=6), st.dictionaries(words, st.floats(0, 1))
)
def test_every_scope_that_is_found_stops_the_latest_abuse_and_nobody_else(
    rows: list[tuple[dict[str, str | None], float]], habit: dict[str | None, float]
) -> None:
    """The search gives scopes of the latest row, of its requester, each naming something; or says that it cannot."""
    abuse = [Abusive(shown, nats, float(at)) for at, (shown, nats) in enumerate(rows)]
    latest = rows[-1][0]
    if not any(latest.values()):
        with pytest.raises(ValueError, match="abuse"):
            narrowest("x", abuse, lambda _, value: habit.get(value, 0.0))
        return
    found = narrowest("x", abuse, lambda _, value: habit.get(value, 0.0))
    assert found
    for selector in found:
        assert selector.matches("x", latest)
        assert not selector.matches("y", latest)
        assert selector.names()


@given(levels, levels, levels, st.floats(0.1, 30.0), st.floats(0.1, 30.0))
def test_more_evidence_is_never_more_lenient(
    one: float, other: float, accumulated: float, step_up: float, deny: float
) -> None:
    """With all else equal, more evidence never softens a verdict, and more that accumulated never does."""
    less, more = sorted((one, other))

    def verdict(evidence: float, before: float) -> int:
        found = judge(evidence=evidence, accumulated=before, step_up_at=step_up, deny_at=max(step_up, deny))
        return ORDER.index(found)

    assert verdict(less, accumulated) <= verdict(more, accumulated)
    assert verdict(one, min(accumulated, other)) <= verdict(one, max(accumulated, other))


@given(levels, st.floats(0.1, 30.0), st.floats(0.1, 30.0))
def test_a_first_odd_row_earns_a_step_up_at_most(evidence: float, step_up: float, deny: float) -> None:
    """Without anything accumulated that logs bore out, no evidence is a deny."""
    assert judge(evidence=evidence, accumulated=0.0, step_up_at=step_up, deny_at=deny) != "deny"


def answered(rules: list[tuple[dict[str, Any], str]], asks: list[dict[str, Any]], mode: str) -> list[Decided]:
    """What a warm world answers to some asks under some rules, all of them in one mode."""
    world = World(dataclasses.replace(HOUSE, quarantine_seconds=0.0))
    for requester in REQUESTERS:
        for number in range(12):
            world.wait(3_600.0).issue(
                requester=requester, issuer=ISSUERS[0], resource=RESOURCES[0], id=f"{requester}{number}"
            )
    for fields, field in rules:
        selector = Selector(requester=fields["requester"], **({field: fields[field]} if fields.get(field) else {}))
        world.engine.propose_rule(
            selector,
            by="anna",
            reason="x",
            lifetime_seconds=900.0,
            goal=mode,
            override="x" if mode == "enforced" else "",
        )  # type: ignore[arg-type]
    answers = []
    for number, ask in enumerate(asks):
        world.wait(60.0)
        answers.append(world.ask(**{**ask, "id": f"ask{number}", "time": 1_772_409_600.0}))
    return answers


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(requests, st.sampled_from(("issuer", "resource", "privilege"))), min_size=1, max_size=4),
    st.lists(requests, min_size=1, max_size=6),
)
def test_a_rule_in_shadow_never_changes_an_answer(
    rules: list[tuple[dict[str, Any], str]], asks: list[dict[str, Any]]
) -> None:
    """In shadow, answers and evidence are as without rules; enforced, they deny just what they matched."""
    without = answered([({"requester": "nobody"}, "issuer")] * len(rules), asks, "shadow")
    shadowed, enforced = answered(rules, asks, "shadow"), answered(rules, asks, "enforced")
    for plain, shadow, bitten in zip(without, shadowed, enforced, strict=True):
        assert (shadow.answer, shadow.weighed) == (plain.answer, plain.weighed)
        assert (shadow.rule is None) == (bitten.rule is None)
        stopped = bitten.rule is not None and bitten.glass is None
        assert (bitten.answer == "deny") == (stopped or plain.answer == "deny")
        assert bitten.weighed.own == plain.weighed.own


AGREED: dict[str, Any] = {
    "privilege": "admin",
    "max_ttl_seconds": 86_400,
    "authorised_by": "ana",
    "expires": "2199-01-01T00:00:00Z",
    "reauthorise_days": 366,
}
LIMIT: dict[str, Any] = {"sensitivity": ["critical"], "max_ttl_seconds": 600}


def decided(asks: list[dict[str, Any]], *, agreed: bool, quiet: bool, denied: list[bool]) -> list[Decided]:
    """What a warm world decides on some asks, each with a rule that denies its like or without.

    It may have intents for everything, and maintenance of everybody.
    """
    world = World(dataclasses.replace(HOUSE, quarantine_seconds=0.0, mode="enforce"))
    for requester in REQUESTERS:
        for number in range(12):
            world.wait(3_600.0).issue(
                requester=requester, issuer=ISSUERS[0], resource=RESOURCES[0], id=f"{requester}{number}"
            )
    intents = {f"i{n}": {**AGREED, "requester": name, "resource": "*"} for n, name in enumerate(REQUESTERS)}
    document = read({"version": 1, "intents": intents if agreed else {}, "limits": {"short": LIMIT}})
    world.engine.apply_policy(document, by="ana", because="x", override="a test")
    for name in REQUESTERS:
        world.happens("maintenance_declared", name if quiet else "nobody", until=world.clock.now + 86_400.0)
    for fields, rule in zip(asks, denied, strict=True):
        if rule:
            selector = Selector(requester=fields["requester"], resource=fields["resource"])
            world.engine.propose_rule(
                selector, by="ana", reason="x", lifetime_seconds=900.0, goal="enforced", override="x"
            )
    answers = []
    for number, ask in enumerate(asks):
        world.wait(60.0)
        answers.append(world.ask(**{**ask, "id": f"ask{number}", "time": 1_772_409_600.0}))
    return answers


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(requests, st.booleans()), min_size=1, max_size=6), st.booleans())
def test_neither_an_intent_nor_maintenance_turns_a_deny_into_an_allow(
    asks: list[tuple[dict[str, Any], bool]], limited: bool
) -> None:
    """What a rule denies stays denied, and so does what breaks a hard limit; an intent changes no evidence at all."""
    fields = [{**ask, "sensitivity": "critical"} if limited else ask for ask, _ in asks]
    rules = [rule for _, rule in asks]
    plain = decided(fields, agreed=False, quiet=False, denied=rules)
    eased = decided(fields, agreed=True, quiet=False, denied=rules)
    quiet = decided(fields, agreed=True, quiet=True, denied=rules)
    for before, within, during in zip(plain, eased, quiet, strict=True):
        assert within.weighed.own == before.weighed.own
        assert within.rule_bit == before.rule_bit == during.rule_bit
        assert within.weighed.limits == before.weighed.limits == during.weighed.limits
        for after in (within, during):
            stopped = (before.rule_bit or bool(before.weighed.limits)) and after.glass is None
            assert not stopped or after.answer == "deny"
        assert ORDER.index(within.weighed.verdict) <= ORDER.index(before.weighed.verdict)
        assert before.weighed.verdict != "deny" or within.weighed.verdict == "deny"
        assert during.weighed.own <= before.weighed.own
