"""Somebody else holds the identity, or a credential of it."""

from __future__ import annotations

from dataclasses import replace

from detector.simulator.abuse.stage import DAY, HOUR, Stage


def stolen_identity(stage: Stage) -> None:
    """The identity is used from a network that is not the victim's, for what the victim may do."""
    place, dice = stage.elsewhere(), stage.dice
    for at in stage.times(2 + dice.geometric(5.0), 900.0 if stage.careful else 90.0):
        intent = replace(stage.habit(at), place=place, address=place.address(dice))
        if not stage.careful:
            intent = replace(intent, task=None, purpose=None, attested=dice.chance(0.5))
        minted = stage.mint(intent)
        stage.use(minted, stage.uses(), place=place, grasping=0.1 if stage.careful else 0.4)


def dormant_wakes(stage: Stage) -> None:
    """An identity that slept for weeks asks again; careful thieves ask from where it used to live."""
    dice = stage.dice
    place = stage.next_door() if stage.careful else stage.elsewhere()
    for at in stage.times(2 + dice.geometric(4.0), 600.0):
        intent = replace(stage.habit(at), place=place, address=place.address(dice))
        stage.use(stage.mint(intent), stage.uses(), place=place)


def token_replay(stage: Stage) -> None:
    """Tokens that the victim minted are used by somebody else, elsewhere, while they live."""
    place, dice = stage.elsewhere(), stage.dice
    wanted, granted = 1 + dice.geometric(2.0), [m for m in stage.life.past if m.credential]
    for minted in sorted(granted, key=lambda m: m.intent.time):
        if minted.intent.time < stage.at or stage.steps >= wanted or dice.chance(0.3):
            continue
        stage.steps += 1
        after = minted.intent.time + min(60.0, 0.1 * minted.intent.ttl_seconds) * dice.between(0.2, 2.0)
        stage.use(
            minted,
            1 + stage.uses(),
            place=place,
            after=after,
            grasping=0.1 if stage.careful else 0.5,
            label=stage.label(),
        )


def use_after_end(stage: Stage) -> None:
    """A credential goes on being used after its task ended, or after it should have died."""
    dice = stage.dice
    wanted, granted = 1 + dice.geometric(2.0), [m for m in stage.life.past if m.credential]
    place = stage.next_door() if dice.chance(0.5) else None
    for minted in sorted(granted, key=lambda m: m.intent.time):
        if minted.intent.time < stage.at or stage.steps >= wanted or dice.chance(0.3):
            continue
        stage.steps += 1
        rest = dice.lognormal(0.3 if stage.careful else 4.0, 0.7) * minted.intent.ttl_seconds
        stage.use(
            minted,
            2 + stage.uses(),
            place=place,
            after=minted.expires_at + rest,
            label=stage.label(),
            denied=0.3 if stage.careful else 0.7,
        )


def shared_identity(stage: Stage) -> None:
    """One identity serves two masters: a second consumer asks with it, beside the first."""
    dice, place = stage.dice, stage.next_door()
    other = f"{dice.pick(list(stage.world.applications))}-{dice.pick(('worker', 'debug', 'notebook'))}"
    for at in stage.times(4 + dice.geometric(8.0), 1.5 * HOUR if stage.careful else 600.0):
        intent = replace(stage.habit(at), place=place, address=place.address(dice), consumer=other)
        stage.use(stage.mint(intent), stage.uses(), place=place, foreign=0.3)


def mint_and_hoard(stage: Stage) -> None:
    """Credentials are minted as ever, kept, and used all at once from elsewhere."""
    dice, hoard = stage.dice, []
    for at in stage.times(5 + dice.geometric(8.0), 1500.0 if stage.careful else 300.0):
        intent = stage.habit(at)
        hoard.append(stage.mint(intent))
    place = stage.elsewhere()
    for step, minted in enumerate(hoard, start=1):
        live = minted.expires_at - minted.intent.time
        after = minted.intent.time + dice.between(0.6, 0.95) * live
        if dice.chance(0.6):
            stage.use(minted, 1 + stage.uses(), place=place, after=after, label=stage.label(step=step))


def rate_mimicry(stage: Stage) -> None:
    """The thief asks from the victim's host, for its resources, in its hours, at about its rate."""
    dice = stage.dice
    for minted in stage.past(stage.at)[-40:]:
        at = minted.intent.time + DAY * max(1, round((stage.at - minted.intent.time) / DAY + 0.5))
        at += dice.normal() * 900.0
        if stage.at <= at < stage.world.end and dice.chance(0.9 if stage.careful else 1.0):
            stage.use(stage.mint(stage.habit(at), first=False), stage.uses(), foreign=0.35)


def silent_renewal(stage: Stage) -> None:
    """A credential minted once is renewed for ever, long after whatever it was for."""
    dice = stage.dice
    minted = stage.mint(stage.habit(stage.at))
    stage.use(minted, stage.uses())
    last = min(stage.world.end, stage.at + dice.between(2.0, 8.0) * DAY)
    while stage.steps < 120:  # noqa: PLR2004 - enough to see it; short lifetimes would fill the log
        at = minted.expires_at - minted.intent.ttl_seconds * dice.between(0.1, 0.4)
        if at >= last:
            return
        minted = stage.mint(replace(minted.intent, time=at, renewal_of=minted.credential))
        stage.use(minted, dice.poisson(0.4))
