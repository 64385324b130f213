"""The identity asks for more than it ever did: other resources, more privilege, longer life."""

from __future__ import annotations

from dataclasses import replace

from detector.events import Privilege
from detector.simulator.abuse.stage import HOUR, Stage
from detector.simulator.model import Access
from detector.simulator.population import grow


def new_resources(stage: Stage) -> None:
    """From the victim's own host, resources it never asked for: a fan-out, or a careful few."""
    dice, environment = stage.dice, stage.victim.environment
    if stage.careful:
        wanted = stage.strangers(environment, own=dice.chance(0.5), privileges=("read", "write"))
        times = stage.times(2 + dice.geometric(2.0), 0.7 * HOUR)
    else:
        wanted = stage.strangers(environment)
        times = stage.times(3 + dice.geometric(8.0), 25.0)
    _ask_for(stage, wanted, times)


def escalation(stage: Stage) -> None:
    """Where the victim is at home, but with more privilege than it ever had there."""
    dice, seen = stage.dice, stage.past(stage.at)
    home = dice.pick(seen[-20:]).intent.access
    ranks = {"read": 0, "write": 1, "admin": 2}
    highest = max(ranks[m.intent.access.privilege] for m in seen)
    more: tuple[Privilege, ...] = ("write", "admin") if highest == 0 and stage.careful else ("admin",)
    wanted = [
        a
        for a in stage.world.applications[home.application].catalogue[home.environment]
        if a.privilege in more and a.right not in stage.known()
    ]
    if not wanted:
        kind = next((k for k in stage.world.style.kinds if k.surface == home.surface), None)
        wanted = [grow(stage.world, home.application, home.environment, dice, kind=kind, privilege=more[-1])]
    _ask_for(stage, wanted, stage.times(1 + dice.geometric(3.0), HOUR if stage.careful else 120.0))


def slow_drip(stage: Stage) -> None:
    """One more resource every day or so, for as long as it goes well."""
    gap = stage.dice.between(8.0, 30.0) * HOUR
    wanted = stage.strangers(stage.victim.environment, own=stage.careful and stage.dice.chance(0.5))
    _ask_for(stage, wanted, stage.times(20, gap))


def spread(stage: Stage) -> None:
    """Issuers the victim never dealt with are tried one after the other."""
    dice, used = stage.dice, {m.intent.access.issuer for m in stage.life.past}
    wanted: list[Access] = []
    for environment, _ in stage.world.style.environments:
        for access in stage.strangers(environment) + stage.strangers(environment, own=True):
            if access.issuer not in used | {w.issuer for w in wanted}:
                wanted.append(access)
    local = [a for a in wanted if a.environment == stage.victim.environment]
    wanted = local + [a for a in wanted if a not in local]
    if not wanted:
        wanted = stage.strangers(stage.victim.environment)
    count = min(2 + dice.geometric(3.0), 2 * len(wanted))
    _ask_for(stage, wanted, stage.times(count, 2000.0 if stage.careful else 40.0))


def staging_asks_production(stage: Stage) -> None:
    """An identity of a lower environment asks for production's resources."""
    production = stage.world.style.environments[0][0]
    wanted = stage.strangers(production, own=stage.careful, privileges=("read", "write") if stage.careful else ())
    _ask_for(stage, wanted, stage.times(1 + stage.dice.geometric(4.0), 600.0 if stage.careful else 60.0))


def policy_widened(stage: Stage) -> None:
    """Somebody widens a policy, and soon what it newly allows is asked for."""
    dice = stage.dice
    wanted = stage.strangers(stage.victim.environment, privileges=("admin", "write"))[: 1 + dice.below(3)]
    if not wanted:
        return
    subject = dice.pick((wanted[0].resource, f"{stage.victim.application}-policy", stage.past(stage.at)[-1].intent.raw))
    stage.policy_change(stage.at, subject)
    begin = stage.at + dice.lognormal(600.0 if not stage.careful else 4 * HOUR, 0.6)
    _ask_for(stage, wanted, stage.times(1 + dice.geometric(3.0), 400.0, at=begin))


def poison_then_hit(stage: Stage) -> None:
    """A forbidden resource is asked for a little every day until it looks usual; then comes the hit."""
    dice = stage.dice
    wanted = stage.strangers(stage.victim.environment, privileges=("read", "write"))
    if not wanted:
        return
    target, at = wanted[0], stage.at
    for _ in range(3 + dice.below(4)):
        for moment in stage.times(1 + dice.below(3), 300.0, at=at):
            stage.use(stage.mint(stage.wish(moment, target)), 1)
        at += dice.between(14.0, 30.0) * HOUR
    hit = [a for a in stage.strangers(target.environment, privileges=("admin",)) if a.application == target.application]
    _ask_for(stage, hit or [target], stage.times(6 + dice.geometric(6.0), 20.0, at=at))


def stretched_lifetime(stage: Stage) -> None:
    """The usual credential, for much longer than usual."""
    dice = stage.dice
    factor = dice.between(2.5, 5.0) if stage.careful else dice.between(8.0, 60.0)
    for at in stage.times(1 + dice.geometric(3.0), 2 * HOUR):
        intent = stage.habit(at)
        life = float(max(60, round(intent.ttl_seconds * factor / 60.0) * 60))
        stage.use(stage.mint(replace(intent, ttl_seconds=life)), stage.uses(), foreign=0.2, spacing=120.0)


def probing(stage: Stage) -> None:
    """Refused, tried again, refused, tried otherwise: until something gives."""
    dice = stage.dice
    wanted = stage.strangers(stage.victim.environment, own=True) or stage.strangers(stage.victim.environment)
    usual = stage.habit(stage.at).access
    for number, at in enumerate(stage.times(5 + dice.geometric(7.0), 240.0 if stage.careful else 15.0)):
        # The first tries are the victim's own resource refused once more, as everybody's are at times.
        access = usual if number < 2 or not wanted else wanted[number // 3 % len(wanted)]  # noqa: PLR2004
        refused = number < 4 or dice.chance(0.6)  # noqa: PLR2004
        intent = replace(stage.wish(at, access), refused=refused)
        minted = stage.mint(intent)
        if not refused:
            stage.use(minted, stage.uses(), grasping=0.3)


def wandering(stage: Stage) -> None:
    """An agent astray (or led astray): resource after resource, many of them refused, much of its use denied."""
    dice, environment = stage.dice, stage.victim.environment
    wanted = stage.strangers(environment) + stage.strangers(environment, own=True)
    wanted = dice.sample(wanted, len(wanted)) or [stage.habit(stage.at).access]
    refusals = 0.15 if stage.careful else 0.45
    for number, at in enumerate(stage.times(4 + dice.geometric(8.0), 70.0)):
        access = wanted[number % len(wanted)]
        refused = dice.chance(refusals)
        minted = stage.mint(replace(stage.wish(at, access), refused=refused))
        if not refused:
            stage.use(minted, 1 + stage.uses(), denied=0.25 if stage.careful else 0.6, foreign=0.9)


def _ask_for(stage: Stage, wanted: list[Access], times: list[float]) -> None:
    """Ask for each in turn from the victim's own host, and use it."""
    for number, at in enumerate(times):
        if not wanted:
            return
        access = wanted[number % len(wanted)]
        refused = stage.dice.chance(0.03 if stage.careful else 0.12)
        intent = replace(stage.wish(at, access), refused=refused)
        minted = stage.mint(intent)
        if not refused:
            stage.use(minted, stage.uses(), grasping=0.1 if stage.careful else 0.3, foreign=0.5)
