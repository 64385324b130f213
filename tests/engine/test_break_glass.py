"""Breaking glass: passes enforcement, ends, is reviewed, and teaches nothing."""

from __future__ import annotations

import dataclasses

import pytest

from detector.engine.policy import GlassPolicy
from tests.engine.world import AWAY, HOUR, HOUSE, QUARANTINE, SERVICE, World

PURPOSE = "the payment database is down"
BOLD = {"source": AWAY, "resource": "db/root", "privilege": "admin"}


def test_a_broken_glass_goes_past_a_step_up() -> None:
    """What would have been stepped up is allowed, and the record says what it would have been."""
    decided = World().live().ask(**BOLD, break_glass=True, purpose=PURPOSE)
    assert (decided.answer, decided.mode, decided.weighed.verdict) == ("allow", "break_glass", "step_up")


@pytest.mark.parametrize("purpose", [None, "", "  "])
def test_a_broken_glass_demands_a_purpose(purpose: str | None) -> None:
    """Without one it is judged like any request, and says why."""
    decided = World().live().ask(**BOLD, break_glass=True, purpose=purpose)
    assert (decided.answer, decided.glass) == ("step_up", None)
    assert "purpose" in decided.glass_refused


def test_only_a_known_broker_breaks_glass() -> None:
    """Whoever merely shares the host cannot say "emergency"."""
    world = World().live()
    decided = world.ask(**BOLD, break_glass=True, purpose=PURPOSE, trusted=False)
    assert (decided.answer, decided.glass) == ("step_up", None)


def test_a_glass_closes_and_the_next_one_counts_again() -> None:
    """Within its window asks go through one glass; after it another has to be broken."""
    world = World().live()
    first = world.ask(break_glass=True, purpose=PURPOSE)
    again = world.wait(HOUR).ask(break_glass=True, purpose=PURPOSE)
    later = world.wait(HOUSE.break_glass.window_seconds).ask(break_glass=True, purpose=PURPOSE)
    assert first.glass is not None
    assert again.glass is not None
    assert later.glass is not None
    assert again.glass.opened_by == first.decision
    assert later.glass.opened_by == later.decision
    assert world.state.memory.glasses[first.decision].decisions == 2


def test_unreviewed_glasses_run_out_and_a_review_gives_them_back() -> None:
    """Nobody lives on emergencies that nobody looks at."""
    policy = dataclasses.replace(HOUSE, break_glass=GlassPolicy(window_seconds=HOUR, unreviewed=2))
    world = World(policy).live()
    opened = [world.wait(2 * HOUR).ask(break_glass=True, purpose=PURPOSE) for _ in range(3)]
    assert [decided.glass is not None for decided in opened] == [True, True, False]
    assert "reviewed" in opened[-1].glass_refused
    world.engine.review_glass(opened[0].decision, "justified", by="ana")
    assert world.wait(2 * HOUR).ask(break_glass=True, purpose=PURPOSE).glass is not None
    assert world.engine.vitals().glasses_unreviewed == 2


def test_an_unjustified_glass_is_abuse() -> None:
    """What went through it counts as malicious, whoever had vouched for it."""
    world = World().live()
    bold = {**BOLD, "break_glass": True, "purpose": PURPOSE}
    decided = world.ask(**bold)
    assert world.seen_risk() == 0.0
    world.engine.review_glass(decided.decision, "unjustified", by="ana")
    assert world.state.memory.outcomes.get(decided.decision) == ("malicious", "analyst")
    assert world.seen_risk() > 0.0


def test_what_came_through_a_broken_glass_does_not_teach() -> None:
    """Neither the mint nor what was done with it becomes a habit."""
    world = World().live()
    world.wait(24 * HOUR).ask()
    before = world.state.baselines.snapshot()
    world.issue(resource="db/root", privilege="admin", break_glass=True, credential="emergency")
    world.use("emergency", action="db:Drop")
    world.wait(100 * QUARANTINE).ask()
    assert world.state.baselines.snapshot() == before
    assert "db/root" not in world.state.baselines.grants.habits[SERVICE].counts[1]
