"""What the request says about itself is not so: its hour, its task, its chain, its emergency, its scope."""

from __future__ import annotations

from dataclasses import replace

from detector.simulator.abuse.stage import DAY, HOUR, Stage
from detector.simulator.objects import ACTIONS, new_object


def off_hours(stage: Stage) -> None:
    """The usual, from the usual place, when the victim never asks; careful thieves stay near its hours."""
    at = stage.at - stage.at % DAY + _dead_hour(stage) * HOUR + stage.dice.between(0.0, 1800.0)
    if at < stage.at:
        at += DAY
    for moment in stage.times(2 + stage.dice.geometric(4.0), 400.0, at=at):
        stage.use(stage.mint(stage.habit(moment)), stage.uses(), foreign=0.2)


def _dead_hour(stage: Stage) -> float:
    """The UTC hour farthest from anything the victim did (careful: at half that distance)."""
    active = {int(m.intent.time % DAY // HOUR) for m in stage.life.past if m.intent.time < stage.at}
    gaps = {h: min((min((h - a) % 24, (a - h) % 24) for a in active), default=0) for h in range(24)}
    widest = max(gaps.values())
    wanted = (widest + 1) // 2 if stage.careful else widest
    return float(stage.dice.pick([h for h, gap in gaps.items() if gap == wanted]))


def forged_delegation(stage: Stage) -> None:
    """On behalf of somebody who never stood in this requester's chain."""
    dice, world = stage.dice, stage.world
    others = sorted(
        {
            m.intent.chain
            for name, life in stage.lives.items()
            if name != stage.victim.name
            for m in life.past[:5]
            if m.intent.chain
        }
    )
    usual = {m.intent.chain for m in stage.past(stage.at)}
    foreign = [chain for chain in others if chain not in usual]
    for at in stage.times(2 + dice.geometric(3.0), 300.0):
        intent = stage.habit(at)
        if stage.careful and foreign:
            chain = foreign[dice.below(len(foreign))]
        else:
            chain = (f"agent:{dice.pick(list(world.applications))}-{dice.letters(4)}", *intent.chain)
        stage.use(stage.mint(replace(intent, chain=chain)), stage.uses(), foreign=0.3)


def break_glass(stage: Stage) -> None:
    """An emergency is declared that nobody has."""
    dice = stage.dice
    strong = stage.strangers(stage.victim.environment, own=dice.chance(0.5), privileges=("admin",))
    for number, at in enumerate(stage.times(1 + dice.geometric(2.0), 400.0)):
        intent = replace(stage.habit(at), break_glass=True)
        if not stage.careful and strong:
            access = strong[number % len(strong)]
            intent = replace(stage.wish(at, access), break_glass=True)
        stage.use(stage.mint(intent), stage.uses(), grasping=0.3)


def lost_purpose(stage: Stage) -> None:
    """What always came with a task, or a purpose, comes without."""
    for at in stage.times(2 + stage.dice.geometric(4.0), 900.0):
        intent = stage.habit(at)
        intent = replace(intent, task=None, purpose=intent.purpose if stage.careful else None)
        stage.use(stage.mint(intent), stage.uses(), foreign=0.3)


def replayed_task(stage: Stage) -> None:
    """The task named was over long ago, or is another requester's."""
    dice = stage.dice
    tasks = [m.intent.task for m in stage.past(stage.at - 6 * HOUR) if m.intent.task]
    if not stage.careful or not tasks:
        tasks = [
            m.intent.task
            for name, life in stage.lives.items()
            if name != stage.victim.name
            for m in life.past
            if m.intent.task and m.intent.time < stage.at - HOUR
        ] or tasks
    if not tasks:
        return
    task = dice.pick(tasks[-200:])
    for at in stage.times(2 + dice.geometric(4.0), 300.0):
        stage.use(stage.mint(replace(stage.habit(at), task=task)), stage.uses(), foreign=0.3)


def scope_mismatch(stage: Stage) -> None:
    """Asked for one thing, used for another."""
    dice, stock = stage.dice, list(stage.world.applications)
    for at in stage.times(2 + dice.geometric(4.0), 1200.0):
        minted = stage.mint(stage.habit(at))
        strong = replace(minted.intent.access, privilege="admin" if dice.chance(0.5) else "write")
        if dice.chance(0.5):
            strong = replace(strong, application=dice.pick(stock))
        place, moment = minted.intent.place, at
        address = dice.pick(place.seen_as) if place.seen_as else minted.intent.address
        for _ in range(1 + stage.uses()):
            moment += 0.4 + dice.lognormal(6.0, 1.0)
            stage.ledger.use(
                minted,
                moment,
                action=dice.pick(ACTIONS[strong.surface][strong.privilege]),
                place=place,
                touched=new_object(strong, dice),
                address=address,
                outcome="denied" if dice.chance(0.15 if stage.careful else 0.5) else "success",
            )


def compromised_issuer(stage: Stage) -> None:
    """Whoever owns the issuer mints for many requesters, each of them only a little odd."""
    dice, issuer = stage.dice, stage.past(stage.at)[-1].intent.access.issuer
    users = [
        life
        for _, life in sorted(stage.lives.items())
        if any(m.intent.access.issuer == issuer and m.credential for m in stage.past(stage.at, life))
    ]
    for at in stage.times(8 + dice.geometric(10.0), 1800.0 if stage.careful else 400.0):
        life = dice.pick(users)
        models = [m.intent for m in stage.past(stage.at, life) if m.intent.access.issuer == issuer]
        model = dice.pick(models)
        subnet = dice.pick(stage.world.addresses.subnets[life.requester.environment])
        odd = replace(
            model,
            time=at,
            renewal_of=None,
            upheaval=None,
            break_glass=False,
            refused=False,
            ttl_seconds=float(max(60, round(model.ttl_seconds * dice.pick((1.0, 1.0, 1.5))))),
        )
        if dice.chance(0.5):
            odd = replace(odd, address=f"{subnet}.{2 + dice.below(250)}")
        stage.victim = life.requester
        stage.use(stage.mint(odd), stage.uses(), foreign=0.3)
