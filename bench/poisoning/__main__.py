"""`python -m bench.poisoning`: days until the forbidden is allowed, and mints until a lasting change is believed.

A pair is a requester and a resource of another application that it never used, asked for in all else as the
requester asks. Nobody answers for anything: what is flagged is flagged in a log that nobody reads. Ours stands beside
river's protected filter around LODA, on the peers' facets, its quantile set so that it alarms as often on honest
issuances as ours; `guarded`, the facets' memory too keeps out what the filter refused. Pairs that a detector allows
from the first are not counted against it twice: they are its `refused at first`, and nothing else.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from statistics import median
from typing import Final, NamedTuple

from bench.detection.ours import shipped_policy
from bench.detection.splits import Pair
from bench.detection.tables import table
from bench.poisoning.attackers import ATTACKS, Attack
from bench.poisoning.cases import HORIZON, Case, Stage, again, candidates, stage
from bench.poisoning.course import (
    CHANGES,
    Judge,
    Poisoned,
    Recovered,
    Undisturbed,
    opened,
    poison,
    recover,
    undisturbed,
)
from bench.poisoning.filtered import Filtered
from bench.poisoning.ours import Ours
from detector.simulator.dice import hash_of

ORGANISATIONS: Final[tuple[Pair, ...]] = (("vault", 5), ("vault", 6), ("platform", 5), ("platform", 6))
PER_ORGANISATION: Final = 2
NOBODY: Final = "nobody"
ALONE: Final = 5_000
"""Mints of nobody but the changed requester: what a filter never learns from these it never will."""


class Victims(NamedTuple):
    """An organisation, the cases chosen in it, and how all its pairs fared where nobody attacked."""

    stage: Stage
    cases: list[Case]
    alone: Undisturbed


class Fate(NamedTuple):
    """What became of one detector: cases, and those refused at first; results by attacker, and by honest change."""

    cases: int
    refused: int
    poisoned: Mapping[str, list[Poisoned]]
    recovered: Mapping[str, list[Recovered]]


def victims(style: str, seed: int, *, days: int, most: int = PER_ORGANISATION) -> Victims:
    """The cases, one a requester, whose forbidden the engine refuses longest where nobody attacks."""
    scene = stage(style, seed, days=days)
    tried = candidates(scene, random.Random(hash_of(f"{style}/{seed}")))
    alone = undisturbed(warmed(Ours(shipped_policy()), scene), scene, tried, days=days)
    lasting = [days + 1.0 if until is None else until for until in alone.days]
    chosen: dict[str, Case] = {}
    for until, number in sorted((-until, number) for number, until in enumerate(lasting) if until):
        if len(chosen) < most:
            chosen.setdefault(tried[number].principal, tried[number])
        del until
    return Victims(scene, list(chosen.values()), alone)


def warmed(judge: Judge, scene: Stage) -> Judge:
    """The judge, once it has lived through the warm-up."""
    for told in scene.between(0.0, scene.begin):
        judge.take(told)
    return judge


def suffer(
    make: Callable[[], Judge], all_victims: Sequence[Victims], attacks: Mapping[str, Attack], *, days: int = HORIZON
) -> Fate:
    """Put a detector through every attack and every honest change, each from the same warm state."""
    poisoned: dict[str, list[Poisoned]] = {name: [] for name in attacks}
    recovered: dict[str, list[Recovered]] = {_change(change, alone): [] for change in CHANGES for alone in (0, ALONE)}
    total = refused = 0
    for scene, cases, _ in all_victims:
        warm = warmed(make(), scene)
        for case in cases:
            ready = opened(warm, scene, case)
            total += 1
            for change, alone in product(CHANGES, (0, ALONE)):
                found = recover(ready.copy(), scene, case, change, days=days, alone=alone)
                if found is not None:
                    recovered[_change(change, alone)].append(found)
            if ready.ask(again(case.forbidden, case.start, random.Random(0)), case.principal).allowed:
                continue
            refused += 1
            for name, attack in attacks.items():
                poisoned[name].append(poison(ready.copy(), scene, case, attack, days=days))
    return Fate(total, refused, poisoned, recovered)


def _change(change: str, alone: int) -> str:
    return f"another {change}, {alone:,} mints alone" if alone else f"another {change}"


def main() -> None:
    """Poison, shift, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.poisoning", description=__doc__)
    parser.add_argument("--days", type=int, default=HORIZON, help="days a thief is given")
    parser.add_argument("--no-river", action="store_true", help="only ours")
    arguments = parser.parse_args()
    began, days = time.perf_counter(), arguments.days
    found = [victims(style, seed, days=days) for style, seed in ORGANISATIONS]
    share = sum(v.alone.flagged for v in found) / sum(v.alone.mints for v in found)
    print(overview(found, share), "\n", flush=True)
    fates = {"Assayer": suffer(lambda: Ours(shipped_policy()), found, {NOBODY: nobody, **ATTACKS}, days=days)}
    if not arguments.no_river:
        for guarded in (False, True):
            name = "river LODA, guarded" if guarded else "river LODA"
            fates[name] = suffer(
                lambda guarded=guarded: Filtered("LODA", q=1.0 - share, guarded=guarded), found, ATTACKS, days=days
            )
    print(report(fates, days), "\n")
    print(f"{time.perf_counter() - began:.0f} s")


def nobody(*_: object) -> tuple[()]:
    """Nobody mints anything: what time alone does to the forbidden."""
    return ()


def overview(found: Sequence[Victims], share: float) -> str:
    """How many pairs a fresh ask refuses, which is what can be poisoned at all."""
    until = [day for victim in found for day in victim.alone.days]
    refused, lasting = sum(day != 0 for day in until), sum(day is None for day in until)
    return (
        f"{', '.join(f'{style}-{seed}' for style, seed in ORGANISATIONS)}: {refused} of {len(until)} pairs are not"
        f" allowed when first asked for, {lasting} are never allowed though nobody attacks;"
        f" {sum(len(v.cases) for v in found)} are attacked. Honest issuances flagged: {100 * share:.3f} %."
    )


def report(fates: Mapping[str, Fate], days: int) -> str:
    """One table: a line a detector and attacker, then a line a detector and honest change."""
    rows = []
    for name, fate in fates.items():
        for attacker, results in fate.poisoned.items():
            through = sorted(result.days for result in results if result.days is not None)
            rows.append(
                [
                    f"{name}: {attacker}",
                    f"{len(through)} of {len(results)}",
                    *_range([result.days for result in results], days),
                    _middle([result.mints for result in results]),
                    _middle([result.flagged for result in results]),
                ]
            )
    heads = (f"until the forbidden is allowed, in {days} days", "allowed", "days", "least", "most", "mints", "flagged")
    first = table(heads, rows)
    rows = []
    for name, fate in fates.items():
        for change, changed in fate.recovered.items():
            believed = [result for result in changed if result.events is not None]
            rows.append(
                [
                    f"{name}: {change}",
                    f"{len(believed)} of {len(changed)}",
                    _middle([result.events for result in believed if result.events is not None]),
                    _most([result.events for result in believed if result.events is not None]),
                    _middle([round(result.days or 0.0) for result in believed]),
                    f"{sum(r.flagged for r in changed)} of {sum(r.mints for r in changed)}",
                ]
            )
    heads = ("until a lasting change is believed", "believed", "mints", "most", "days", "flagged in all")
    refused = "; ".join(f"{name} refuses {fate.refused} of {fate.cases} at first" for name, fate in fates.items())
    return f"{refused}.\n\n{first}\n\n{table(heads, rows)}"


def _range(values: Sequence[float | None], days: int) -> tuple[str, str, str]:
    """Median, least and most of days, where never is longer than any."""
    if not values:
        return "-", "-", "-"
    ordered = sorted(days + 1.0 if value is None else value for value in values)
    middle, least, most = ("never" if v > days else _days(v) for v in (median(ordered), ordered[0], ordered[-1]))
    return middle, least, most


def _most(values: Sequence[int]) -> str:
    return str(max(values)) if values else "-"


def _days(value: float) -> str:
    return f"{value:.0f}" if value >= 1.0 or not value else f"{value * 24.0:.0f} h"


def _middle(values: Sequence[int]) -> str:
    return f"{median(values):.0f}" if values else "-"


if __name__ == "__main__":
    main()
