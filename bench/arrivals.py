"""`python -m bench.arrivals FILE...`: when, how often and where real people act, beside simulated requesters.

The files are public commit histories (`../shared/data/arrivals/*.jsonl.gz`), where an actor touches areas. In the
simulator a requester's event is an issuance, and its areas are the resource asked for and what its credential then
touched. What is told of gaps is told in units of the identity's own median gap, and what is told of days is freed from
how many events a day has, so that somebody who commits twice a week can stand beside a job that asks every minute.
When it is wrong: people are not machines. Commits have no schedule, years of them hold absences that twenty-five days
cannot, and an area is coarser than an object.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

from bench.detection.cache import organisations
from bench.detection.splits import TEST
from bench.detection.tables import table
from detector.events import Issuance, Usage
from detector.simulator import STYLES, Organisation

DAY: Final = 86_400.0
LEAST: Final = 100
"""Events that an identity must have before its own habits are measured."""
SETTLED: Final = 20
"""Its first events, in which everything is new; and how many make a piece of its history worth measuring."""
WINDOW_DAYS: Final = 25
"""How long a simulated organisation lives; real histories are cut into pieces as long, to be asked the same of."""
WEEK_DAYS: Final = 7
CROWD: Final = 10
"""Identities that must be active in a week for a share of them to say anything."""

HABITS: Final = ("new area", "new hour", "gap 10 %", "gap 90 %", "gap 99 %", "burstiness", "day dispersion")
"""Of an identity.

After its first twenty events, the share that touches a new area, or comes at a new local hour; quantiles of the gaps
between its events over its median gap; burstiness of gaps (Goh and Barabási 2008: 0 is Poisson, 1 all at once,
−1 a clock); and by how much daily counts vary more than Poisson's, over their mean squared (0 is Poisson),
in the twenty-five days at a time in which it had twenty events.
"""

CROWDS: Final = ("by the busiest tenth", "Gini", "new in a week")
"""Of a population, in twenty-five days.

The share of events by the busiest tenth of its identities, how unevenly activity is spread, and the share
of those active in the last week who had not been seen before in these days.
"""


@dataclass(frozen=True, slots=True)
class Doing:
    """One event of one actor: Unix seconds, local seconds, areas touched."""

    time: float
    local: float
    areas: frozenset[str]


Histories: TypeAlias = Mapping[str, Sequence[Doing]]
"""What each identity did."""


def habits(histories: Histories) -> dict[str, list[float]]:
    """Each of `HABITS` for every identity with events enough, sorted."""
    out: dict[str, list[float]] = {name: [] for name in HABITS}
    for history in histories.values():
        if len(history) >= LEAST:
            for name, value in zip(HABITS, _habits(history), strict=True):
                if not math.isnan(value):
                    out[name].append(value)
    return {name: sorted(values) for name, values in out.items()}


def _habits(history: Sequence[Doing]) -> tuple[float, ...]:
    events = sorted(history, key=lambda d: d.time)
    gaps = sorted(b.time - a.time for a, b in pairwise(events))
    usual = max(1.0, quantile(gaps, 0.5))  # seconds: below one, logs' own grain is all there is
    mean, spread = statistics.mean(gaps), statistics.pstdev(gaps)
    return (
        *_novelty(events),
        *(quantile(gaps, q) / usual for q in (0.1, 0.9, 0.99)),
        (spread - mean) / max(1e-9, spread + mean),
        _dispersion(events),
    )


def _dispersion(events: Sequence[Doing]) -> float:
    """The median over pieces of a history, each a window long, of what daily counts vary beyond Poisson's."""
    pieces: dict[int, Counter[int]] = defaultdict(Counter)
    for event in events:
        piece, day = divmod(int((event.time - events[0].time) // DAY), WINDOW_DAYS)
        pieces[piece][day] += 1
    found = []
    for number, piece in pieces.items():
        length = WINDOW_DAYS if number < max(pieces) else max(piece) + 1
        if piece.total() >= SETTLED and length >= WEEK_DAYS:
            counts = [piece[day] for day in range(length)]
            daily = statistics.mean(counts)
            found.append((statistics.pvariance(counts) - daily) / daily**2)
    return statistics.median(found) if found else math.nan


def _novelty(events: Sequence[Doing]) -> tuple[float, float]:
    """The shares of events in a new area and at a new local hour."""
    areas, hours, new_area, new_hour = set[str](), set[int](), 0, 0
    for index, event in enumerate(events):
        hour = int(event.local % DAY // 3600.0)
        if index >= SETTLED:
            new_area += bool(event.areas - areas)
            new_hour += hour not in hours
        areas |= event.areas
        hours.add(hour)
    return new_area / (len(events) - SETTLED), new_hour / (len(events) - SETTLED)


def crowds(histories: Histories) -> dict[str, list[float]]:
    """Each of `CROWDS` for every window as long as a simulated organisation lives, sorted.

    Windows are left out in whose last week hardly anybody was active.
    """
    begin = min(doing.time for history in histories.values() for doing in history)
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    known: dict[int, set[str]] = defaultdict(set)
    last: dict[int, set[str]] = defaultdict(set)
    for who, history in histories.items():
        for doing in history:
            window, day = divmod(int((doing.time - begin) // DAY), WINDOW_DAYS)
            counts[window][who] += 1
            (last if day >= WINDOW_DAYS - WEEK_DAYS else known)[window].add(who)
    out: dict[str, list[float]] = {name: [] for name in CROWDS}
    for window, active in last.items():
        if len(active) >= CROWD:
            sizes = sorted(counts[window].values())
            new = len(active - known[window]) / len(active)
            for name, value in zip(CROWDS, (busiest(sizes), gini(sizes), new), strict=True):
                out[name].append(value)
    return {name: sorted(values) for name, values in out.items()}


def busiest(sizes: Sequence[int], part: float = 0.1) -> float:
    """The share of all events that the busiest tenth of identities have, at least one; sizes come sorted."""
    return sum(sizes[-max(1, math.ceil(part * len(sizes))) :]) / sum(sizes)


def gini(sizes: Sequence[int]) -> float:
    """How unevenly activity is spread: 0 where all are as busy, near 1 where one does everything; sizes come sorted."""
    total, many = sum(sizes), len(sizes)
    return sum((2 * rank - many - 1) * size for rank, size in enumerate(sizes, 1)) / (many * total)


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which that part of sorted values lies."""
    return values[int(part * (len(values) - 1))]


def simulated(organisation: Organisation) -> dict[str, list[Doing]]:
    """The honest histories of an organisation's requesters."""
    offset = STYLES[organisation.style].offset_hours * 3600.0
    touched: dict[str, set[str]] = defaultdict(set)
    for row in organisation.rows:
        if isinstance(row.event, Usage) and not row.label.abuse and row.event.credential:
            touched[row.event.credential].add(row.event.resource or "")
    histories: dict[str, list[Doing]] = defaultdict(list)
    for row in organisation.rows:
        event = row.event
        if isinstance(event, Issuance) and not row.label.abuse:
            areas = frozenset({event.grant.resource, *touched.get(event.credential or "", ())})
            histories[row.label.principal].append(Doing(event.time, event.time + offset, areas))
    return histories


def real(path: Path) -> dict[str, list[Doing]]:
    """The histories in a file of real arrivals."""
    histories: dict[str, list[Doing]] = defaultdict(list)
    with gzip.open(path, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            zone = record["tz"]
            offset = float(f"{zone[0]}1") * (int(zone[1:3]) * 3600 + int(zone[3:]) * 60)
            histories[record["actor"]].append(Doing(record["t"], record["t"] + offset, frozenset(record["areas"])))
    return histories


def compare(sources: Mapping[str, Histories]) -> str:
    """Both tables: habits as percentiles over identities, crowds over windows."""
    of_one, of_all = [], []
    for name, histories in sources.items():
        measured, together = habits(histories), crowds(histories)
        of_one.append([name, str(len(measured[HABITS[0]])), *map(_percentiles, measured.values())])
        of_all.append([name, str(len(together[CROWDS[0]])), *map(_percentiles, together.values())])
    heads = "10th / 50th / 90th percentile"
    return f"{table((heads, 'identities', *HABITS), of_one)}\n\n{table((heads, 'windows', *CROWDS), of_all)}"


def _percentiles(values: Sequence[float]) -> str:
    return " / ".join(f"{quantile(values, part):.3g}" for part in (0.1, 0.5, 0.9)) if values else "-"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the real ones above, the simulated below."""
    parser = argparse.ArgumentParser(prog="python -m bench.arrivals", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="real arrivals: gzipped JSON Lines")
    sources: dict[str, Histories] = {path.name.split(".")[0]: real(path) for path in parser.parse_args(arguments).files}
    first: dict[str, int] = {}
    for style, seed in TEST:
        first.setdefault(style, seed)
    for organisation in organisations(list(first.items())):
        sources[f"simulated {organisation.style}"] = simulated(organisation)
    print(compare(sources))


if __name__ == "__main__":
    main()
