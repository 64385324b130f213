"""What work does to requests: roll-outs, surges, incidents, exploding matrices, growth."""

from __future__ import annotations

from detector.simulator.dice import Dice
from detector.simulator.model import DAY, HOUR, Surge
from detector.simulator.population import World, grow


def rollout(world: World, dice: Dice, at: float) -> None:
    """A new shared resource is taken up by many requesters within a week."""
    for environment, _ in world.style.environments:
        owner = dice.pick(list(world.applications))
        access = grow(world, owner, environment, dice, privilege=dice.pick(("read", "read", "write", "admin")))
        share = dice.between(0.25, 0.8)
        for requester in world.requesters:
            if requester.environment == environment and dice.chance(share):
                requester.accesses.add(
                    access, weight=dice.between(0.1, 0.6), since=at + dice.exponential(1.5) * DAY, because="rollout"
                )


def surge(world: World, dice: Dice, at: float) -> None:
    """One application has its big day: several times the usual, for hours or days."""
    name = dice.pick(list(world.applications))
    until = at + dice.lognormal(10.0, 0.8) * HOUR
    factor = dice.lognormal(5.0, 0.6)
    for requester in world.requesters:
        if requester.application == name and not requester.rhythm.clock:
            requester.rhythm.surges.append(Surge(since=at, until=until, factor=1.0 + factor, because="surge"))


def incident(world: World, dice: Dice, at: float) -> None:
    """Something breaks, often at night: operators and jobs reach for what they seldom need."""
    name = dice.pick(list(world.applications))
    at = at - at % DAY + dice.between(0.0, 24.0) * HOUR
    until = at + dice.between(1.0, 6.0) * HOUR
    for requester in world.requesters:
        near = requester.application == name or requester.role == "operator"
        if not near or requester.dormant or not dice.chance(0.6):
            continue
        factor = 1.0 + dice.between(6.0, 20.0) / max(1.0, requester.rhythm.per_day / 4.0)
        requester.rhythm.surges.append(Surge(since=at, until=until, factor=factor, because="incident"))
        if requester.role == "operator":
            requester.emergencies.append((at, until))
        stock = world.applications[name].catalogue[requester.environment]
        strong = [a for a in stock if a.privilege == "admin"] or stock
        if requester.role == "operator" or dice.chance(0.3):
            requester.accesses.add(dice.pick(strong), weight=1.5, since=at, until=until, because="incident")


def ci_matrix(world: World, dice: Dice, at: float) -> None:
    """A pipeline's matrix explodes: ten times the jobs, over new branches' resources."""
    pipelines = [r for r in world.requesters if r.role in ("ci_hosted", "ci_own") and not r.dormant]
    for requester in dice.sample(pipelines, 1 + dice.below(3)):
        until = at + dice.between(0.5, 4.0) * DAY
        requester.rhythm.surges.append(
            Surge(since=at, until=until, factor=dice.between(4.0, 10.0), because="ci_matrix")
        )
        for _ in range(2 + dice.below(5)):
            access = grow(world, requester.application, requester.environment, dice)
            requester.accesses.add(access, weight=0.3, since=at, until=until, because="ci_matrix")


def growth(world: World, dice: Dice, at: float) -> None:
    """An integration ships: one application's requesters reach into another's, at times with more privilege."""
    ours, theirs = dice.sample(list(world.applications), 2)
    for requester in world.requesters:
        if requester.application != ours or not dice.chance(0.6):
            continue
        stock = world.applications[theirs].catalogue[requester.environment]
        for access in dice.sample(stock, 1 + dice.below(2)):
            requester.accesses.add(access, weight=0.3, since=at + dice.exponential(0.8) * DAY, because="growth")
