"""One long seeded life of a small organisation, with thieves, strangers, late logs and operators in it."""

from __future__ import annotations

import random

import pytest

from detector.engine import Row
from detector.engine.records import Observed, Released
from detector.events import Lifecycle, Source
from detector.rules import Selector
from tests.engine.world import AWAY, HOUR, World

SERVICES = tuple(f"spiffe://prod/app/svc{number}" for number in range(4))
BOLD = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0, "resource": "kv/prod-admin"}


def lived(seed: int, hours: int) -> tuple[World, list[Row]]:
    """A world after so many hours, and all rows it gave."""
    dice, world, rows = random.Random(seed), World(), []
    for hour in range(hours):
        world.wait(HOUR * dice.uniform(0.5, 1.5))
        for service in SERVICES:
            fields = {"requester": service, "source": Source(ip=f"10.10.4.{SERVICES.index(service)}")}
            if hour > hours // 2 and dice.random() < 0.08:
                fields |= BOLD
            decision = world.ask(**fields, trusted=dice.random() < 0.9) if dice.random() < 0.5 else None
            if decision is not None and decision.answer != "allow" and dice.random() < 0.5:
                if decision.moves_risk:
                    word = dice.choice(("approved", "refused", "legitimate", "malicious"))
                    world.engine.record_outcome(decision.decision, word, by="anna")  # type: ignore[arg-type]
                continue
            event = world.issuance(**fields, outcome="granted" if dice.random() < 0.95 else "refused")
            uses = [world.usage(event.credential, source=fields["source"]) for _ in range(2)]
            batch = [event, *uses, event] if dice.random() < 0.7 else [uses[0], event, uses[1], uses[0]]
            for one in batch if dice.random() < 0.95 else batch[1:]:
                rows += world.engine.observe(one, trusted=dice.random() < 0.95)
        if dice.random() < 0.1:
            world.happens(dice.choice(("revoked", "policy_changed", "task_completed")), dice.choice(SERVICES))
        for rule in world.engine.rules():
            if rule.state(world.clock.now) == "shadow" and dice.random() < 0.3:
                world.engine.enforce_rule(rule.id, by="bert", override="it is ours")
    scope = Selector(requester=SERVICES[0], resource="kv/x")
    world.engine.propose_rule(
        scope, by="bert", reason="x", lifetime_seconds=HOUR, goal="enforced", override="it is ours"
    )
    return world, rows + list(world.engine.settle())


@pytest.mark.parametrize("seed", [1, 2])
def test_a_long_life_folds_to_the_same_state(seed: int) -> None:
    """Four weeks of everything: the whole log, and snapshots with their tails, give the live state to the byte."""
    world, rows = lived(seed, hours=24 * 14)
    digest = world.engine.digest()
    assert world.folded().digest() == digest
    length = len(world.log.lines)
    assert {world.restarted(cut=cut).digest() for cut in (1, length // 3, length // 2, length - 1, length)} == {digest}
    kinds = {(row.kind, row.verdict) for row in rows}
    assert {("issuance", "allow"), ("issuance", "step_up"), ("usage", "allow")} <= kinds
    assert {rule.by for rule in world.engine.rules()} == {"assayer", "bert"}


def test_the_same_life_twice_is_the_same_log() -> None:
    """Nothing but the clock and the events goes in: the same life gives the same lines, ids included."""
    one, other = lived(3, hours=48), lived(3, hours=48)
    assert one[0].log.lines == other[0].log.lines
    assert one[1] == other[1]


def test_each_event_is_judged_once() -> None:
    """Duplicates, late and held events included: nothing is judged twice, and at the end nothing still waits."""
    world, _ = lived(4, hours=24 * 3)
    held, judged = [], []
    for record in world.log.records():
        if isinstance(record, Released):
            judged.append(("Usage", record.event.id, True))
        elif isinstance(record, Observed) and not isinstance(record.event, Lifecycle):
            name = (type(record.event).__name__, record.event.id, record.teaches)
            (held if record.weighed is None else judged).append(name)
    assert held
    assert len(set(judged)) == len(judged)
    assert set(held) <= set(judged)
