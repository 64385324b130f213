"""`python -m bench.detection.novelty`: how often the honest do something new, simulated beside real.

The real ones are public commit histories (`../shared/data/arrivals`), where an actor touches areas; in the simulator a
requester's event is an issuance, and its areas are the resource asked for and what its credential then touched. For
every actor with a hundred events or more, after its first twenty: the share of events that touch a new area or come
at a new local hour; the coefficient of variation of gaps; the share of gaps under five minutes; and the variance of
daily counts over their mean.
"""

from __future__ import annotations

import gzip
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from bench.detection.cache import organisations
from bench.detection.splits import TEST
from bench.detection.tables import table
from detector.events import Issuance, Usage
from detector.simulator import STYLES, Organisation

MEASURES: Final = ("new area", "new hour", "gap variation", "short gaps", "daily dispersion")
_REAL: Final = Path(__file__).parents[2] / ".." / "shared" / "data" / "arrivals"
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Doing:
    """One event of one actor: Unix seconds, local seconds, areas touched."""

    time: float
    local: float
    areas: frozenset[str]


def measure(histories: Iterable[Sequence[Doing]], *, least: int = 100) -> Mapping[str, list[float]]:
    """Each measure's value for every history of at least that many events, sorted."""
    out: dict[str, list[float]] = {name: [] for name in MEASURES}
    for history in histories:
        if len(history) >= least:
            for name, value in zip(MEASURES, _one(history), strict=True):
                out[name].append(value)
    return {name: sorted(values) for name, values in out.items()}


def _one(history: Sequence[Doing]) -> tuple[float, ...]:
    events = sorted(history, key=lambda d: d.time)
    areas, hours, new_area, new_hour = set[str](), set[int](), 0, 0
    for index, event in enumerate(events):
        hour = int(event.local % _DAY // 3600.0)
        if index >= 20:
            new_area += bool(event.areas - areas)
            new_hour += hour not in hours
        areas |= event.areas
        hours.add(hour)
    gaps = [b.time - a.time for a, b in pairwise(events)]
    days = Counter(int(e.time // _DAY) for e in events)
    counts = [days.get(d, 0) for d in range(min(days), max(days) + 1)]
    return (
        new_area / (len(events) - 20),
        new_hour / (len(events) - 20),
        statistics.pstdev(gaps) / max(1e-9, statistics.mean(gaps)),
        sum(g < 300.0 for g in gaps) / len(gaps),
        statistics.pvariance(counts) / statistics.mean(counts),
    )


def simulated(organisation: Organisation) -> list[list[Doing]]:
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
    return list(histories.values())


def real(path: Path) -> list[list[Doing]]:
    """The histories in a file of real arrivals."""
    histories: dict[str, list[Doing]] = defaultdict(list)
    with gzip.open(path, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            zone = record["tz"]
            offset = float(f"{zone[0]}1") * (int(zone[1:3]) * 3600 + int(zone[3:]) * 60)
            histories[record["actor"]].append(Doing(record["t"], record["t"] + offset, frozenset(record["areas"])))
    return list(histories.values())


def real_files() -> list[Path]:
    """The files of real arrivals, none where the folder is absent."""
    return sorted(_REAL.glob("*.jsonl.gz"))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of sorted values lies."""
    return values[int(share * (len(values) - 1))]


def main() -> None:
    """Print both, as the 10th, 50th and 90th percentile over actors."""
    sources = {path.name.split(".")[0]: real(path) for path in real_files()}
    for organisation in organisations(TEST[::2]):
        sources[f"simulated {organisation.style}"] = simulated(organisation)
    rows = []
    for name, histories in sources.items():
        measured = measure(histories)
        cells = [" / ".join(f"{quantile(v, q):.3g}" for q in (0.1, 0.5, 0.9)) for v in measured.values()]
        rows.append([name, str(len(measured["new area"])), *cells])
    print(table(("10th / 50th / 90th percentile", "actors", *MEASURES), rows))


if __name__ == "__main__":
    main()
