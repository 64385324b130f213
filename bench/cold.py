"""`python -m bench.cold`: identities on their first day: how much is caught, and how many honest ones are bothered.

    python -m bench.cold --split validation          learnt peer groups beside groups made from names, five minutes

*Cold* is a row whose requester had fewer than twenty issuances granted before it in the stream. The simulator
seldom has campaigns befall such identities, so beside the organisations as they are it is played on *newborn*
ones: the same streams, where every victim, and a third of all others, is first heard of shortly before. Their
earlier rows are left out, nothing is added or changed.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from bench.detection.cache import organisations
from bench.detection.ground import ROW_KINDS, ground
from bench.detection.measure import Evaluation, Scored
from bench.detection.ours import HandClock, rows, shipped_policy
from bench.detection.splits import QUICK, TEST, TRAIN, VALIDATION
from bench.detection.tables import share, table
from detector.baselines.habits import COLD_EVENTS
from detector.engine import Engine
from detector.events import Issuance, Usage
from detector.features.names import peers as by_name
from detector.simulator import Labelled, Organisation
from detector.simulator.dice import Dice
from detector.store import MemoryLog
from detector.wiring.compose import group_peers

BORN_LATE: Final = 0.33
"""The share of those who are no victims and yet are first heard of after the warm-up."""

CEILING: Final = 0.02
"""The share of legitimate issuances of cold identities that may be stepped up."""

MOMENTS: Final = ("first", "ever")
SPLITS: Final = {"quick": QUICK, "train": TRAIN, "validation": VALIDATION, "test": TEST}
HEADER: Final = (
    "groups",
    "cold, 0.1 %: first",
    "ever",
    "default: first",
    "ever",
    "at 2 % of cold: first",
    "ever",
    "n",
    "cold legitimate issuances flagged",
    "uses",
    "all, 0.1 %: first",
    "ever",
    "legitimate issuances flagged",
    "uses",
)
"""Campaigns are those whose first mint carries a tell; of the cold, those whose first mint found the identity cold."""


def newborn(organisation: Organisation) -> Organisation:
    """The organisation with all its victims, and some others, heard of for the first time late."""
    dice = Dice(f"newborn/{organisation.style}/{organisation.seed}")
    minted: dict[str, list[float]] = defaultdict(list)
    attacked: dict[str, float] = {}
    for row in organisation.rows:
        who, event = row.label.principal, row.event
        if row.label.abuse:
            attacked.setdefault(who, event.time)
        elif isinstance(event, Issuance) and event.outcome == "granted":
            minted[who].append(event.time)
    births: dict[str, float] = {}
    for who, times in sorted(minted.items()):
        own = dice.fork(who)
        if who in attacked:
            before = [time for time in times if time < attacked[who]]
            known = 1 + own.below(COLD_EVENTS - 1)
            if len(before) > known:
                births[who] = before[-known]
        elif own.chance(BORN_LATE):
            births[who] = own.between(organisation.warm_until, organisation.rows[-1].event.time)
    return replace(organisation, rows=tuple(_since(organisation.rows, births)))


def _since(everything: Sequence[Labelled], births: dict[str, float]) -> Iterator[Labelled]:
    """The rows of those born, without uses of what was minted before their birth."""
    gone: set[str] = set()
    for row in everything:
        event, born = row.event, births.get(row.label.principal, -math.inf)
        if event.time < born:
            if isinstance(event, Issuance) and event.credential:
                gone.add(event.credential)
            continue
        if isinstance(event, Usage) and event.credential in gone:
            continue
        yield row


def row(name: str, every: Evaluation) -> list[str]:
    """A line of the table: of the cold at three thresholds, what it cost them, and of everybody."""
    told = [campaign for campaign in every.chosen() if campaign.cold]
    at, loose = every.threshold(0.001), at_ceiling(every)
    counts, total = every.stopped(at)
    return [
        name,
        *(share(sum(c.stopped(at)[moment] for c in told), len(told)) for moment in MOMENTS),
        *(share(sum(c.flagged()[moment] for c in told), len(told)) for moment in MOMENTS),
        *(share(sum(c.stopped(loose)[moment] for c in told), len(told)) for moment in MOMENTS),
        str(len(told)),
        *(bothered(every, kind, cold=True) for kind in ROW_KINDS),
        *(share(counts[moment], total) for moment in MOMENTS),
        *(bothered(every, kind, cold=False) for kind in ROW_KINDS),
    ]


def bothered(every: Evaluation, kind: str, *, cold: bool) -> str:
    """The share of legitimate rows that were not allowed: of the cold, or of all."""
    masks = [rows.labels.cold if cold else np.ones(len(rows.scores), dtype=np.bool_) for rows in every.honest[kind]]
    flagged = [rows.got("step_up", "deny") & mask for rows, mask in zip(every.honest[kind], masks, strict=True)]
    of = sum(int(mask.sum()) for mask in masks)
    return f"{100 * sum(int(found.sum()) for found in flagged) / max(of, 1):.3f} % of {of}"


def at_ceiling(every: Evaluation) -> float:
    """The threshold at which as many legitimate issuances of the cold alarm as may."""
    said = np.sort(np.concatenate([rows.scores[rows.labels.cold] for rows in every.honest["issuance"]]))[::-1]
    return float(said[int(CEILING * len(said))]) if len(said) else math.inf


def purity(organisation: Organisation) -> list[list[str]]:
    """How much groups tell of who requesters really are (adjusted mutual information), after the warm-up."""
    clock, policy, who = HandClock(), shipped_policy(), dict[str, list[str]]()
    engine = Engine(policy=policy, log=MemoryLog(keep=0), clock=clock)
    for row in organisation.rows:
        if row.event.time > organisation.warm_until:
            break
        clock.now = max(clock.now, row.event.time)
        engine.observe(row.event)
        if isinstance(row.event, Issuance):
            who.setdefault(engine.state.identities.fold(row.event.grant.requester), row.label.principal.split("/"))
    found = group_peers(list(engine.ways()))
    names = [name for name in found.moved if name in who]
    groups = {"names": [by_name(name) for name in names], "learnt": [found.moved[name].group for name in names]}
    true = {
        "application and environment": [f"{who[name][1]}/{who[name][2]}" for name in names],
        "role": [who[name][0] for name in names],
    }
    return [
        [f"{organisation.style}-{organisation.seed}", kind, str(len(set(said)))]
        + [f"{adjusted_mutual_info_score(truly, said):.2f}" for truly in true.values()]
        for kind, said in groups.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cold", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--split", choices=tuple(SPLITS), default="validation")
    pairs = SPLITS[parser.parse_args().split]
    lines = []
    for played in ("newborn", "as is"):
        for kind, grouper in (("names", None), ("learnt", group_peers)):
            every = Evaluation(kind)
            for organisation in organisations(pairs):
                lived = newborn(organisation) if played == "newborn" else organisation
                judged = rows((r.event for r in lived.rows), shipped_policy(), grouper)
                every.add(ground(lived), [Scored(r.id, r.kind, r.evidence, r.verdict) for r in judged])
            lines.append(row(f"{played}, {kind}", every))
    print(table(HEADER, lines), "\n")
    tables = [line for organisation in organisations(pairs) for line in purity(organisation)]
    print(table(("organisation", "groups by", "groups", "application and environment", "role"), tables))


if __name__ == "__main__":
    main()
