"""What organising people does to requests: new teams, new names, new layers, shifted clocks."""

from __future__ import annotations

from detector.simulator.dice import Dice
from detector.simulator.model import DAY, HOUR, Role
from detector.simulator.population import World, hire, rename

_LAYERS = ("agent:supervisor", "mesh:linkerd", "gateway:edge", "agent:router", "proxy:envoy")


def new_team(world: World, dice: Dice, at: float) -> None:
    """A team starts: new identities appear and are busy from their first day."""
    application = dice.pick(list(world.applications))
    roles: tuple[Role, ...] = ("service", "service", "ci_own", "cron", "agent", "operator", "ci_hosted")
    size = 3 + dice.below(4)
    if world.long:  # one comes every month or two: small organisations start small teams
        size = min(size, max(1, len(world.requesters) // 20))
    for index in range(size):
        own = dice.fork(f"{index}")
        born = at + own.exponential(0.7) * DAY
        world.requesters.append(
            hire(world, own.pick(roles), own, since=born, application=application, because="new_team")
        )


def renamed_role(world: World, dice: Dice, at: float) -> None:
    """An identity goes on as before under another name."""
    awake = [r for r in world.requesters if not r.dormant and r.rhythm.per_day > 2.0]  # noqa: PLR2004
    for requester in dice.sample(awake, 1 + dice.below(2)):
        number = len(requester.names.options) + 1 if world.long else 2
        title = f"{requester.name.rsplit('/', 1)[-1]}-v{number}"
        requester.names.end(at)
        requester.names.add(rename(world, requester, title), since=at, because="renamed_role")


def clock_shift(world: World, dice: Dice, at: float) -> None:
    """Daylight saving: whatever follows local time comes an hour earlier or later from that day on."""
    change = dice.pick((-1.0, 1.0))
    for requester in world.requesters:
        if dice.chance(0.75):  # the rest run on UTC
            usual = requester.rhythm.offset.at(at)[0].value
            requester.rhythm.offset.end(at)
            requester.rhythm.offset.add(usual + change, since=at, because="clock_shift")


def new_chain(world: World, dice: Dice, at: float) -> None:
    """A new orchestrator or mesh stands in the delegation chain of many, one after the other."""
    layer = dice.pick(_LAYERS)
    roles = dice.pick((("agent",), ("service", "cron"), ("agent", "ci_own", "ci_hosted")))
    for requester in world.requesters:
        if requester.role in roles and dice.chance(0.7):
            when = at + dice.exponential(10.0) * HOUR
            chains = [o.value for o in requester.chains.at(when)]
            requester.chains.end(when)
            for chain in chains:
                outgrown = world.long and chain[:1] and chain[0] in _LAYERS  # the new one replaces it
                requester.chains.add((layer, *(chain[1:] if outgrown else chain)), since=when, because="new_chain")
