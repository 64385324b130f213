"""Learning: only what was really issued teaches, after its quarantine; what was flagged waits longer."""

from __future__ import annotations

import pytest

from detector.engine.policy import DAY, Policy
from tests.engine.world import AWAY, HOUR, PLAIN, QUARANTINE, SERVICE, World

BOLD = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0}


def pass_time(world: World, seconds: float) -> None:
    """Let time pass, and something happen after it that teaches nothing."""
    world.wait(seconds).ask(requester="another")


@pytest.mark.parametrize(("seconds", "learnt"), [(0.0, 0), (QUARANTINE - 1.0, 0), (QUARANTINE, 1), (DAY, 1)])
def test_nothing_teaches_before_its_quarantine_ends(seconds: float, learnt: int) -> None:
    """A mint is learnt once its quarantine is over by the log's clock, and not a second earlier."""
    world = World()
    world.issue()
    pass_time(world, seconds)
    assert world.learnt() == learnt


def test_uses_wait_as_mints_do() -> None:
    """A use teaches after the same quarantine."""
    world = World()
    world.use(world.issue().credential)
    pass_time(world, QUARANTINE - 1.0)
    assert SERVICE not in world.state.baselines.uses.habits
    pass_time(world, 1.0)
    assert world.state.baselines.uses.habits[SERVICE].events == 1


def test_quarantine_follows_the_log_and_not_the_event() -> None:
    """An event that claims to be a year old, or to come from the future, waits as long as any other."""
    world = World()
    world.issue(time=world.clock.now - 365 * DAY)
    world.issue(time=world.clock.now + 365 * DAY)
    pass_time(world, QUARANTINE - 1.0)
    assert world.learnt() == 0
    pass_time(world, 1.0)
    assert world.learnt() == 2


def test_asking_teaches_nothing_ever() -> None:
    """A burst of asks, refused or allowed, is not habit however much time passes."""
    world = World()
    for _ in range(50):
        world.ask()
        world.ask(**BOLD)
    pass_time(world, 30 * DAY)
    assert world.state.baselines.grants.habits == {}


def test_a_refused_issuance_teaches_nothing() -> None:
    """What the issuer refused is no habit; that it was refused shows in the pulse."""
    world = World()
    world.issue(outcome="refused")
    pass_time(world, 30 * DAY)
    assert world.learnt() == 0
    assert world.state.memory.standings[SERVICE].pulse.refusals == 1


def test_what_was_flagged_waits_for_the_long_quarantine() -> None:
    """Without an outcome a flagged mint teaches after a week: protection has a way back."""
    world = World().live().wait(2 * HOUR)
    pass_time(world, 0.0)
    learnt = world.learnt()
    assert world.issue(**BOLD).verdict == "step_up"
    pass_time(world, 7 * DAY - 1.0)
    assert world.learnt() == learnt
    pass_time(world, 1.0)
    assert world.learnt() == learnt + 1


def test_a_flagged_mint_and_its_flagged_use_of_one_record_both_wait() -> None:
    """One log record may be a mint and a use under one id: neither pushes the other out of quarantine."""
    world = World().live()
    pass_time(world, 0.0)
    mine = world.issue()
    pass_time(world, QUARANTINE)
    grants, uses = world.learnt(), world.state.baselines.uses.habits[SERVICE].events
    assert world.issue(id="event", **BOLD).verdict != "allow"
    stolen = world.use(mine.credential, id="event", source=AWAY, action="iam:AttachRolePolicy")
    assert stolen.verdict != "allow"
    assert len(world.state.memory.flagged) == 2
    pass_time(world, 7 * DAY)
    assert world.learnt() == grants + 1
    assert world.state.baselines.uses.habits[SERVICE].events == uses + 1


def test_quarantines_are_the_policys() -> None:
    """An operator may wait longer, or not at all."""
    world = World(Policy(model=PLAIN, quarantine_seconds=0.0))
    world.issue()
    pass_time(world, 0.0)
    assert world.learnt() == 1
    patient = World(Policy(model=PLAIN, quarantine_seconds=DAY))
    patient.issue()
    pass_time(patient, DAY - 1.0)
    assert patient.learnt() == 0


def test_a_lasting_change_is_learnt_in_the_end() -> None:
    """A requester that really moved house is odd at first and ordinary after the quarantines are over."""
    world = World().live()
    assert world.issue(source=AWAY).verdict != "allow"
    for _ in range(24 * 10):
        world.wait(HOUR).issue(source=AWAY)
    assert world.wait(HOUR).issue(source=AWAY).verdict == "allow"
    assert world.wait(HOUR).ask(source=AWAY).answer == "allow"


def test_a_poisoner_who_is_flagged_does_not_teach_his_way_in_within_a_day() -> None:
    """Repeating an odd mint for hours does not make it habit while its quarantine lasts."""
    world = World().live()
    known = dict(world.state.baselines.grants.habits[SERVICE].counts[1])
    for _ in range(30):
        world.wait(60.0).issue(resource="kv/root", **BOLD)
    assert set(world.state.baselines.grants.habits[SERVICE].counts[1]) == set(known)
