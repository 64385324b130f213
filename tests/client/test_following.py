"""A broker that follows changes knows what one that asks for everything is told, whatever happened to the rules."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.api.denylist import telling
from detector.client.denylist import DenyList, Rule, read
from tests.engine.test_rules import propose
from tests.engine.world import World

Step = tuple[str, int]

steps = st.lists(
    st.tuples(
        st.sampled_from(("write", "write in shadow", "enforce", "shadow", "withdraw", "wait", "switch", "look")),
        st.integers(0, 5),
    ),
    max_size=25,
)


def take(world: World, step: Step) -> None:
    """Do something to the rules of a world; what its rules do not allow is left."""
    what, number = step
    rules = [rule for rule in world.engine.rules() if rule.state(world.clock.now) not in {"expired", "withdrawn"}]
    if what.startswith("write"):
        mode = "shadow" if "shadow" in what else "enforced"
        propose(world, mode=mode, seconds=60.0 * (number + 1), resource=f"kv/{number}")
    elif what == "wait":
        world.wait(20.0 * number)
    elif what == "switch":
        world.engine.turn_kill_switch(engaged=number % 2 == 0, by="anna", because="a test")
    elif rules and what == "enforce":
        world.engine.enforce_rule(rules[number % len(rules)].id, by="anna", override="a test")
    elif rules and what == "shadow":
        world.engine.shadow_rule(rules[number % len(rules)].id, by="anna")
    elif rules and what == "withdraw":
        world.engine.withdraw_rule(rules[number % len(rules)].id, by="anna")


def looked(world: World, known: DenyList, *, since: int) -> DenyList:
    """What is known once a world told what changed."""
    return known.taking(read(msgspec.json.encode(telling(world.engine.denylist(since)))), now=world.clock.now)


def in_force(known: DenyList, now: float) -> dict[str, Rule]:
    """The rules that have not ended."""
    return {name: rule for name, rule in known.rules.items() if rule.expires.timestamp() > now}


@settings(max_examples=40, deadline=None)
@given(steps)
def test_following_changes_is_knowing_everything(taken: list[Step]) -> None:
    """After any number of changes between two looks; and what is known is what is enforced."""
    world = World()
    known = looked(world, DenyList(), since=0)
    for step in [*taken, ("look", 0)]:
        take(world, step)
        if step[0] == "look":
            known = looked(world, known, since=known.position)
    now, whole = world.clock.now, looked(world, DenyList(), since=0)
    enforced = {rule.id for rule in world.engine.rules() if rule.state(now) == "enforced"}
    assert in_force(known, now) == in_force(whole, now)
    assert set(in_force(known, now)) == enforced
    assert known.kill_switch is whole.kill_switch is (world.state.halted is not None)
