"""One seeded organisation, whole: population, upheavals, everyday life, campaigns, logs."""

from __future__ import annotations

from detector.simulator.abuse import unleash
from detector.simulator.addresses import Addresses
from detector.simulator.dice import Dice
from detector.simulator.labels import Organisation
from detector.simulator.ledger import Ledger
from detector.simulator.life import Life
from detector.simulator.model import DAY
from detector.simulator.population import World, populate
from detector.simulator.strain import CALM, Strain
from detector.simulator.styles import STYLES, Style
from detector.simulator.upheaval import shake
from detector.simulator.year import pass_through, turn_over

_MONDAY = 1_772_409_600.0  # 2026-03-02T00:00:00Z
DEFAULT_DAYS = 25
DEFAULT_WARM_UP_DAYS = 14
DEFAULT_CAMPAIGNS = 34


def simulate(
    style: str | Style,
    seed: int,
    *,
    days: int = DEFAULT_DAYS,
    warm_up_days: int = DEFAULT_WARM_UP_DAYS,
    campaigns: int = DEFAULT_CAMPAIGNS,
    requesters: int | None = None,
    strain: Strain = CALM,
) -> Organisation:
    """Live one organisation from beginning to end; same arguments, same events, to the byte.

    `days` counts from a Monday (UTC); campaigns begin after `warm_up_days`.
    `requesters` overrides the style's own number, `strain` makes honest life
    harder. More than `LONG_DAYS` bring what only a year does, and upheavals
    all the time. Raises KeyError for a style that is not in `STYLES`.
    """
    drawn = STYLES[style] if isinstance(style, str) else style
    dice = Dice(f"assayer/{drawn.name}/{seed}")
    world = World(
        style=drawn,
        dice=dice,
        start=_MONDAY + 7 * DAY * dice.fork("week").below(40),
        days=days,
        warm_up_days=warm_up_days,
        addresses=Addresses(drawn, dice.fork("addresses")),
        accounts={name: f"{dice.fork(name).below(9 * 10**11) + 10**11}" for name, _ in drawn.environments},
        strain=strain,
    )
    populate(world, size=requesters)
    if world.long:
        turn_over(world)
    shake(world)
    if world.long:
        pass_through(world)
    ledger = Ledger(style=drawn, dice=dice.fork("ledger"), gaps=world.gaps, clock_seconds=strain.clock_seconds)
    lives = {}
    for requester in world.requesters:
        lives[requester.name] = Life(world, ledger, requester, dice.fork(f"life-{requester.name}"))
        lives[requester.name].live()
    for event, label in world.lifecycle:
        ledger.happen(event, label)
    begun = unleash(world, ledger, lives, campaigns)
    rows = sorted(ledger.rows, key=lambda row: (row.event.time, row.event.id, row.arrived))
    kept = [row for row in rows if row.event.time < world.end]
    return Organisation(
        style=drawn.name,
        seed=seed,
        start=world.start,
        days=days,
        warm_up_days=warm_up_days,
        rows=tuple(kept),
        campaigns=begun,
        dialects=dict(world.dialects),
    )
