"""`python -m bench.memory`: what one requester costs in memory: median, 95th percentile, worst, and who the worst is.

Organisations are written as native lines and replayed in a process of their own. *Held* is the deep size of what
the state holds for one requester alone: habits of grants and of uses, standing, usual lifetime, and its share of
leases, tasks and lessons. A text that several hold is counted to each, once: so the sum is more than what is there.
*Resident* is by how much the whole process grew while it replayed, divided by the requesters: a mean, which has
what belongs to nobody too (crowds, ids, decoders' memos).
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from river.stats import Var

from bench.detection.cache import organisations
from bench.detection.ours import HandClock, shipped_policy
from bench.detection.splits import QUICK, Pair
from bench.detection.tables import table
from detector.engine import Engine
from detector.engine.state import State
from detector.events import Issuance, Lifecycle, Usage
from detector.simulator import Organisation
from detector.simulator.writers.native import Native
from detector.sources.native import decode
from detector.store import MemoryLog

PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Holding(NamedTuple):
    """What the state holds for one requester, in bytes; events learnt, distinct values in all facets, leases.

    `lasting` is what outlives its credentials: all but leases, tasks and lessons.
    """

    held: int
    lasting: int
    events: int
    values: int
    leases: int
    requester: str


class Measured(NamedTuple):
    """One organisation: every requester's holding, resident growth and the snapshot, in bytes, and events replayed."""

    organisation: str
    holdings: list[Holding]
    resident: int
    snapshot: int
    events: int


def deep(value: Any, seen: set[int]) -> int:
    """The bytes of a value and everything it refers to that is not `seen` yet. Classes cost no requester anything."""
    if id(value) in seen or value is None or isinstance(value, bool | type):
        return 0
    seen.add(id(value))
    size = sys.getsizeof(value)
    if isinstance(value, Mapping):
        return size + sum(deep(key, seen) + deep(held, seen) for key, held in value.items())
    if isinstance(value, list | tuple):
        return size + sum(deep(held, seen) for held in value)
    if isinstance(value, msgspec.Struct):
        return size + sum(deep(getattr(value, name), seen) for name in value.__struct_fields__)
    if isinstance(value, Var):
        return size + deep(value.mean, seen) + deep(vars(value), seen)
    if hasattr(value, "__dict__"):
        return size + deep(vars(value), seen)
    return size


def holdings(state: State) -> list[Holding]:
    """What is held for every requester that was ever learnt or judged."""
    memory, baselines = state.memory, state.baselines
    joins = memory.joins
    leases = _by_requester(joins.leases.old | joins.leases.young)
    tasks = _by_requester(joins.tasks.old | joins.tasks.young)
    lessons: dict[str, list[Any]] = defaultdict(list)
    for lesson in (*memory.lessons, *memory.flagged.values()):
        lessons[lesson.facets.requester].append(lesson)
    found = []
    for name in memory.standings.keys() | baselines.grants.habits.keys() | baselines.uses.habits.keys():
        habits = [family.habits.get(name) for family in (baselines.grants, baselines.uses)]
        parts = (name, *habits, memory.standings.get(name), baselines.lifetimes.get(name))
        seen: set[int] = set()
        lasting = sum(deep(part, seen) for part in parts)
        held = lasting + sum(deep(part, seen) for part in (leases[name], tasks[name], lessons[name]))
        events = sum(own.events for own in habits if own is not None)
        values = sum(len(counts) for own in habits if own is not None for counts in own.counts)
        found.append(Holding(held, lasting, events, values, len(leases[name]), name))
    return sorted(found)


def _by_requester(kept: Mapping[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for key, value in kept.items():
        found[value.requester] += [key, value]
    return found


def replayed(lines: Iterable[bytes]) -> tuple[Engine, int]:
    """An engine that has taken in native lines, one after the other, and how many events they were."""
    clock, count = HandClock(), 0
    engine = Engine(policy=shipped_policy(), log=MemoryLog(keep=0), clock=clock)
    for line in lines:
        events = decode(msgspec.json.decode(line))
        for event in events if isinstance(events, tuple) else ():
            clock.now = max(clock.now, event.time)
            engine.observe(event)
            count += 1
    engine.settle()
    return engine, count


def resident() -> int:
    """Bytes of this process that are in memory just now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE


def child(path: Path, name: str) -> None:
    """Replay a file, and print what was measured as JSON."""
    before = resident()
    with path.open("rb") as lines:
        engine, count = replayed(lines)
    grown = resident() - before
    found = Measured(name, holdings(engine.state), grown, len(engine.snapshot()), count)
    print(msgspec.json.encode(found).decode())


def measure(organisation: Organisation) -> Measured:
    """Replay an organisation in a process of its own."""
    name = f"{organisation.style}-{organisation.seed}"
    with tempfile.TemporaryDirectory(prefix="assayer-bench-", dir=".") as directory:
        path = Path(directory) / "events.jsonl"
        with path.open("wb") as file:
            for row in organisation.rows:
                if isinstance(row.event, Issuance | Usage | Lifecycle):
                    for record in Native().records(row.event):
                        file.write(msgspec.json.encode(record) + b"\n")
        command = [sys.executable, "-m", "bench.memory", "--child", str(path), "--name", name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=Measured)


def report(found: Iterable[Measured]) -> str:
    """Two lines an organisation, in kB: all that is held, and what lasts of it; the worst requester beside it."""
    lines = []
    for name, holding, grown, snapshot, events in found:
        for what in ("held", "lasting"):
            order = sorted(holding, key=lambda one, what=what: (getattr(one, what), one.requester))
            worst = order[-1]
            chosen = (order[len(order) // 2], order[int(0.95 * (len(order) - 1))], worst)
            sizes = [f"{getattr(one, what) / 1e3:,.0f}" for one in chosen]
            like = f"{worst.events} events, {worst.values} values, {worst.leases} leases: {worst.requester}"
            whole = (grown / len(order), snapshot / len(order)) if what == "held" else ()
            shown = [f"{size / 1e3:,.0f}" for size in whole] or ["", ""]
            lines.append([f"{name}, {what}", str(events), str(len(order)), *sizes, *shown, like])
    heads = ("kB a requester", "events", "requesters", "median", "95 %", "worst", "resident", "snapshot", "the worst")
    return table(heads, lines)


def main() -> None:
    """Replay, weigh, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--name", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        child(arguments.child, arguments.name)
        return
    pairs: tuple[Pair, ...] = QUICK
    print(report(measure(organisation) for organisation in organisations(pairs)))


if __name__ == "__main__":
    main()
