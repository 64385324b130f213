"""What only a long log shows: seasons, slow drift, people who leave, daylight saving, quarter ends.

Nothing here touches a log of `LONG_DAYS` or less.
When it is wrong: one calendar for everybody (the northern hemisphere's and
Europe's), and no two organisations share a season's luck.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from detector.simulator.dice import Dice
from detector.simulator.model import DAY, HOUR, Requester, Role, Surge
from detector.simulator.population import World, grow, hire
from detector.simulator.roles import ROLES

SEASONS: Final = ("turnover", "drift", "quarter_end", "high_season")
"""What labels call these beside the names of the upheavals; daylight saving is `clock_shift`."""

_YEAR: Final = 365.0 * DAY
_LEAVE: Final = 0.25  # of the identities in a year: as many again are born, here and in new teams
_SUCCEEDED: Final = 0.5
_OLD: Final = 20 * DAY  # nobody leaves sooner
_NEWS: Final = 3.0  # resources that a requester takes up in a year beyond what it explores by itself
_WANDER_HOURS: Final = 0.25  # how far people's hours move in a month
_ON_UTC: Final = 0.25
_CLOSING: Final = 0.25  # of the applications have a quarter to close
_HOLIDAYS: Final = 8
_PEOPLE: Final[frozenset[Role]] = frozenset({"ci_hosted", "ci_own", "agent", "operator"})
_YEARS_END: Final[dict[Role, float]] = {"service": 0.7, "partner": 0.6, "cron": 1.0}
_YEARS_END_PEOPLE: Final = 0.12
_SUMMER: Final = 0.75


def turn_over(world: World) -> None:
    """People and services leave all the year; some have a successor, who works beside them for some days."""
    dice = world.dice.fork("turnover")
    for requester in list(world.requesters):
        own = dice.fork(requester.name)
        if not own.chance(1.0 - (1.0 - _LEAVE) ** ((world.end - world.start) / _YEAR)):
            continue
        at = own.between(world.start + _OLD, world.end)
        requester.until = at
        if own.chance(_SUCCEEDED):
            born = max(world.start + DAY, at - own.between(0.0, 5.0) * DAY)
            world.requesters.append(
                hire(world, requester.role, own, since=born, application=requester.application, because="turnover")
            )


def pass_through(world: World) -> None:
    """Everything else that a year brings, over everybody who will live in it."""
    dice = world.dice.fork("year")
    closing = dice.sample(list(world.applications), max(1, round(_CLOSING * len(world.applications))))
    holidays = [world.start + DAY * dice.below(world.days) for _ in range(round(_HOLIDAYS * world.days / 365.0))]
    busy = dice.between(1.3, 2.5) if dice.chance(0.5) else None
    for requester in world.requesters:
        own = dice.fork(requester.name)
        if requester.dormant:
            _wake_every_quarter(requester, world, own)
        else:
            _drift(requester, world, own)
        _shift_clocks(requester, world, own)
        _rest(requester, world, holidays)
        if busy and requester.role == "service":
            _add_surges(requester, _each_year(world, (11, 15), (12, 22)), busy, "high_season")
        if requester.application in closing and requester.role != "agent":
            _close_quarters(requester, world, own)


def _drift(requester: Requester, world: World, dice: Dice) -> None:
    """What it is for changes slowly: something new now and then, and something old that is asked for no more."""
    days = (world.end - world.start) / DAY
    kind = ROLES[requester.role]
    for _ in range(dice.poisson(_NEWS * world.strain.drift * days / 365.0)):
        at = dice.between(max(world.start, requester.since), world.end)
        privilege = dice.pick(kind.privileges)
        access = grow(world, requester.application, requester.environment, dice, privilege=privilege)
        alive = [o for o in requester.accesses.at(at) if o.until == math.inf]
        requester.accesses.add(access, weight=0.4, since=at, because="drift")
        if len(alive) > 1 and dice.chance(0.6):
            dice.pick(alive).until = at + dice.between(2.0, 30.0) * DAY


def _shift_clocks(requester: Requester, world: World, dice: Dice) -> None:
    """Daylight saving twice a year for those who follow local time; people's hours wander a little besides."""
    changes = [] if dice.chance(_ON_UTC) else _daylight(world)
    if requester.role in _PEOPLE:
        months = range(1, int((world.end - world.start) / (30 * DAY)) + 1)
        step = _WANDER_HOURS * world.strain.drift
        changes += [(world.start + 30 * DAY * month, step * dice.normal(), None) for month in months]
    offset = requester.rhythm.offset
    for at, change, because in sorted(changes, key=lambda c: c[0]):
        usual = offset.at(at)[0].value
        offset.end(at)
        offset.add(usual + change, since=at, because=because)


def _rest(requester: Requester, world: World, holidays: list[float]) -> None:
    """The end of the year, the summer, public holidays: people are away, and what serves them has less to do."""
    people, lulls = requester.role in _PEOPLE, requester.rhythm.lulls
    factor = _YEARS_END_PEOPLE if people else _YEARS_END[requester.role]
    lulls += [Surge(since=s, until=u, factor=factor, because=None) for s, u in _each_year(world, (12, 23), (1, 2))]
    if people:
        lulls += [Surge(since=s, until=u, factor=_SUMMER, because=None) for s, u in _each_year(world, (8, 1), (8, 28))]
        lulls += [Surge(since=d, until=d + DAY, factor=_YEARS_END_PEOPLE, because=None) for d in holidays]


def _close_quarters(requester: Requester, world: World, dice: Dice) -> None:
    """The last two days of a quarter and the first two of the next: more of the usual, and what is only asked then."""
    spans = [span for month in (1, 4, 7, 10) for span in _each_year(world, (month, 1), (month, 3))]
    spans = [(since - 2 * DAY, until) for since, until in spans]
    if not requester.rhythm.clock:
        _add_surges(requester, spans, dice.between(1.5, 4.0), "quarter_end")
    if dice.chance(0.5):
        access = grow(world, requester.application, requester.environment, dice)
        for since, until in spans:
            requester.accesses.add(access, weight=0.6, since=since, until=until, because="quarter_end")


def _wake_every_quarter(requester: Requester, world: World, dice: Dice) -> None:
    """A sleeper that has an errand has it every quarter, not once."""
    rhythm = requester.rhythm
    if len(rhythm.quiet) < 2:  # noqa: PLR2004 - one span: it never wakes
        return
    asleep, first = rhythm.quiet[0][0], rhythm.surges[0]
    rhythm.quiet.clear()
    while asleep < world.end:
        wakes = min(asleep + dice.between(84.0, 98.0) * DAY, world.end)
        rests = wakes + dice.between(0.5, 6.0) * HOUR
        rhythm.quiet.append((asleep, wakes))
        rhythm.surges.append(Surge(since=wakes, until=rests, factor=first.factor, because=None))
        asleep = rests
    rhythm.surges.remove(first)


def _add_surges(requester: Requester, spans: list[tuple[float, float]], factor: float, because: str) -> None:
    requester.rhythm.surges += [Surge(since=s, until=u, factor=factor, because=because) for s, u in spans]


def _each_year(world: World, first: tuple[int, int], last: tuple[int, int]) -> list[tuple[float, float]]:
    """From one (month, day) to another, in every year that the log touches."""
    spans = []
    for year in range(_date(world.start).year - 1, _date(world.end).year + 1):
        since = datetime(year, *first, tzinfo=UTC).timestamp()
        until = datetime(year + (last < first), *last, tzinfo=UTC).timestamp()
        if since < world.end and until > world.start:
            spans.append((since, until))
    return spans


def _daylight(world: World) -> list[tuple[float, float, str | None]]:
    """The last Sundays of March and October within the log, and the hour that they bring."""
    changes: list[tuple[float, float, str | None]] = []
    for year in range(_date(world.start).year, _date(world.end).year + 1):
        for month, hour in ((3, 1.0), (10, -1.0)):
            last = datetime(year, month, 31, 1, tzinfo=UTC)
            at = (last - timedelta(days=(last.weekday() + 1) % 7)).timestamp()
            if world.start < at < world.end:
                changes.append((at, hour, "clock_shift"))
    return changes


def _date(time: float) -> datetime:
    return datetime.fromtimestamp(time, tz=UTC)
