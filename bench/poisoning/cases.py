"""Whom to poison, and with what: simulated identities, and resources that are none of their business."""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from detector.events import Event, GrantRequest, Issuance, Usage
from detector.simulator import Organisation, simulate

DAY: Final = 86_400.0
HOUR: Final = 3_600.0
HORIZON: Final = 60
"""Days a thief is given."""

WARM_UP_DAYS: Final = 14
REQUESTERS: Final = 12
"""Enough for peers and roll-outs; few enough that sixty days are lived in seconds."""

BUSY: Final = (1.0, 12.0)
"""Mints a day of the identities that are poisoned: neither asleep nor a machine gun."""

STEADY: Final = 20
"""Mints after the warm-up, at least: whoever falls silent shows neither poisoning nor recovery."""

RANK: Final = {"read": 0, None: 0, "write": 1, "admin": 2}
HELPERS: Final = 3
_DIGITS: Final = re.compile(r"\d+")


class Told(NamedTuple):
    """An event, and the identity behind the raw name in it."""

    time: float
    principal: str
    event: Event


class Case(NamedTuple):
    """A requester, and the resource of another application that it never used, as it would ask for it.

    `usual` are its latest requests, one a resource; `steps` what else that
    application has; `helpers` others that never used the resource, as they ask;
    `start` when the thief begins, at an hour at which the requester is used to ask.
    """

    principal: str
    usual: tuple[GrantRequest, ...]
    forbidden: GrantRequest
    steps: tuple[GrantRequest, ...]
    helpers: tuple[tuple[str, GrantRequest], ...]
    start: float
    per_day: float


class Stage:
    """An organisation's honest life, found by time, and who used what in its warm-up.

    Of every credential its first use only: a grant is weighed against whether credentials are used, not how often.
    """

    def __init__(self, organisation: Organisation) -> None:
        """Sort it, and look at the warm-up."""
        self.told = list(_first_uses(organisation))
        self.begin = organisation.warm_until
        self._times = [told.time for told in self.told]
        self.used: dict[str, dict[str, GrantRequest]] = defaultdict(dict)
        self.mints: dict[str, list[float]] = defaultdict(list)
        self.later: dict[str, list[float]] = defaultdict(list)
        for time, principal, event in self.told:
            if isinstance(event, Issuance) and event.outcome == "granted":
                if time < self.begin:
                    self.mints[principal].append(time)
                    self.used[principal].pop(event.grant.resource, None)  # the latest stands last
                    self.used[principal][event.grant.resource] = event.grant
                else:
                    self.later[principal].append(time)

    def between(self, since: float, until: float) -> list[Told]:
        """What happened from `since` up to, and not at, `until`."""
        return self.told[bisect_left(self._times, since) : bisect_left(self._times, until)]


def _first_uses(organisation: Organisation) -> Iterator[Told]:
    used = set[str | None]()
    for row in organisation.rows:
        event = row.event
        if isinstance(event, Usage):
            if event.credential in used:
                continue
            used.add(event.credential)
        yield Told(event.time, row.label.principal, event)


def stage(style: str, seed: int, *, days: int = HORIZON, requesters: int = REQUESTERS) -> Stage:
    """An honest organisation that lives so many days after its warm-up."""
    lived = WARM_UP_DAYS + days + 2
    return Stage(simulate(style, seed, days=lived, warm_up_days=WARM_UP_DAYS, campaigns=0, requesters=requesters))


def application(principal: str) -> str:
    """The application an identity works for: simulated principals are `role/environment/application/name`."""
    return principal.split("/")[2]


def wanted(like: GrantRequest, of: GrantRequest) -> GrantRequest:
    """What `of` is asked for, asked for as `like` is: whoever holds an identity keeps its place, client and chain."""
    return replace(
        like,
        issuer=of.issuer,
        resource=of.resource,
        actions=of.actions,
        privilege=of.privilege,
        ttl_seconds=of.ttl_seconds,
        sensitivity=of.sensitivity,
        renewal_of=None,
    )


def again(grant: GrantRequest, time: float, dice: random.Random) -> GrantRequest:
    """The same request at another time: an id of its own, and a task numbered as its tasks are."""
    task = grant.task and _DIGITS.sub(lambda digits: str(dice.randrange(10 ** len(digits[0]))), grant.task)
    return replace(grant, id=f"{dice.getrandbits(64):016x}", time=time, task=task, renewal_of=None)


def candidates(stage: Stage, dice: random.Random) -> list[Case]:
    """Up to three cases for every requester that is fairly busy from beginning to end."""
    found: list[Case] = []
    for principal in dice.sample(sorted(stage.used), len(stage.used)):
        per_day = len(stage.mints[principal]) / WARM_UP_DAYS
        later = stage.later[principal]
        if BUSY[0] <= per_day <= BUSY[1] and len(later) >= STEADY and later[-1] > stage.told[-1].time - 7 * DAY:
            targets = _targets(stage, principal, dice)
            found += [_case(stage, principal, target, per_day, dice) for target in targets]
    return found


def _targets(stage: Stage, principal: str, dice: random.Random) -> list[GrantRequest]:
    """Three resources of other applications in its environment, the more powerful first."""
    own, mine = stage.used[principal], application(principal)
    environment = next(iter(own.values())).source.environment
    seen: dict[str, GrantRequest] = {}
    for other in sorted(stage.used):
        if application(other) != mine:
            for name, grant in stage.used[other].items():
                if application(other) in name and name not in own and grant.source.environment == environment:
                    seen.setdefault(name, grant)
    most = max(RANK[grant.privilege] for grant in own.values())
    order = sorted(seen.values(), key=lambda grant: (RANK[grant.privilege] <= most, dice.random()))
    return order[:3]


def _case(stage: Stage, principal: str, target: GrantRequest, per_day: float, dice: random.Random) -> Case:
    usual = tuple(reversed(stage.used[principal].values()))
    owner = next(app for app in map(application, sorted(stage.used)) if app in target.resource)
    named = {name: grant for used in stage.used.values() for name, grant in used.items() if owner in name}
    steps = tuple(wanted(usual[0], named[name]) for name in sorted(named) if name not in stage.used[principal])
    able = [name for name in sorted(stage.used) if name != principal and target.resource not in stage.used[name]]
    helpers = tuple(
        (name, wanted(next(reversed(stage.used[name].values())), target))
        for name in dice.sample(able, min(HELPERS, len(able)))
    )
    return Case(principal, usual, wanted(usual[0], target), steps, helpers, _hour(stage, principal), per_day)


def _hour(stage: Stage, principal: str) -> float:
    """The first time after the warm-up at the hour of day at which it most often asks."""
    hours = [int(time % DAY // HOUR) for time in stage.mints[principal]]
    hour = max(sorted(set(hours)), key=hours.count)
    midnight = stage.begin - stage.begin % DAY
    return midnight + DAY + hour * HOUR


def spread(start: float, count: int) -> Sequence[float]:
    """So many moments over a day, the first one a minute after it begins."""
    return [start + 60.0 + number * DAY / count for number in range(count)]
