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
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sklearn.metrics import adjusted_mutual_info_score

from bench.detection.cache import organisations
from bench.detection.measure import Campaign, Evaluation, Scored, Step, truth
from bench.detection.ours import HandClock, rows, shipped_policy
from bench.detection.splits import QUICK, TEST, TRAIN, VALIDATION
from bench.detection.tables import share, table
from detector.baselines.habits import COLD_EVENTS
from detector.engine import Engine, Row
from detector.events import Issuance, Usage
from detector.features.names import peers as by_name
from detector.simulator import KINDS, Labelled, Organisation
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


@dataclass(slots=True)
class Cold:
    """What was said of everybody's rows, and of those of cold identities apart."""

    name: str
    every: Evaluation = field(default_factory=lambda: Evaluation("assayer"))
    campaigns: list[Campaign] = field(default_factory=list)
    honest: dict[str, list[tuple[float, str]]] = field(default_factory=lambda: {"issuance": [], "usage": []})

    def add(self, organisation: Organisation, judged: Sequence[Row]) -> None:
        """File an organisation's rows."""
        self.every.add(organisation, [Scored(row.id, row.kind, row.evidence, row.verdict) for row in judged])
        said, young = {(row.kind, row.id): row for row in judged}, cold_rows(organisation, judged)
        campaigns: dict[str, Campaign] = {}
        for event, label, where in truth(organisation):
            kind = "issuance" if isinstance(event, Issuance) else "usage"
            row = said.get((kind, event.id))
            if row is None:
                continue
            if where == "honest" and (kind, event.id) in young:
                self.honest[kind].append((row.evidence, row.verdict))
            if where != "abuse" or label.campaign is None or label.kind is None:
                continue
            if label.campaign not in campaigns:
                if not label.first_mint or (kind, event.id) not in young:
                    continue
                campaigns[label.campaign] = Campaign(
                    label.campaign, organisation.style, label.kind, label.variant or "", KINDS[label.kind].tell
                )
            campaigns[label.campaign].steps.append(
                Step(row.evidence, kind, label.step, event.time, row.verdict),
            )
        self.campaigns += campaigns.values()

    def row(self) -> list[str]:
        """A line of the table."""
        told = [campaign for campaign in self.campaigns if campaign.tell == "mint"]
        at, loose = self.every.threshold(0.001), self.at_ceiling()
        return [
            self.name,
            *(share(sum(c.stopped(at)[moment] for c in told), len(told)) for moment in MOMENTS),
            *(share(sum(_flagged(c, moment) for c in told), len(told)) for moment in MOMENTS),
            *(share(sum(c.stopped(loose)[moment] for c in told), len(told)) for moment in MOMENTS),
            str(len(told)),
            *(self.bothered(kind) for kind in ("issuance", "usage")),
            *(share(*_all(self.every, at, moment)) for moment in MOMENTS),
            *(_refused(self.every.verdicts[kind]) for kind in ("issuance", "usage")),
        ]

    def bothered(self, kind: str) -> str:
        """The share of legitimate rows of the cold that were not allowed."""
        said = self.honest[kind]
        return f"{100 * sum(verdict != 'allow' for _, verdict in said) / max(len(said), 1):.2f} % of {len(said)}"

    def at_ceiling(self) -> float:
        """The threshold at which as many legitimate issuances of the cold alarm as may."""
        said = sorted((evidence for evidence, _ in self.honest["issuance"]), reverse=True)
        return said[int(CEILING * len(said))] if said else math.inf


def _flagged(campaign: Campaign, moment: str) -> bool:
    """Whether it was stepped up or denied by then, at the default thresholds."""
    steps = campaign.steps if moment == "ever" else [s for s in campaign.steps if s.step == 1 and s.kind == "issuance"]
    return any(step.verdict != "allow" for step in steps)


def _all(every: Evaluation, threshold: float, moment: str) -> tuple[int, int]:
    counts, total = every.stopped(threshold)
    return counts[moment], total


def _refused(verdicts: Counter[str]) -> str:
    return f"{100 * (1 - verdicts['allow'] / max(verdicts.total(), 1)):.3f} %"


def cold_rows(organisation: Organisation, judged: Sequence[Row]) -> set[tuple[str, str]]:
    """The rows before which their requester had fewer than `COLD_EVENTS` issuances, by kind and id."""
    issuances = [row.event for row in organisation.rows if isinstance(row.event, Issuance)]
    granted = {issuance.id for issuance in issuances if issuance.outcome == "granted"}
    counts: Counter[str] = Counter()
    found = set()
    for row in judged:
        if counts[row.requester] < COLD_EVENTS:
            found.add((row.kind, row.id))
        if row.kind == "issuance" and row.id in granted:
            counts[row.requester] += 1
    return found


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
            cold = Cold(f"{played}, {kind}")
            for organisation in organisations(pairs):
                lived = newborn(organisation) if played == "newborn" else organisation
                cold.add(lived, rows((row.event for row in lived.rows), shipped_policy(), grouper))
            lines.append(cold.row())
    print(table(HEADER, lines), "\n")
    tables = [line for organisation in organisations(pairs) for line in purity(organisation)]
    print(table(("organisation", "groups by", "groups", "application and environment", "role"), tables))


if __name__ == "__main__":
    main()
