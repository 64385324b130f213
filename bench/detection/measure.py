"""From scores and labels to shares: stopped when, at which alarm budget, at whose cost.

Words. A *row* is an issuance (granted or refused) or a usage; duplicates of a row count once. *Legitimate* rows
are those after the warm-up that no campaign caused, without the *collateral*: rows of the same requester within a
day after abuse of it. At a *budget* the threshold is the lowest at which alarms reach neither more than that share
of the legitimate issuance rows nor of the legitimate usage rows, pooled over all organisations.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from detector.events import Issuance, Usage
from detector.simulator import KINDS, Label, Organisation

BUDGETS: Final = (0.01, 0.001, 0.0001)
NINE_MINUTES: Final = 540.0  # the quickest that exposed cloud keys were seen to be tried
DAY: Final = 86_400.0
MOMENTS: Final = ("first", "third", "nine", "ever")


class Scored(NamedTuple):
    """A detector's opinion of one row; higher `evidence` is more abusive, `None` is none at all."""

    id: str
    kind: str
    evidence: float | None
    verdict: str = ""


Detector = Callable[[Organisation], Iterable[Scored]]


class Step(NamedTuple):
    """One row of a campaign with its score."""

    score: float
    kind: str
    step: int
    time: float
    verdict: str


@dataclass(slots=True)
class Campaign:
    """One campaign's rows as a detector saw them."""

    name: str
    organisation: str
    kind: str
    variant: str
    tell: str
    steps: list[Step] = field(default_factory=list)

    def stopped(self, threshold: float) -> dict[str, bool]:
        """At which of `MOMENTS` some row had passed the threshold.

        The first mint is judged by its issuance row alone. Where the tell is in
        the use, or nothing was minted, the first credential's use counts too.
        """
        alarms = [s for s in self.steps if s.score > threshold]
        begin = min(s.time for s in self.steps)
        early = [s for s in alarms if s.step == 1 and (s.kind == "issuance" or self.tell == "use")]
        return {
            "first": bool(early),
            "third": any(s.step <= 3 for s in alarms),
            "nine": any(s.time <= begin + NINE_MINUTES for s in alarms),
            "ever": bool(alarms),
        }


@dataclass(slots=True)
class Evaluation:
    """Everything that was scored, ready to be cut at any threshold.

    `honest` holds (score, upheaval, organisation, role) of legitimate rows by
    row kind; `verdicts` counts legitimate issuance verdicts at the detector's own thresholds.
    """

    name: str
    campaigns: list[Campaign] = field(default_factory=list)
    honest: dict[str, list[tuple[float, str, str, str]]] = field(default_factory=lambda: {"issuance": [], "usage": []})
    collateral: dict[str, list[float]] = field(default_factory=lambda: {"issuance": [], "usage": []})
    verdicts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unscored: int = 0

    def add(self, organisation: Organisation, opinions: Iterable[Scored]) -> None:
        """File each row of an organisation where it counts, with what a detector said of it."""
        scores = {(said.kind, said.id): said for said in opinions}
        owner = f"{organisation.style}-{organisation.seed}"
        campaigns: dict[str, Campaign] = {}
        for event, label, where in truth(organisation):
            kind = "issuance" if isinstance(event, Issuance) else "usage"
            said = scores.get((kind, event.id))
            self.unscored += said is None
            score = -math.inf if said is None or said.evidence is None else said.evidence
            verdict = said.verdict if said else ""
            if where == "abuse" and label.campaign and label.kind:
                campaign = campaigns.setdefault(
                    label.campaign,
                    Campaign(label.campaign, owner, label.kind, label.variant or "", KINDS[label.kind].tell),
                )
                campaign.steps.append(Step(score, kind, label.step, event.time, verdict))
            elif where == "collateral":
                self.collateral[kind].append(score)
            elif where == "honest":
                role = label.principal.split("/", 1)[0]
                self.honest[kind].append((score, label.upheaval or "everyday", owner, role))
                self.verdicts[kind][verdict] += 1
        self.campaigns.extend(campaigns.values())

    def threshold(self, budget: float) -> float:
        """The lowest score above which neither kind of legitimate row exceeds the budget."""
        floor = -math.inf
        for rows in self.honest.values():
            scores = sorted((row[0] for row in rows), reverse=True)
            if scores:
                floor = max(floor, scores[min(int(budget * len(scores)), len(scores) - 1)])
        return floor

    def stopped(
        self,
        threshold: float,
        *,
        tells: tuple[str, ...] = ("mint",),
        kind: str | None = None,
        organisation: str | None = None,
    ) -> tuple[dict[str, int], int]:
        """How many campaigns were stopped by each moment, and of how many."""
        chosen = [
            c
            for c in self.campaigns
            if c.tell in tells and kind in (None, c.kind) and organisation in (None, c.organisation)
        ]
        counts = dict.fromkeys(MOMENTS, 0)
        for campaign in chosen:
            for moment, hit in campaign.stopped(threshold).items():
                counts[moment] += hit
        return counts, len(chosen)

    def alarms(self, threshold: float, kind: str = "issuance") -> Counter[str]:
        """Legitimate rows above the threshold, by the upheaval behind them (`everyday` where none)."""
        return Counter(why for score, why, _, _ in self.honest[kind] if score > threshold)


def evaluate(name: str, streams: Iterable[Organisation], detector: Detector) -> Evaluation:
    """Score every organisation and file each row where it counts."""
    evaluation = Evaluation(name)
    for organisation in streams:
        evaluation.add(organisation, detector(organisation))
    return evaluation


def truth(organisation: Organisation) -> Iterable[tuple[Issuance | Usage, Label, str]]:
    """Every issuance and usage once, with its label and where it counts.

    That is one of `abuse`, `honest`, `collateral` and `warm-up`.
    """
    tainted: dict[str, list[float]] = defaultdict(list)
    for row in organisation.rows:
        if row.label.abuse:
            tainted[row.label.principal].append(row.event.time)
    seen: set[tuple[str, str]] = set()
    for row in organisation.rows:
        event, label = row.event, row.label
        if not isinstance(event, Issuance | Usage) or (type(event).__name__, event.id) in seen:
            continue
        seen.add((type(event).__name__, event.id))
        if label.abuse:
            where = "abuse"
        elif event.time < organisation.warm_until:
            where = "warm-up"
        elif any(t <= event.time <= t + DAY for t in tainted.get(label.principal, ())):
            where = "collateral"
        else:
            where = "honest"
        yield event, label, where
