"""Which organisations live a year, and living one: simulated, judged row by row, counted."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from bench.budget.strains import HEALTHY, STRESSES
from bench.budget.tally import EVERYDAY, Judged, Tally, tally
from bench.detection.measure import Campaign, Seen
from bench.detection.ours import HandClock, shipped_policy
from bench.detection.splits import VALIDATION
from detector.engine import Engine, Row
from detector.events import Issuance
from detector.simulator import KINDS, STYLES, Label, Organisation, simulate
from detector.store import MemoryLog
from detector.wiring.compose import group_peers

FIRST_SEED: Final = 501
"""From here on up; no split of the detection benchmark has such a seed."""

WARM_UP_DAYS: Final = 30
YEAR_DAYS: Final = 365
ACTIVITY: Final = 0.6
"""How often requesters ask, by what they do in `bench.detection`: so that 3,000 requester-years fit in an hour."""

AN_ORGANISATION: Final = 84
"""Requesters that an organisation begins with where there are enough for six: what the styles have by themselves."""

_LATE_DAYS: Final = 25
_CAMPAIGNS: Final = 34


class Year(NamedTuple):
    """An organisation to play. `requesters` of `None` is as many as its style draws."""

    style: str
    seed: int
    stress: str = HEALTHY
    days: int = WARM_UP_DAYS + YEAR_DAYS
    warm_up_days: int = WARM_UP_DAYS
    requesters: int | None = AN_ORGANISATION
    activity: float = ACTIVITY
    campaigns: int = 0


@dataclass(slots=True)
class Played:
    """What became of it. Seconds are this process's own; megabytes its most ever."""

    year: Year
    tally: Tally
    campaigns: list[Campaign]
    rows: int
    simulating: float
    judging: float
    megabytes: float = field(default_factory=lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)

    @property
    def requester_years(self) -> float:
        """How long its requesters lived after the warm-up, together."""
        return sum(life.years for life in self.tally.requesters)


def plan(requester_years: int, *, seed: int, days: int = YEAR_DAYS, activity: float = ACTIVITY) -> list[Year]:
    """Healthy years of every style in turn, enough to come to so many requester-years.

    Some leave and as many come, so that an organisation's requester-years are
    about the requesters it begins with, times how long it lives.
    """
    styles, each = list(STYLES), requester_years * YEAR_DAYS / days
    rounds = max(1, round(each / (AN_ORGANISATION * len(styles))))
    size = max(8, int(-(-each // (rounds * len(styles)))))
    return [
        Year(style, seed + turn, days=WARM_UP_DAYS + days, requesters=size, activity=activity)
        for turn in range(rounds)
        for style in styles
    ]


def stressed(healthy: list[Year], requester_years: int) -> list[Year]:
    """The first of the healthy years again, for so many requester-years under each stress."""
    size = healthy[0].requesters or AN_ORGANISATION
    lived = size * (healthy[0].days - WARM_UP_DAYS) / YEAR_DAYS
    again = healthy[: max(1, round(requester_years / lived))]
    return [year._replace(stress=stress) for stress in STRESSES if stress != HEALTHY for year in again]


def robbed(healthy: list[Year], late: int) -> list[Year]:
    """The detection benchmark's validation organisations, and campaigns in the last weeks of some healthy years."""
    short = [
        Year(style, seed, days=25, warm_up_days=14, requesters=None, activity=1.0, campaigns=_CAMPAIGNS)
        for style, seed in VALIDATION
    ]
    return short + [
        year._replace(warm_up_days=year.days - _LATE_DAYS, campaigns=_CAMPAIGNS)
        for year in healthy[:late]
        if year.days > WARM_UP_DAYS + _LATE_DAYS
    ]


def play(year: Year) -> Played:
    """Live it through and count. The same year gives the same counts on every machine."""
    drawn = STYLES[year.style]
    style = replace(drawn, rate_median=drawn.rate_median * year.activity)
    began = time.process_time()
    organisation = simulate(
        style,
        year.seed,
        days=year.days,
        warm_up_days=year.warm_up_days,
        campaigns=year.campaigns,
        requesters=year.requesters,
        strain=STRESSES[year.stress].strain,
    )
    simulated = time.process_time()
    stolen: dict[str, Campaign] = {}
    counted = tally(_legitimate(organisation, stolen), organisation.warm_until)
    return Played(
        year=year,
        tally=counted,
        campaigns=list(stolen.values()),
        rows=len(organisation.rows),
        simulating=simulated - began,
        judging=time.process_time() - simulated,
    )


def _legitimate(organisation: Organisation, stolen: dict[str, Campaign]) -> Iterator[Judged]:
    """The legitimate rows with their verdicts; what is not legitimate goes to its campaign."""
    owner = f"{organisation.style}-{organisation.seed}"
    for row, label in _judged(organisation):
        if label.campaign and label.kind:
            known = Campaign(label.campaign, owner, label.kind, label.variant or "", KINDS[label.kind].tell)
            step = Seen(row.evidence, row.kind, label.step, row.time, row.verdict)
            stolen.setdefault(label.campaign, known).steps.append(step)
            continue
        told = row.reasons[0].code if row.verdict != "allow" and row.reasons else ""
        because = label.upheaval or EVERYDAY
        yield Judged(row.kind, row.time, label.principal, row.requester, row.verdict, because, told)


def _judged(organisation: Organisation) -> Iterator[tuple[Row, Label]]:
    """Every row that the engine judges, with the truth about it."""
    clock = HandClock()
    engine = Engine(policy=shipped_policy(), log=MemoryLog(keep=0), clock=clock, grouper=group_peers)
    labels: dict[tuple[str, str], Label] = {}  # a use may be judged later than it comes
    for labelled in organisation.rows:
        event = labelled.event
        kind = "issuance" if isinstance(event, Issuance) else "usage"
        labels[kind, event.id] = labelled.label
        clock.now = max(clock.now, event.time)
        for row in engine.observe(event):
            yield row, labels.pop((row.kind, row.id))
    for row in engine.settle():
        yield row, labels.pop((row.kind, row.id))
    engine.close()
