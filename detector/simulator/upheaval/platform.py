"""What the platform's owners do: redeploy, migrate, rotate, shorten lifetimes, rehearse disasters, lose logs."""

from __future__ import annotations

from dataclasses import replace

from detector.events import Lifecycle
from detector.simulator.dice import Dice
from detector.simulator.labels import Label
from detector.simulator.model import DAY, HOUR, Place, Requester, Surge
from detector.simulator.population import World, grow

_LEAST, _MOST = 0.25, 4.0  # times the usual lifetime: over a year, policies go to and fro between these


def redeploy(world: World, dice: Dice, at: float) -> None:
    """A cluster is rebuilt: one environment's workloads come up in other networks within hours."""
    _rebuild(world, dice.pick([e for e, _ in world.style.environments]), dice, at)


def redeploy_all(world: World, dice: Dice, at: float) -> None:
    """The same in every environment at once."""
    for environment, _ in world.style.environments:
        _rebuild(world, environment, dice, at)


def _rebuild(world: World, environment: str, dice: Dice, at: float) -> None:
    base = world.addresses.subnets[environment][0].rsplit(".", 1)[0]
    fresh = tuple(f"{base}.{200 + k}" for k in range(3 + dice.below(6)))
    for requester in _workloads(world, environment):
        moved = at + dice.between(0.0, 4.0) * HOUR
        _move(requester, world, moved, fresh, dice, because="redeploy")


def migration(world: World, dice: Dice, at: float) -> None:
    """An application's resources move to another issuer, one requester after the other over two days."""
    name = dice.pick(list(world.applications))
    renamed = {}
    for requester in world.requesters:
        when = at + dice.between(0.0, 2.0) * DAY
        for option in list(requester.accesses.options):
            old = option.value
            if old.application != name or option.until <= when or option.since > when:
                continue
            key = (old.right, old.environment)
            if key not in renamed:
                kinds = [k for k in world.style.kinds if k.surface != old.surface] or list(world.style.kinds)
                renamed[key] = grow(world, name, old.environment, dice, kind=dice.pick(kinds), privilege=old.privilege)
            option.until = when
            requester.accesses.add(renamed[key], weight=option.weight or 0.2, since=when, because="migration")


def rotation(world: World, dice: Dice, at: float) -> None:
    """One issuer's secrets are rotated: everybody who uses it asks again at once, some in vain."""
    issuer = dice.pick(sorted(world.dialects))
    for requester in world.requesters:
        if any(o.value.issuer == issuer for o in requester.accesses.at(at)):
            factor = 1.0 + 30.0 / max(1.0, requester.rhythm.per_day)
            requester.rhythm.surges.append(Surge(since=at, until=at + 3 * HOUR, factor=factor, because="rotation"))
            event = Lifecycle(
                id=dice.hexes(16),
                time=round(at + dice.between(0, 600), 3),
                change="rotated",
                subject=requester.names.at(at)[0].value,
                actor="rotation-job",
            )
            if "{" not in event.subject:
                world.lifecycle.append((event, Label(principal=requester.name, upheaval="rotation")))


def lifetime_policy(world: World, dice: Dice, at: float) -> None:
    """From today every credential of an environment lives shorter, or longer."""
    environment = dice.pick([e for e, _ in world.style.environments])
    factor = dice.pick((0.25, 0.5, 2.0, 4.0))
    event = Lifecycle(
        id=dice.hexes(16),
        time=round(at, 3),
        change="policy_changed",
        subject=f"{environment}-lifetimes",
        actor="platform",
    )
    world.lifecycle.append((event, Label(principal="platform", upheaval="lifetime_policy")))
    for requester in world.requesters:
        if requester.environment == environment and dice.chance(0.8):
            when = at + dice.between(0.0, 6.0) * HOUR
            usual = requester.lifetimes.at(when)[0].value
            requester.lifetimes.end(when)
            change = 1.0 / factor if world.long and not _LEAST <= usual * factor <= _MOST else factor
            requester.lifetimes.add(usual * change, since=when, because="lifetime_policy")


def drill(world: World, dice: Dice, at: float) -> None:
    """Disaster recovery is rehearsed: production runs from the standby site for some hours."""
    environment = world.style.environments[0][0]
    until = at + dice.between(2.0, 9.0) * HOUR
    event = Lifecycle(
        id=dice.hexes(16),
        time=round(at - 1800.0, 3),
        change="maintenance_declared",
        subject=environment,
        until=round(until, 3),
        actor="platform",
    )
    if dice.chance(0.5):  # every other one is declared
        world.lifecycle.append((event, Label(principal="platform", upheaval="drill")))
    for requester in _workloads(world, environment):
        if dice.chance(0.85):
            _move(requester, world, at, world.addresses.standby, dice, because="drill", until=until)


def log_gap(world: World, dice: Dice, at: float) -> None:
    """The log ships nothing for hours, then everything at once."""
    until = at + dice.between(0.5, 8.0) * HOUR
    world.gaps.append((at, until, until + dice.between(0.1, 2.0) * HOUR))


def _workloads(world: World, environment: str) -> list[Requester]:
    roles = ("service", "cron", "ci_own", "agent")
    return [r for r in world.requesters if r.environment == environment and r.role in roles]


def _move(
    requester: Requester,
    world: World,
    at: float,
    networks: tuple[str, ...],
    dice: Dice,
    *,
    because: str,
    until: float = float("inf"),
) -> None:
    """Everything the requester runs on is elsewhere, from then on or until it comes back."""
    before: Place = requester.places.at(at)[0].value
    pods = world.addresses.pods(networks, requester.environment, requester.name.rsplit("/", 1)[-1], dice)
    pods = replace(pods, user_agent=before.user_agent)
    for option in list(requester.places.options):
        if option.since < until and option.until > at:
            if option.until > until:  # it comes back after the drill
                requester.places.add(option.value, since=until, until=option.until, because=option.because)
            option.until = min(option.until, at) if option.since < at else option.since
    requester.places.options = [o for o in requester.places.options if o.since < o.until]
    life = dice.gamma(1.5) * world.style.redeploy_days * DAY
    requester.places.add(pods, since=at, until=min(until, at + life), because=because)
    while at + life < min(until, world.end):  # later redeploys stay where it moved
        at += life
        life = dice.gamma(1.5) * world.style.redeploy_days * DAY
        pods = world.addresses.pods(networks, requester.environment, requester.name.rsplit("/", 1)[-1], dice)
        requester.places.add(
            replace(pods, user_agent=before.user_agent), since=at, until=min(until, at + life), because="redeploy"
        )
