"""One attack, or one honest change, day after day, and when it was through."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import Final, NamedTuple, Protocol, Self

from msgspec.structs import replace

from bench.poisoning.attackers import Answer, Attack
from bench.poisoning.cases import DAY, HORIZON, HOUR, Case, Stage, Told, again, wanted
from detector.events import GrantRequest, Issuance, Source, Usage

MOVED_TO: Final = "172.20.0.0/16"
"""Where no simulated organisation is at home."""


SETTLED: Final = 5
"""A change is believed once so many mints at least were no longer flagged."""


class Judge(Protocol):
    """What is poisoned: it takes in what happened, can be asked, and copied."""

    def take(self, told: Told) -> bool | None:
        """Whether an issuance was flagged; `None` for what is none."""

    def ask(self, grant: GrantRequest, principal: str) -> Answer:
        """What an ask would be told; nothing of it stays."""

    def copy(self) -> Self:
        """Another one in the same state."""


class Poisoned(NamedTuple):
    """Days until the forbidden was allowed (`None`: never); the thief's mints up to then: all, and those flagged."""

    days: float | None
    mints: int
    flagged: int


class Recovered(NamedTuple):
    """The requester's mints from its change on: how many were flagged, and up to which one and how many days later.

    `events` and `days` are those of the last flagged one; `None` where the very last were still flagged.
    """

    mints: int
    flagged: int
    events: int | None
    days: float | None


class Undisturbed(NamedTuple):
    """Days until each case's forbidden is allowed though nobody attacks (0: at once, `None`: never); honest alarms."""

    days: list[float | None]
    flagged: int
    mints: int


def opened(judge: Judge, stage: Stage, case: Case) -> Judge:
    """A copy of a warm judge that has lived up to the case's beginning."""
    judge = judge.copy()
    for told in stage.between(stage.begin, case.start):
        judge.take(told)
    return judge


def undisturbed(judge: Judge, stage: Stage, cases: Sequence[Case], *, days: int = HORIZON) -> Undisturbed:
    """Live on honestly, and ask for every case's forbidden at the moments at which an attacker would."""
    judge, dice, found = judge.copy(), random.Random(0), dict[int, float]()
    moments = {0.0, *(day * DAY + HOUR for day in range(days)), *(day * DAY for day in range(1, days + 1))}
    asks = sorted((case.start + after, number) for number, case in enumerate(cases) for after in moments)
    now, heard = stage.begin, list[bool | None]()
    for time, number in asks:
        heard += [judge.take(told) for told in stage.between(now, time)]
        now, case = max(now, time), cases[number]
        if number not in found and judge.ask(again(case.forbidden, time, dice), case.principal).allowed:
            found[number] = (time - case.start) / DAY
    judged = [flagged for flagged in heard if flagged is not None]
    return Undisturbed([found.get(number) for number in range(len(cases))], sum(judged), len(judged))


def poison(judge: Judge, stage: Stage, case: Case, attack: Attack, *, days: int = HORIZON) -> Poisoned:
    """Attack a judge that `opened` gave; ask for the forbidden an hour after each day's beginning and at its end."""
    dice, mints, flagged = random.Random(case.principal), 0, 0
    for day in range(days):
        start = case.start + day * DAY
        minted = [_issued(mint.grant, mint.principal) for mint in attack(case, judge, start, dice)]
        bad = {told.event.id for told in minted}
        for since, until in ((start, start + HOUR), (start + HOUR, start + DAY)):
            theirs = [told for told in minted if since <= told.time < until]
            for told in merge(stage.between(since, until), theirs, key=lambda told: told.time):
                found = judge.take(told)
                if told.event.id in bad:
                    mints, flagged = mints + 1, flagged + bool(found)
            if judge.ask(again(case.forbidden, until, dice), case.principal).allowed:
                return Poisoned((until - case.start) / DAY, mints, flagged)
    return Poisoned(None, mints, flagged)


def recover(
    judge: Judge, stage: Stage, case: Case, change: str, *, days: int = HORIZON, alone: int = 0
) -> Recovered | None:
    """Let the requester change its `network` or its `issuer` for good, and live on as it did; `None`: it cannot.

    `alone`, nothing else happens, and its own mints are lived again and again until they are so many.
    """
    move, mints, last, flagged, at = _MOVES[change](stage, case), 0, None, 0, case.start
    if not move.possible:
        return None
    life = stage.between(case.start, case.start + days * DAY)
    for told in _again_and_again(life, case.principal, alone) if alone else life:
        found = judge.take(move(told) if told.principal == case.principal else told)
        if told.principal == case.principal and found is not None:
            mints += 1
            if found:
                last, flagged, at = mints, flagged + 1, told.time
    lasting = last is not None and mints - last < SETTLED
    return Recovered(mints, flagged, None if lasting else last or 0, None if lasting else (at - case.start) / DAY)


def _again_and_again(life: Sequence[Told], principal: str, most: int) -> Iterator[Told]:
    """One requester's mints, repeated under new ids with the distances in time that they had."""
    own = [(told, told.event) for told in life if told.principal == principal]
    mints = [(told, event) for told, event in own if isinstance(event, Issuance)]
    span = mints[-1][0].time - mints[0][0].time + HOUR
    for number in range(most):
        round_, place = divmod(number, len(mints))
        told, event = mints[place]
        time, name = told.time + round_ * span, f"{event.id}-{round_}"
        grant = replace(event.grant, id=name, time=time, renewal_of=None)
        yield Told(time, principal, replace(event, grant=grant, credential=f"c-{name}", expires_at=None))


def _issued(grant: GrantRequest, principal: str) -> Told:
    expires = None if grant.ttl_seconds is None else grant.time + grant.ttl_seconds
    event = Issuance(grant=grant, credential=f"c-{grant.id}", expires_at=expires)
    return Told(grant.time, principal, event)


class _Network:
    """Everything of the requester comes from another site, each old address from one new one."""

    possible = True

    def __init__(self, stage: Stage, case: Case) -> None:
        del stage, case
        hosts = ipaddress.ip_network(MOVED_TO).hosts()
        self._free, self._moved = hosts, dict[str, str]()

    def __call__(self, told: Told) -> Told:
        event = told.event
        if isinstance(event, Issuance):
            grant = replace(event.grant, source=self._from(event.grant.source))
            return told._replace(event=replace(event, grant=grant))
        if isinstance(event, Usage):
            return told._replace(event=replace(event, source=self._from(event.source)))
        return told

    def _from(self, source: Source) -> Source:
        if source.ip is None:
            return source
        if source.ip not in self._moved:
            self._moved[source.ip] = str(next(self._free))
        return replace(source, ip=self._moved[source.ip])


class _Issuer:
    """Each of the requester's resources gives way to one of another issuer that it never used."""

    def __init__(self, stage: Stage, case: Case) -> None:
        own = stage.used[case.principal]
        issuers = {grant.issuer for grant in own.values()}
        strange: dict[str, GrantRequest] = {}
        for other in sorted(stage.used):
            for name, grant in stage.used[other].items():
                if grant.issuer not in issuers and grant.source.environment == case.usual[0].source.environment:
                    strange.setdefault(name, grant)
        self._strange = sorted(strange.values(), key=lambda grant: (grant.issuer, grant.resource))
        self._moved = dict[str, GrantRequest]()

    @property
    def possible(self) -> bool:
        """Whether its environment has another issuer at all: where one broker mints everything, none."""
        return bool(self._strange)

    def __call__(self, told: Told) -> Told:
        if not isinstance(told.event, Issuance):
            return told
        grant = told.event.grant
        if grant.resource not in self._moved:
            self._moved[grant.resource] = self._strange[len(self._moved) % len(self._strange)]
        there = wanted(grant, self._moved[grant.resource])
        return told._replace(event=replace(told.event, grant=replace(there, privilege=grant.privilege)))


_MOVES: Final = {"network": _Network, "issuer": _Issuer}
CHANGES: Final = tuple(_MOVES)
