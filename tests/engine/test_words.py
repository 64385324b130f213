"""Reasons are true: they say what was expected and what was seen, and add up to what the row came to."""

from __future__ import annotations

import dataclasses
import re

import pytest

from detector.engine import Row, judge, words
from detector.engine.policy import Thresholds
from detector.engine.records import Decided
from detector.engine.words import ASPECTS, COUNTED, SENTENCES
from detector.evidence import GRANT_CODES, QUANTA, USE_CODES, in_nats
from detector.features.facets import GRANT_GRADES, USE_GRADES
from detector.rules import Selector
from detector.verdict import Reason
from tests.engine.world import AWAY, DAY, HOUR, HOUSE, SERVICE, World


def reason(found: Row | Decided, code: str) -> Reason:
    """The one with this code."""
    told = found.weighed.reasons if isinstance(found, Decided) else found.reasons
    return next(said for said in told if said.code == code)


def aspect(code: str) -> tuple[str, ...]:
    """The facets that are told together with this one."""
    return next(codes for codes in ASPECTS.values() if code in codes)


def test_every_code_has_its_sentence() -> None:
    """No facet can be named without words, and no sentence is left over."""
    assert set(SENTENCES) == {*GRANT_CODES, *USE_CODES, "accumulated"}
    told = [code for codes in ASPECTS.values() for code in codes]
    assert len(told) == len(set(told))
    assert set(told) < set(SENTENCES)
    timed = {"hour", "gap", "age", "task_age"}
    assert set(COUNTED) == {*GRANT_GRADES, *USE_GRADES} - timed


def test_a_lifetime_that_only_the_resource_tells_is_explained() -> None:
    """Who never named a lifetime is held against what others get for the resource, and told so."""
    world = World().live()
    for _ in range(60):
        world.wait(600.0).issue(requester="plain/one", ttl_seconds=None)
    asked = world.wait(2 * DAY).ask(requester="plain/one", ttl_seconds=9e6)
    assert reason(asked, "lifetime").expected == "lifetime none given (100%); longer about 900 s for this resource"


def test_a_stranger_is_told_what_its_peers_show() -> None:
    """Nothing is known of a stranger: the reason says so, and what it was held against."""
    world = World().live()
    for number in range(8):
        for _ in range(4):
            world.wait(HOUR).issue(requester=f"spiffe://prod/app/svc{number}")
    asked = world.wait(DAY).ask(requester="spiffe://prod/app/svc99", source=AWAY)
    where = next(said for said in asked.weighed.reasons if said.code in aspect("site"))
    assert "site 10.10.0.0/16 (100%) with its peers" in where.expected
    assert "site 185.220.0.0/16" in where.observed


@pytest.mark.parametrize(("many", "said"), [(1_024, "and 1021 more"), (1_025, "one of 1025 different values")])
def test_where_everything_differs_nothing_is_said_to_be_usual(many: int, said: str) -> None:
    """Among thousands of peers' values none is picked out as the usual one, nor all of them sorted for it."""
    assert words._usual({f"kv/own{number}": 1.0 for number in range(many)}, float(many)).endswith(said)


def test_a_reason_shows_its_four_weightiest_facets() -> None:
    """Whoever is odd in every way is told so in a few words a reason; the rest is counted."""
    world = World().live()
    odd = {"task": "t", "on_behalf_of": ("x", "y"), "consumer": "z", "purpose": "p", "authentication_method": "m"}
    mandate = next(said for said in world.ask(**odd).weighed.reasons if said.code in aspect("task"))
    for said in (mandate.expected, mandate.observed):
        assert re.search(r"^(\S.*; ){4}and \d+ more$", said), said


def test_what_had_accumulated_is_told_in_words() -> None:
    """Oddities are remembered by facet and value; a reader sees words, also for what was left out."""
    world = World().live()
    for _ in range(4):
        world.wait(30.0).issue(source=AWAY, privilege=None, resource="kv/other")
    carried = reason(world.wait(30.0).issue(source=AWAY, resource="kv/third"), "accumulated")
    assert carried.expected == "nothing held against it"
    assert "=" not in carried.observed
    assert carried.observed.count("; ") == 2


@pytest.mark.parametrize("step_up", [6.0, 8.3])
def test_a_mint_against_a_deny_is_told_for_all_it_comes_to(step_up: float) -> None:
    """However often it is repeated, and whatever fits: its shares add up to its evidence, and it is no allow."""
    world = World(dataclasses.replace(HOUSE, thresholds=Thresholds(step_up=step_up, deny=14.0))).live()
    against = "minted against a deny"
    for _ in range(3):
        world.engine.propose_rule(
            Selector(requester=SERVICE),
            by="ana",
            reason="stop",
            lifetime_seconds=60.0,
            goal="enforced",
            override="it is ours",
        )
        assert world.ask().answer == "deny"
        facets = judge.prepare_grant(world.state, world.grant(), world.clock.now, decision=against)
        judged = judge.weigh_grant(world.state, facets, world.clock.now, decision=None)
        row = world.issue()
        assert reason(row, "decision").observed == against
        assert "allow" not in {row.verdict, judged.weighed.verdict}
        assert sum(judged.shares) == pytest.approx(in_nats(judged.weighed.own), abs=1 / QUANTA)
        world.wait(HOUR)
