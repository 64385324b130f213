"""Who lives in an organisation: applications with resources, and the requesters that ask for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from detector.events import Lifecycle, Privilege, Sensitivity
from detector.simulator.addresses import Addresses
from detector.simulator.dice import Dice
from detector.simulator.labels import Label
from detector.simulator.model import (
    DAY,
    HOUR,
    LONG_DAYS,
    Access,
    Choices,
    Habits,
    Place,
    Requester,
    Rhythm,
    Role,
    Surge,
)
from detector.simulator.roles import ROLES, RoleKind, hours
from detector.simulator.strain import CALM, Strain
from detector.simulator.styles import ResourceKind, Style

_Stay: TypeAlias = tuple[Place, float, float, float, str | None]
_UNNUMBERED = 8  # so many tries at a plain name, before parts are numbered
_PRIVILEGES: tuple[Privilege, ...] = ("read", "write", "admin")
_TITLES = (
    "api",
    "worker",
    "web",
    "sync",
    "indexer",
    "exporter",
    "billing",
    "scheduler",
    "gateway",
    "loader",
    "mailer",
    "cleaner",
    "scorer",
    "proxy",
    "report",
    "builder",
    "deployer",
    "reader",
    "rotator",
    "checker",
)


@dataclass(slots=True, kw_only=True)
class Application:
    """One application: its catalogue of resources, which grows without end."""

    name: str
    parts: list[str]
    catalogue: dict[str, list[Access]] = field(default_factory=dict)
    serial: int = 0


@dataclass(slots=True, kw_only=True)
class World:
    """An organisation before anything has happened in it."""

    style: Style
    dice: Dice
    start: float
    days: int
    warm_up_days: int
    addresses: Addresses
    accounts: dict[str, str]
    applications: dict[str, Application] = field(default_factory=dict)
    shared: dict[str, list[Access]] = field(default_factory=dict)
    requesters: list[Requester] = field(default_factory=list)
    lifecycle: list[tuple[Lifecycle, Label]] = field(default_factory=list)
    gaps: list[tuple[float, float, float]] = field(default_factory=list)
    dialects: dict[str, str] = field(default_factory=dict)
    strain: Strain = CALM

    @property
    def end(self) -> float:
        """When the log ends, Unix seconds."""
        return self.start + self.days * DAY

    @property
    def long(self) -> bool:
        """Whether the log is long enough for what only a year brings."""
        return self.days > LONG_DAYS

    @property
    def warm_until(self) -> float:
        """When campaigns may begin, Unix seconds."""
        return self.start + self.warm_up_days * DAY


def populate(world: World, *, size: int | None = None) -> None:
    """Fill the world with applications and requesters, as its style draws them."""
    style, dice = world.style, world.dice.fork("population")
    count = style.applications[0] + dice.below(1 + style.applications[1] - style.applications[0])
    for word in dice.sample(style.words, count):
        name = style.app_name.format(word=word, code=f"{dice.below(90) + 10}")
        world.applications[name] = Application(name=name, parts=dice.sample(style.parts, 5 + dice.below(8)))
        for environment, _ in style.environments:
            stock = [grow(world, name, environment, dice) for _ in range(4 + dice.geometric(5.0))]
            world.applications[name].catalogue[environment] = stock
    for environment, _ in style.environments:
        owners = dice.sample(list(world.applications), 2)
        world.shared[environment] = [a for owner in owners for a in world.applications[owner].catalogue[environment]]
    total = size or style.requesters[0] + dice.below(1 + style.requesters[1] - style.requesters[0])
    roles = list(style.roles)
    for index in range(total):
        # The first few go round the roles, so that even a small organisation has each.
        role = roles[index] if index < len(roles) else dice.weighted(roles, [style.roles[r] for r in roles])
        world.requesters.append(hire(world, role, dice.fork(f"requester-{index}"), since=world.start))


def grow(
    world: World,
    application: str,
    environment: str,
    dice: Dice,
    *,
    kind: ResourceKind | None = None,
    privilege: Privilege | None = None,
) -> Access:
    """One more resource of an application in an environment; its name is new."""
    style, app = world.style, world.applications[application]
    kind = kind or dice.weighted(style.kinds, [k.weight for k in style.kinds])
    drawn = privilege if privilege is not None else _privilege(dice)
    taken = {a.right for stock in app.catalogue.values() for a in stock}
    resource = ""
    for attempt in range(50):
        part = dice.pick(app.parts) if attempt < _UNNUMBERED else f"{dice.pick(app.parts)}{app.serial}"
        if "{env}" not in kind.resource and environment != style.environments[0][0]:
            part = f"{environment}-{part}"
        resource = _fill(world, kind.resource, environment, application, part=part, verb=kind.verbs[drawn])
        if (resource, drawn) not in taken:
            break
        app.serial += attempt >= _UNNUMBERED
    issuer = _fill(world, kind.issuer, environment, application)
    world.dialects[issuer] = kind.dialect
    access = Access(
        issuer=issuer,
        resource=resource,
        privilege=drawn,
        ttl_seconds=float(dice.pick(kind.lifetimes)),
        application=application,
        environment=environment,
        surface=kind.surface,
        sensitivity=_sensitivity(drawn, environment == style.environments[0][0], dice),
    )
    app.catalogue.setdefault(environment, []).append(access)
    return access


def hire(
    world: World, role: Role, dice: Dice, *, since: float, application: str | None = None, because: str | None = None
) -> Requester:
    """A new requester of that role, with habits drawn from the role's and the style's."""
    style, kind = world.style, ROLES[role]
    application = application or dice.pick(list(world.applications))
    environment = dice.weighted([e for e, _ in style.environments], [w for _, w in style.environments])
    title = dice.pick(_TITLES)
    template = dice.pick(style.names[role])
    known = {o.value for r in world.requesters for o in r.names.options}
    name = _fill(world, template, environment, application, role=title)
    while name in known:
        title = f"{dice.pick(_TITLES)}{dice.below(100)}"
        name = _fill(world, template, environment, application, role=title)
    dormant = role in ("service", "cron", "partner", "operator") and dice.chance(style.dormant)
    requester = Requester(
        name=f"{role}/{environment}/{application}/{title}",
        role=role,
        application=application,
        environment=environment,
        names=Choices(),
        accesses=Choices(),
        places=Choices(),
        chains=Choices(),
        lifetimes=Choices(),
        consumers=Choices(),
        method=dice.pick(kind.methods),
        rhythm=_rhythm(world, kind, dice),
        habits=_habits(world, kind, dice),
        since=since,
        because=because,
        dormant=dormant,
    )
    requester.names.add(name)
    _settle(world, requester, kind, dice)
    if dormant:  # busy long ago, then still: a few days of life and a long sleep
        _sleep(requester, since + dice.between(2.0, 8.0) * DAY, world.end, dice)
    return requester


def _sleep(requester: Requester, since: float, until: float, dice: Dice) -> None:
    """Silence; every other sleeper has an honest errand in it (a quarterly job)."""
    if not dice.chance(0.5):
        requester.rhythm.quiet.append((since, until))
        return
    wakes = dice.between(since, until)
    rests = wakes + dice.between(0.5, 6.0) * HOUR
    requester.rhythm.quiet += [(since, wakes), (rests, until)]
    factor = 1.0 + 100.0 / requester.rhythm.per_day
    requester.rhythm.surges.append(Surge(since=wakes, until=rests, factor=factor, because=None))


def _settle(world: World, requester: Requester, kind: RoleKind, dice: Dice) -> None:
    """Give a requester its resources, places, chain, consumer and lifetime."""
    stock = list(world.applications[requester.application].catalogue[requester.environment])
    wanted = [a for a in stock if a.privilege in kind.privileges] or stock
    for rank, access in enumerate(dice.sample(wanted, 1 + dice.geometric(kind.repertoire - 1.0))):
        requester.accesses.add(access, weight=1.0 / (rank + 1.0) ** 1.2)
    if dice.chance(kind.shares):
        requester.accesses.add(dice.pick(world.shared[requester.environment]), weight=0.3)
    for place, weight, since, until, because in _places(world, requester, dice):
        requester.places.add(place, weight=weight, since=since, until=until, because=because)
    requester.chains.add(_chain(world.style, requester, dice))
    if requester.role == "agent":
        for rank in range(1 + dice.geometric(1.5)):
            chain = (*_chain(world.style, requester, dice), f"user:{dice.pick(_TITLES)}")
            requester.chains.add(chain, weight=0.3 / (rank + 1.0))
    requester.lifetimes.add(dice.pick((1.0, 1.0, 1.0, 0.5, 2.0)))
    elsewhere = requester.habits.consumer_elsewhere
    requester.consumers.add(f"{requester.application}-{dice.pick(_TITLES)}" if elsewhere else None)
    if elsewhere:
        home = tuple((network, 1) for network in world.addresses.home(requester.environment, dice))
        pods = world.addresses.pods(("10.0.0",), requester.environment, "consumer", dice)
        requester.works_at = replace(pods, cidrs=home)


def _chain(style: Style, requester: Requester, dice: Dice) -> tuple[str, ...]:
    if requester.role == "agent":
        return style.chain[: 1 + dice.below(max(1, len(style.chain)))] or ("agent:orchestrator",)
    if requester.role == "ci_own" and dice.chance(0.4):
        return (f"pipeline:{requester.application}",)
    if style.chain and style.chain[0].startswith("mesh:"):
        return style.chain if dice.chance(0.5) else ()
    return ()


def _places(world: World, requester: Requester, dice: Dice) -> list[_Stay]:
    plan, environment, forever = world.addresses, requester.environment, (-1.0, float("inf"))
    if requester.role == "ci_hosted":
        return [(plan.hosted(environment, dice), 1.0, *forever, None)]
    if requester.role == "partner":
        return [(plan.partner(environment, dice), 1.0, *forever, None)]
    if requester.role == "operator":
        return [
            (plan.desk(environment, dice), 1.0, *forever, None),
            (plan.sofa(environment, dice), dice.between(0.0, 0.6), *forever, None),
        ]
    networks, at = plan.home(environment, dice), world.start - DAY
    name, out = requester.name.rsplit("/", 1)[-1], list[_Stay]()
    because: str | None = None
    while at < world.end:
        life = dice.gamma(1.5) * world.style.redeploy_days * DAY * (1.0 if requester.role != "ci_own" else 4.0)
        out.append((plan.pods(networks, environment, name, dice), 1.0, at, at + life, because))
        at, because = at + life, "redeploy"
    return out


def _rhythm(world: World, kind: RoleKind, dice: Dice) -> Rhythm:
    style = world.style
    per_day = min(300.0, max(0.7, dice.lognormal(style.rate_median * kind.rate, style.rate_sigma)))
    clock: tuple[float, ...] = ()
    if kind.clockwork:
        count = max(1, min(24, round(per_day)))
        first = dice.between(0.0, 24.0)
        clock = tuple(sorted((first + 24.0 * k / count) % 24.0 for k in range(count)))
    rhythm = Rhythm(
        per_day=per_day,
        hours=hours(kind.day, dice),
        weekend=dice.between(*kind.weekend),
        evenness=dice.between(0.6, 1.6) * style.evenness * kind.evenness,
        session=dice.lognormal(kind.session, 0.4),
        gap_seconds=dice.lognormal(kind.gap_seconds, 0.7),
        clock=clock,
        growth_per_day=dice.between(-0.005, 0.012),
    )
    rhythm.offset.add(style.offset_hours)
    return rhythm


def _habits(world: World, kind: RoleKind, dice: Dice) -> Habits:
    curious = world.style.novelty * dice.lognormal(1.0, 0.8)
    return Habits(
        novelty=kind.novelty * curious,
        discount=min(0.75, kind.discount * dice.between(0.5, 1.5)),
        object_novelty=2.5 * curious,
        object_discount=min(0.8, dice.between(0.2, 0.65) * world.style.novelty),
        uses=min(12.0, dice.lognormal(kind.uses, 0.6)),
        unused=dice.between(0.0, 0.25),
        refusals=min(0.2, dice.lognormal(0.008, 1.2)),
        retries=min(0.15, dice.lognormal(0.01, 1.0)),
        renews=dice.between(0.0, 0.25) if dice.chance(0.35) else 0.0,
        strays=min(0.05, dice.lognormal(0.003, 1.0)),
        tasked=kind.tasked * (0.4 if dice.chance(0.3) else 1.0),
        purposes=dice.between(0.5, 1.0),
        consumer_elsewhere=dice.chance(kind.elsewhere),
        whims=min(0.25, kind.whims * dice.lognormal(1.0, 0.8)),
        handovers=min(0.05, kind.handovers * dice.lognormal(1.0, 0.8)),
    )


def _privilege(dice: Dice) -> Privilege:
    return dice.weighted(_PRIVILEGES, (0.55, 0.36, 0.09))


def _sensitivity(privilege: Privilege, production: bool, dice: Dice) -> Sensitivity:  # noqa: FBT001
    rank = {"read": 0, "write": 1, "admin": 2}[privilege] + production + dice.chance(0.2) - dice.chance(0.2)
    levels: tuple[Sensitivity, ...] = ("low", "medium", "high", "critical")
    return levels[max(0, min(3, rank))]


def _fill(
    world: World,
    template: str,
    environment: str,
    application: str,
    *,
    part: str = "",
    verb: str = "",
    role: str = "",
) -> str:
    """Fill what is filled once; what differs every time stays a placeholder."""
    return (
        template.replace("{env}", environment)
        .replace("{app}", application)
        .replace("{part}", part)
        .replace("{verb}", verb)
        .replace("{role}", role)
        .replace("{org}", world.style.org)
        .replace("{acct}", world.accounts[environment])
        .replace("{cluster}", f"{world.style.org}1")
    )


def rename(world: World, requester: Requester, title: str) -> str:
    """The raw name's template that a requester has under a new title."""
    template = world.style.names[requester.role][0]
    return _fill(world, template, requester.environment, requester.application, role=title)
