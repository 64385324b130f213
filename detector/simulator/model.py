"""What a simulated organisation is made of: accesses, places, requesters and how they change.

Everything that may change over time is a `Choices`: options that hold from a
time until a time. An upheaval only adds and ends options, so that the order in
which upheavals are applied hardly matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

from detector.events import Privilege, Sensitivity
from detector.simulator.dice import Dice

T = TypeVar("T")

DAY = 86_400.0
HOUR = 3_600.0
LONG_DAYS = 60
"""A log of more days shows what only a year brings; shorter ones stay as they are, to the byte."""

Role: TypeAlias = Literal["service", "cron", "ci_hosted", "ci_own", "agent", "partner", "operator"]
Surface: TypeAlias = Literal["bucket", "sql", "secret", "cluster", "queue", "api"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Something one may ask an issuer for."""

    issuer: str
    resource: str
    privilege: Privilege
    ttl_seconds: float
    application: str
    environment: str
    surface: Surface
    sensitivity: Sensitivity

    @property
    def right(self) -> tuple[str, Privilege]:
        """What tells it from others: names need not say the privilege."""
        return self.resource, self.privilege


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody asks from.

    `cidrs` holds networks as (prefix, number of random octets); a place with
    none random is one address. `seen_as` are the addresses that usage logs see
    (NAT); empty means the same address.
    """

    network: str
    cidrs: tuple[tuple[str, int], ...]
    region: str
    environment: str
    user_agent: str
    workload: str = ""
    seen_as: tuple[str, ...] = ()

    def address(self, dice: Dice) -> str:
        """One address of this place."""
        prefix, octets = dice.pick(self.cidrs) if len(self.cidrs) > 1 else self.cidrs[0]
        return prefix + "".join(f".{1 + dice.below(254)}" for _ in range(octets))


@dataclass(slots=True, kw_only=True)
class Option(Generic[T]):
    """A value that holds from `since` until `until`; `because` names an honest upheaval."""

    value: T
    weight: float = 1.0
    since: float = -math.inf
    until: float = math.inf
    because: str | None = None


@dataclass(slots=True)
class Choices(Generic[T]):
    """What somebody chooses among, over time."""

    options: list[Option[T]] = field(default_factory=list)

    def add(
        self,
        value: T,
        *,
        weight: float = 1.0,
        since: float = -math.inf,
        until: float = math.inf,
        because: str | None = None,
    ) -> Option[T]:
        """One more option."""
        option = Option(value=value, weight=weight, since=since, until=until, because=because)
        self.options.append(option)
        return option

    def at(self, time: float) -> list[Option[T]]:
        """The options that hold at that time (never empty: the last one stands in)."""
        live = [o for o in self.options if o.since <= time < o.until]
        return live or self.options[-1:]

    def draw(self, dice: Dice, time: float) -> Option[T]:
        """One that holds at that time, by weight."""
        live = self.at(time)
        if len(live) == 1:
            return live[0]
        return dice.weighted(live, [o.weight for o in live])

    def end(self, time: float) -> None:
        """Nothing chosen so far holds after that time."""
        for option in self.options:
            option.until = min(option.until, time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """For a while, this many times the usual number of requests."""

    since: float
    until: float
    factor: float
    because: str | None


@dataclass(slots=True, kw_only=True)
class Rhythm:
    """When somebody asks.

    `per_day` is the mean on a working day; `hours` weighs the local hours;
    `clock` lists a job's fixed local times (hours), and then `hours` is unused;
    `evenness` is the gamma shape of the day-to-day factor (low is bursty).
    `offset` is the local clock's hours ahead of UTC, a choice since it may shift.
    `lulls` are surges downwards.
    """

    per_day: float
    hours: tuple[float, ...]
    weekend: float
    evenness: float
    session: float
    gap_seconds: float
    clock: tuple[float, ...] = ()
    offset: Choices[float] = field(default_factory=Choices)
    surges: list[Surge] = field(default_factory=list)
    lulls: list[Surge] = field(default_factory=list)
    growth_per_day: float = 0.0
    quiet: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """The numbers of one requester's everyday.

    `novelty` and `discount` are the strength and discount of its Pitman-Yor
    urn over resources; `object_*` of the one over what its credentials touch;
    `whims` is how often a lifetime is chosen by hand, `handovers` how often it
    works for somebody new.
    """

    novelty: float
    discount: float
    object_novelty: float
    object_discount: float
    uses: float
    unused: float
    refusals: float
    retries: float
    renews: float
    strays: float
    tasked: float
    purposes: float
    consumer_elsewhere: bool
    whims: float
    handovers: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One request, complete but for its ids: what a requester, or a thief in its name, asks for."""

    time: float
    principal: str
    raw: str
    access: Access
    place: Place
    address: str
    session: int
    run: int
    task: str | None = None
    chain: tuple[str, ...] = ()
    ttl_seconds: float = 900.0
    consumer: str | None = None
    method: str | None = None
    attested: bool = True
    purpose: str | None = None
    break_glass: bool = False
    renewal_of: str | None = None
    refused: bool = False
    upheaval: str | None = None


@dataclass(slots=True, kw_only=True)
class Requester:
    """A non-human identity and everything about how it lives."""

    name: str
    role: Role
    application: str
    environment: str
    names: Choices[str]
    accesses: Choices[Access]
    places: Choices[Place]
    chains: Choices[tuple[str, ...]]
    lifetimes: Choices[float]
    consumers: Choices[str | None]
    works_at: Place | None = None
    method: str
    rhythm: Rhythm
    habits: Habits
    since: float
    until: float = math.inf
    because: str | None = None
    dormant: bool = False
    emergencies: list[tuple[float, float]] = field(default_factory=list)
