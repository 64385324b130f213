"""Kinds of abuse, as a table, and how campaigns of them are cast over an organisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detector.simulator.abuse import pretence, reach, theft
from detector.simulator.abuse.stage import QUIRKS, Kind, Stage
from detector.simulator.dice import Dice
from detector.simulator.ledger import Ledger
from detector.simulator.life import Life
from detector.simulator.model import DAY, Requester
from detector.simulator.population import World

CAREFUL: Final = 0.4
"""The share of thieves who imitate their victim in all but what their kind is about."""

_AT_HOME: Final = ("service", "cron", "ci_own", "agent", "partner")
_TASKED: Final = ("ci_hosted", "ci_own", "agent")

KINDS: Final[Mapping[str, Kind]] = {
    "stolen_identity": Kind(play=theft.stolen_identity, roles=("service", "cron", "ci_own", "agent", "ci_hosted")),
    "new_resources": Kind(play=reach.new_resources),
    "escalation": Kind(play=reach.escalation, roles=("service", "cron", "agent", "partner", "ci_own", "ci_hosted")),
    "off_hours": Kind(play=pretence.off_hours, roles=("cron", "ci_own", "ci_hosted", "operator", "agent")),
    "slow_drip": Kind(play=reach.slow_drip, course_days=4.0),
    "stretched_lifetime": Kind(play=reach.stretched_lifetime, fields=frozenset({"ttl", "expires"})),
    "mint_and_hoard": Kind(play=theft.mint_and_hoard, tell="late", roles=("service", "ci_own", "agent", "cron")),
    "rate_mimicry": Kind(play=theft.rate_mimicry, tell="late", course_days=2.0),
    "token_replay": Kind(play=theft.token_replay, tell="use", roles=_AT_HOME, watched=60, course_days=2.0),
    "use_after_end": Kind(play=theft.use_after_end, tell="use", watched=60, course_days=2.0),
    "scope_mismatch": Kind(play=pretence.scope_mismatch, tell="use"),
    "spread": Kind(play=reach.spread),
    "dormant_wakes": Kind(play=theft.dormant_wakes, dormant=True, watched=3),
    "forged_delegation": Kind(
        play=pretence.forged_delegation, roles=("agent", "ci_own", "service"), fields=frozenset({"chain"})
    ),
    "break_glass": Kind(play=pretence.break_glass, fields=frozenset({"break_glass"})),
    "lost_purpose": Kind(play=pretence.lost_purpose, roles=_TASKED, fields=frozenset({"task", "purpose"})),
    "wandering": Kind(play=reach.wandering, roles=("agent",), watched=15),
    "poison_then_hit": Kind(play=reach.poison_then_hit, course_days=5.0),
    "compromised_issuer": Kind(play=pretence.compromised_issuer, tell="late"),
    "policy_widened": Kind(play=reach.policy_widened),
    "shared_identity": Kind(
        play=theft.shared_identity, roles=("service", "cron", "ci_own", "agent"), fields=frozenset({"consumer", "ip"})
    ),
    "probing": Kind(play=reach.probing, tell="late"),
    "replayed_task": Kind(play=pretence.replayed_task, roles=_TASKED, fields=frozenset({"task"})),
    "staging_asks_production": Kind(play=reach.staging_asks_production, environments="lower", watched=15),
    "silent_renewal": Kind(play=theft.silent_renewal, tell="late", course_days=2.0),
}


def unleash(world: World, ledger: Ledger, lives: Mapping[str, Life], campaigns: int) -> dict[str, str]:
    """Cast and play that many campaigns; returns each campaign's kind.

    Kinds take turns from a drawn place in the table, so that a few
    organisations together show all of them; a victim suffers once.
    """
    dice, spent, begun = world.dice.fork("abuse"), set[str](), dict[str, str]()
    visible = [name for name, kind in KINDS.items() if not kind.fields or kind.fields & world.style.fields]
    first = dice.below(len(visible))
    for index in range(campaigns):
        name, own = visible[(first + index) % len(visible)], dice.fork(f"{index}")
        kind = KINDS[name]
        at = world.warm_until + own.between(0.0, max(0.2, world.days - world.warm_up_days - kind.course_days)) * DAY
        cast = [r for r in world.requesters if r.name not in spent and _fits(r, kind, world, lives[r.name], at)]
        if not cast:
            continue
        victim = own.pick(cast)
        spent.add(victim.name)
        campaign = f"{name}-{index}"
        at = _when(lives[victim.name], kind, at, own)
        careful = own.chance(CAREFUL)
        slips = () if careful or kind.tell != "mint" else tuple(q for q, chance in QUIRKS if own.chance(chance))
        stage = Stage(
            world=world,
            ledger=ledger,
            lives=lives,
            dice=own,
            campaign=campaign,
            kind=name,
            tell=kind.tell,
            careful=careful,
            at=at,
            victim=victim,
            quirks=slips,
        )
        kind.play(stage)
        if stage.steps:
            begun[campaign] = name
    return begun


def _fits(requester: Requester, kind: Kind, world: World, life: Life, at: float) -> bool:
    """Whether that requester can be this kind's victim at that time."""
    if requester.role not in kind.roles or requester.dormant != kind.dormant:
        return False
    if kind.environments == "lower" and requester.environment == world.style.environments[0][0]:
        return False
    times = [m.intent.time for m in life.past if m.credential and m.intent.time < at]
    if kind.dormant and times and at - max(times) < 6 * DAY:
        return False
    return len(times) >= kind.watched


def _when(life: Life, kind: Kind, at: float, dice: Dice) -> float:
    """Thieves who mean to pass unseen begin when the victim is awake, where their kind is not about the hour."""
    if kind.dormant or dice.chance(0.3):
        return at
    later = [m.intent.time for m in life.past if at <= m.intent.time < at + DAY]
    return dice.pick(later) + dice.between(1.0, 600.0) if later else at
