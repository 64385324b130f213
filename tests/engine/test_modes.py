"""Modes: what is enforced, for whom; and the switch that goes past all of it."""

from __future__ import annotations

import dataclasses

import pytest

from detector.engine.records import RuleChanged
from detector.rules import Selector
from tests.engine.world import AWAY, DAY, HOUSE, ISSUER, SERVICE, World

BOLD = {"source": AWAY, "resource": "db/root", "privilege": "admin"}


@pytest.mark.parametrize("mode", ["observe", "shadow"])
def test_one_requesters_mode_goes_over_its_issuers(mode: str) -> None:
    """It is told to go on, the record says what it would have been, and its neighbour is not softened."""
    policy = dataclasses.replace(HOUSE, requester_modes={SERVICE: mode}, issuer_modes={ISSUER: "enforce"})  # type: ignore[dict-item]
    world = World(policy).live()
    decided = world.ask(**BOLD)
    assert (decided.answer, decided.mode, decided.weighed.verdict) == ("allow", mode, "step_up")
    other = world.live(requester="spiffe://prod/app/other").ask(requester="spiffe://prod/app/other", **BOLD)
    assert (other.answer, other.mode) == ("step_up", "enforce")


def test_a_requesters_mode_is_its_canonical_names() -> None:
    """A new session of it is the same requester."""
    policy = dataclasses.replace(HOUSE, requester_modes={"arn:aws:sts::1:assumed-role/deploy": "shadow"})
    decided = World(policy).ask(requester="arn:aws:sts::1:assumed-role/deploy/run-77")
    assert decided.mode == "shadow"


def test_where_it_only_observes_no_rule_is_raised() -> None:
    """Observing writes down what it sees and nothing else; in shadow a rule is raised, and denies nobody."""
    for mode, raised in (("observe", 0), ("shadow", 1)):
        world = World(dataclasses.replace(HOUSE, issuer_modes={ISSUER: mode})).live()  # type: ignore[dict-item]
        world.steal()
        assert len(world.engine.rules()) == raised


class TestTheKillSwitch:
    """Everything is allowed and recorded, and every answer says so."""

    def test_it_lets_everything_pass_from_the_next_answer_on(self) -> None:
        """An enforced rule and a step-up alike; the record keeps what they would have been."""
        world = World().live()
        world.engine.propose_rule(
            Selector(requester=SERVICE), by="anna", reason="x", lifetime_seconds=DAY, goal="enforced", override="x"
        )
        assert world.ask().answer == "deny"
        world.engine.turn_kill_switch(engaged=True, by="bert", because="the release is stuck")
        for odd in ({}, BOLD):
            decided = world.ask(**odd)
            assert (decided.answer, decided.mode, decided.weighed.verdict) == ("allow", "kill_switch", "deny")
        assert world.engine.vitals().halted
        world.engine.turn_kill_switch(engaged=False, by="bert", because="unstuck")
        assert (world.ask().answer, world.engine.vitals().halted) == ("deny", False)

    def test_nothing_is_raised_under_it(self) -> None:
        """Whoever pulled it wants quiet; the evidence goes on adding up."""
        world = World().live()
        world.engine.turn_kill_switch(engaged=True, by="bert", because="x")
        world.steal()
        assert not [record for record in world.log.records() if isinstance(record, RuleChanged)]
        assert world.seen_risk() >= HOUSE.rules.raise_at

    def test_it_works_while_the_log_takes_nothing(self) -> None:
        """A full disk is when it is needed; once there is room, turning it again writes it down."""
        world = World().live()
        world.log.full = True
        failed = world.engine.turn_kill_switch(engaged=True, by="bert", because="the disk is full")
        assert failed.exception() is not None
        assert (world.ask(**BOLD).answer, world.engine.vitals().halted) == ("allow", True)
        world.log.full = False
        world.engine.turn_kill_switch(engaged=True, by="bert", because="the disk is full")
        assert world.folded().vitals().halted

    def test_it_survives_a_restart(self) -> None:
        """Folded or revived, enforcement stays halted until somebody takes it up again."""
        world = World().live()
        world.engine.turn_kill_switch(engaged=True, by="bert", because="x")
        for engine in (world.folded(), world.restarted()):
            assert engine.ask(world.grant(**BOLD), trusted=True).decision.mode == "kill_switch"


def test_a_broken_glass_is_not_needed_where_nothing_is_enforced() -> None:
    """In shadow an emergency is allowed as everything is, under the mode's own name."""
    world = World(dataclasses.replace(HOUSE, mode="shadow")).live()
    decided = world.ask(**BOLD, break_glass=True, purpose="the database is down")
    assert (decided.answer, decided.mode) == ("allow", "shadow")
