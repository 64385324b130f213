"""Honest upheavals: changes that look new to everybody and are nobody's attack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from detector.simulator.dice import Dice
from detector.simulator.model import DAY
from detector.simulator.population import World
from detector.simulator.upheaval import demand, people, platform

Upheaval: TypeAlias = Callable[[World, Dice, float], None]
"""Change the world from that time on; what it adds says `because` of what."""

UPHEAVALS: Final[Mapping[str, Upheaval]] = {
    "redeploy": platform.redeploy,
    "migration": platform.migration,
    "rollout": demand.rollout,
    "surge": demand.surge,
    "incident": demand.incident,
    "rotation": platform.rotation,
    "lifetime_policy": platform.lifetime_policy,
    "new_team": people.new_team,
    "renamed_role": people.renamed_role,
    "ci_matrix": demand.ci_matrix,
    "clock_shift": people.clock_shift,
    "drill": platform.drill,
    "log_gap": platform.log_gap,
    "new_chain": people.new_chain,
    "growth": demand.growth,
}


def shake(world: World) -> None:
    """Draw which upheavals this organisation goes through, and when.

    Most come after the warm-up, where they are judged. Kinds take turns from a
    drawn place, so that a few organisations together show all of them. A little
    growth is everybody's, all the time. A long log has them all the time, at the
    same rate; its daylight saving comes by the calendar (`year`).
    """
    dice = world.dice.fork("upheavals")
    names, turn = list(UPHEAVALS), dice.below(len(UPHEAVALS))
    for index in range(round(world.style.upheavals * world.strain.upheavals * world.days / 25.0)):
        own, name = dice.fork(f"{index}"), names[(turn + 7 * index) % len(names)]
        early = own.chance(0.3)
        first, last = (3.0, world.warm_up_days) if early else (world.warm_up_days, world.days - 1.5)
        if world.long:
            first, last = 3.0, world.days - 1.5
        at = world.start + own.between(first, max(first + 0.5, last)) * DAY
        if not world.long or name != "clock_shift":
            UPHEAVALS[name](world, own, at)
    every = world.strain.redeploy_days
    for index in range(1, int(world.days / every) if every else 0):
        platform.redeploy_all(world, dice.fork(f"all-{index}"), world.start + index * (every or 0.0) * DAY)
