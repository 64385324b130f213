"""What is known of each requester beside what it was minted: names, company, rhythm, and how it was seen at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import takewhile
from typing import Final

from msgspec import Struct, field

from detector.events import GrantRequest, Source
from detector.features.names import pattern
from detector.features.places import place
from detector.report.telling import Names, opaque

MOST_REQUESTERS: Final = 50_000
"""Requesters told apart, in some 150 MB. Past it new ones are only counted: a fleet with more canonical
identities has an identity rule missing, and each row would be noise."""

MOST_NAMES: Final = 10
"""Names kept of each kind for one requester: enough to recognise it by, and to see that there are more."""

MOST_AT_ONCE: Final = 16
"""Different values counted within one hour."""

HOUR: Final = 3_600.0

AT_ONCE: Final = ("consumers", "workloads", "environments", "networks")
"""What is counted hour by hour: how many different ones a requester showed."""

MEMO: Final = 8_192
"""User agents looked at; a log has a few hundred."""

_PARTS: Final = re.compile(r"[-_./:]")
_HANDS: Final = ("mozilla/", "console.amazonaws.com", "signin.amazonaws.com", "aws-console")


class Hour(Struct, frozen=True):
    """The hour in which most different values of something were seen: when it began, how many, and which."""

    began: float
    count: int
    values: tuple[str, ...]


class Burst(Struct, frozen=True):
    """An hour far above the requester's own usual one: when, how much, and the mean of its active hours before."""

    began: float
    count: int
    usual: float


class Busy(Struct):
    """A requester hour by hour: only hours in which anything was seen count.

    `many` is in how many hours of the period so many different values were seen as `Profiles` was told to
    look for, `most` the hour with the most of them, each by the place in `AT_ONCE`.
    """

    hour: int = -1
    pace: int = 0
    hours: int = 0
    total: int = 0
    networks: int = 0
    now: dict[int, Names] = {}
    many: dict[int, int] = {}
    most: dict[int, Hour] = {}
    burst: Burst | None = None
    bursts: int = 0
    roaming: Burst | None = None
    roamings: int = 0


class Profile(Struct):
    """One canonical requester. Times are Unix seconds of its events, never later than the log's stamp."""

    requester: str
    first: float
    last: float
    days: int = 0
    day: int = -1
    raw: Names = field(default_factory=Names)
    consumers: Names = field(default_factory=Names)
    chains: Names = field(default_factory=Names)
    environments: Names = field(default_factory=Names)
    networks: Names = field(default_factory=Names)
    proofs: Names = field(default_factory=Names)
    attested: int = 0
    unattested: int = 0
    unstated: int = 0
    delegated: int = 0
    by_hand: int = 0
    agents: Names = field(default_factory=Names)
    borrowed: int = 0
    glasses: int = 0
    decommissioned: float | None = None
    after_end: int = 0
    busy: Busy = field(default_factory=Busy)


class Limits(Struct, frozen=True, kw_only=True):
    """From what on an hour is remarkable (see `detector.report.hygiene`, which says why)."""

    at_once: tuple[int, ...]
    burst: int
    burst_times: float
    burst_hours: int
    roaming: int
    roaming_times: float


class Profiles:
    """The profiles by canonical name; what is seen in an hour is held against the hours before it."""

    def __init__(self, limits: Limits, since: float) -> None:
        """`since` is when the period begins (Unix seconds): remarkable hours before it are not told."""
        self._limits, self._since = limits, since
        self._of: dict[str, Profile] = {}
        self.left_off = 0
        self.late = 0

    def of(self, requester: str, at: float) -> Profile | None:
        """The profile of a requester that was seen at `at`; `None` past the limit."""
        found = self._of.get(requester)
        if found is None:
            if len(self._of) >= MOST_REQUESTERS:
                self.left_off += 1
                return None
            found = self._of[requester] = Profile(requester, at, at)
        found.first, found.last = min(found.first, at), max(found.last, at)
        day = int(at // (24 * HOUR))
        if day > found.day:
            found.day = day
            found.days += 1
        return found

    def known(self, requester: str) -> Profile | None:
        """The profile of a requester, where it has one."""
        return self._of.get(requester)

    def all(self) -> list[Profile]:
        """Every profile by name, its last hour closed."""
        for profile in self._of.values():
            self._close(profile.busy)
        return [self._of[name] for name in sorted(self._of)]

    def granted(
        self, profile: Profile, grant: GrantRequest, fold: Callable[[str], str], at: float, *, once: bool, counted: bool
    ) -> None:
        """A requester asked or was minted for; `once` is false for the issuance of what was asked for already."""
        profile.raw.add(grant.requester, MOST_NAMES)
        busy = self._turn(profile.busy, at)
        if busy is not None:
            busy.pace += once
            self._place(busy, grant.source)
        consumer = fold(grant.consumer) if grant.consumer else ""
        if consumer:
            profile.consumers.add(consumer, MOST_NAMES)
            _note(busy, "consumers", consumer)
        if grant.on_behalf_of:
            chain = [fold(name) for name in grant.on_behalf_of]
            profile.chains.add(" > ".join(chain), MOST_NAMES)
        source = grant.source
        if source.environment:
            profile.environments.add(source.environment, MOST_NAMES)
        network = network_of(source)
        if network:
            profile.networks.add(network, MOST_NAMES)
        if once and counted:
            _proof(profile, grant)
        if counted:
            _hands(profile, source.user_agent)

    def used(self, profile: Profile, source: Source, at: float, *, counted: bool) -> None:
        """A credential of a requester was used."""
        busy = self._turn(profile.busy, at)
        if busy is not None:
            self._place(busy, source)
        network = network_of(source)
        if network:
            profile.networks.add(network, MOST_NAMES)
        if counted:
            _hands(profile, source.user_agent)

    def _place(self, busy: Busy, source: Source) -> None:
        network = network_of(source)
        if network:
            _note(busy, "networks", network)
        if source.environment:
            _note(busy, "environments", source.environment)
        if source.workload:
            _note(busy, "workloads", kind_of(source.workload))

    def _turn(self, busy: Busy, at: float) -> Busy | None:
        """The hour that an event falls into; `None` for one that comes late into an hour that was closed."""
        hour = int(at // HOUR)
        if hour == busy.hour:
            return busy
        if hour < busy.hour:
            self.late += 1
            return None
        self._close(busy)
        busy.hour = hour
        return busy

    def _close(self, busy: Busy) -> None:
        """Hold the hour that ends against what is remarkable and against the hours before it."""
        if busy.hour < 0:
            return
        began, limits = busy.hour * HOUR, self._limits
        seen = {place: len(names.shown) for place, names in busy.now.items()}
        networks = seen.get(AT_ONCE.index("networks"), 0)
        if began + HOUR > self._since:
            for index, count in seen.items():
                if count >= limits.at_once[index]:
                    busy.many = {**busy.many, index: busy.many.get(index, 0) + 1}
                    if index not in busy.most or count > busy.most[index].count:
                        values = tuple(sorted(busy.now[index].shown))
                        busy.most = {**busy.most, index: Hour(began, count, values)}
            self._burst(busy, began, networks)
        busy.hours += 1
        busy.total += busy.pace
        busy.networks += networks
        busy.pace, busy.now, busy.hour = 0, {}, -1

    def _burst(self, busy: Busy, began: float, networks: int) -> None:
        limits = self._limits
        if busy.hours < limits.burst_hours:
            return
        usual = busy.total / busy.hours
        if busy.pace >= limits.burst and busy.pace >= limits.burst_times * max(usual, 1.0):
            busy.bursts += 1
            if busy.burst is None or busy.pace > busy.burst.count:
                busy.burst = Burst(began, busy.pace, usual)
        usual = busy.networks / busy.hours
        if networks >= limits.roaming and networks >= limits.roaming_times * max(usual, 1.0):
            busy.roamings += 1
            if busy.roaming is None or networks > busy.roaming.count:
                busy.roaming = Burst(began, networks, usual)


def _note(busy: Busy | None, kind: str, value: str) -> None:
    if busy is None:
        return
    index = _INDEX[kind]
    names = busy.now.get(index)
    if names is None:
        names = busy.now[index] = Names()
    names.add(value, MOST_AT_ONCE)


def _proof(profile: Profile, grant: GrantRequest) -> None:
    if grant.authentication_method:
        profile.proofs.add(grant.authentication_method, MOST_NAMES)
    profile.attested += grant.attested is True
    profile.unattested += grant.attested is False
    profile.unstated += grant.attested is None
    profile.delegated += bool(grant.on_behalf_of)


def _hands(profile: Profile, user_agent: str | None) -> None:
    if user_agent and by_hand(user_agent):
        profile.by_hand += 1
        profile.agents.add(user_agent, MOST_NAMES)


@lru_cache(MEMO)
def kind_of(workload: str) -> str:
    """A workload without what its platform makes afresh: its name up to the first part with a digit.

    >>> kind_of("gateway-7c9d-bab3e"), kind_of("shop/cart"), kind_of("7f3a")
    ('gateway', 'shop-cart', '#f#a')
    """
    if opaque(workload):
        return workload
    named = takewhile(_wordy, _PARTS.split(workload))
    return "-".join(named) or pattern(workload)


def _wordy(part: str) -> bool:
    return bool(part) and not any(char.isdigit() for char in part)


@lru_cache(MEMO)
def by_hand(user_agent: str) -> bool:
    """Whether a client is one that people sit at: a browser, or a cloud's console.

    >>> by_hand("Mozilla/5.0 (X11; Linux x86_64)"), by_hand("aws-sdk-go/1.44.2"), by_hand("kubectl/v1.30")
    (True, False, False)
    """
    told = user_agent.lower()
    return any(word in told for word in _HANDS)


def network_of(source: Source) -> str:
    """The network a source names, else the one that its address lies in; empty where it says neither."""
    if source.network:
        return source.network
    if not source.ip or opaque(source.ip):
        return ""
    return place(source.ip).network


_INDEX: Final = {kind: index for index, kind in enumerate(AT_ONCE)}
