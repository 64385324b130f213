"""The deny list for brokers: what is enforced now, and what changed of it since they were last told."""

from __future__ import annotations

import pytest

from detector.engine import rule_changes
from detector.engine.rule_changes import RuleChanges
from detector.store import MemorySnapshots
from tests.engine.test_rules import propose
from tests.engine.world import HOUR, HOUSE, Paper, World


def ids(world: World, since: int = 0) -> tuple[bool, set[str], set[str]]:
    """Whether everything was told, what is new, and what is gone."""
    told = world.engine.denylist(since)
    return told.full, {rule.id for rule in told.new}, set(told.deleted)


def test_only_what_is_enforced_is_told() -> None:
    """A rule in shadow denies nothing here, so it must deny nothing elsewhere; nor does one that ended."""
    world = World()
    shadow = propose(world, mode="shadow")
    enforced = propose(world, resource="kv/a")
    short = propose(world, resource="kv/b", seconds=60.0)
    withdrawn = propose(world, resource="kv/c")
    world.engine.withdraw_rule(withdrawn.id, by="anna")
    assert ids(world) == (True, {enforced.id, short.id}, set())
    world.wait(61)
    assert ids(world) == (True, {enforced.id}, set())
    assert shadow.stage == "shadow"


def test_who_was_told_is_told_what_changed() -> None:
    """New, changed and gone; what ends by itself is not told, for its end was."""
    world = World()
    stays, goes = propose(world, resource="kv/a"), propose(world, resource="kv/b")
    told = world.engine.denylist().position
    assert ids(world, told) == (False, set(), set())
    new = propose(world, resource="kv/c")
    world.engine.shadow_rule(goes.id, by="anna")
    assert ids(world, told) == (False, {new.id}, {goes.id})
    later = world.engine.denylist().position
    world.engine.enforce_rule(goes.id, by="anna", override="it is back")
    assert ids(world, later) == (False, {goes.id}, set())
    assert ids(world, 0) == (True, {stays.id, goes.id, new.id}, set())


def test_who_knows_another_log_is_told_everything() -> None:
    """A position that was not reached yet is not ours."""
    world = World()
    rule = propose(world)
    assert ids(world, 10**9) == (True, {rule.id}, set())


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was told before that is told everything, who was told since what changed."""
    monkeypatch.setattr(rule_changes, "MOST_CHANGES", 3)
    changes = RuleChanges()
    for position in range(1, 7):
        changes.note(f"r-{position % 5}", position)
    assert changes.since(2) is None
    assert changes.since(3) == ["r-1", "r-0", "r-4"]
    assert changes.since(5) == ["r-1"]
    assert changes.since(6) == []


def test_after_a_restart_from_a_snapshot_everything_is_told() -> None:
    """What changed before is not in a snapshot; who was told all of it by then needs nothing."""
    log, snapshots = Paper(), MemorySnapshots()
    world = World(log=log)
    rule = propose(world, seconds=HOUR)
    told = world.engine.position
    snapshots.save(told, world.engine.snapshot())
    again = World(HOUSE, log=Paper(log.lines), snapshots=snapshots)
    assert again.engine.position == told
    assert ids(again, told) == (False, set(), set())
    assert ids(again, told - 1) == (True, {rule.id}, set())
    folded = World(HOUSE, log=Paper(log.lines))
    assert ids(folded, told - 1)[0] is False


def test_the_kill_switch_and_the_policy_are_told() -> None:
    """With which a broker tells a match as we do."""
    world = World()
    assert not world.engine.denylist().halted
    world.engine.turn_kill_switch(engaged=True, by="anna", because="a test")
    told = world.engine.denylist()
    assert told.halted
    assert told.policy == world.policy
