"""From scores and labels to shares: stopped when, at which alarm budget, at whose cost.

Words. A *row* is an issuance (granted or refused) or a usage; duplicates of a row count once. *Legitimate* rows
are those after the warm-up that no campaign caused, without the *collateral*: rows of the same requester within a
day after abuse of it. At a *budget* the threshold is the lowest at which alarms reach neither more than that share
of the legitimate issuance rows nor of the legitimate usage rows, pooled over all organisations. *Flagged* is what
the detector's own thresholds step up or deny.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection.ground import ROW_KINDS, Ground, Labels, Step, ground
from detector.simulator import Organisation

BUDGETS: Final = (0.01, 0.001, 0.0001)
NINE_MINUTES: Final = 540.0  # the quickest that exposed cloud keys were seen to be tried
MOMENTS: Final = ("first", "third", "nine", "ever")
VERDICTS: Final = ("", "allow", "step_up", "deny")  # the first where a detector gives none
FLAGGED: Final = ("step_up", "deny")


class Scored(NamedTuple):
    """A detector's opinion of one row; higher `evidence` is more abusive, `None` is none at all."""

    id: str
    kind: str
    evidence: float | None
    verdict: str = ""


Detector = Callable[[Organisation], Iterable[Scored]]


class Seen(NamedTuple):
    """One row of a campaign with what a detector said of it."""

    score: float
    kind: str
    step: int
    time: float
    verdict: str


@dataclass(slots=True)
class Campaign:
    """One campaign's rows as a detector saw them; `cold` says that hardly anything of its victim was learnt by then."""

    name: str
    organisation: str
    kind: str
    variant: str
    tell: str
    steps: list[Seen] = field(default_factory=list)
    cold: bool = False

    def by_moment(self) -> dict[str, list[Seen]]:
        """The rows that count towards each of `MOMENTS`.

        The first mint is judged by its issuance row alone. Where the tell is in
        the use, or nothing was minted, the first credential's use counts too.
        """
        begin = min(s.time for s in self.steps)
        return {
            "first": [s for s in self.steps if s.step == 1 and (s.kind == "issuance" or self.tell == "use")],
            "third": [s for s in self.steps if s.step <= 3],
            "nine": [s for s in self.steps if s.time <= begin + NINE_MINUTES],
            "ever": self.steps,
        }

    def peaks(self) -> dict[str, float]:
        """The highest score up to each moment: what a threshold has to be under to stop the campaign by then."""
        return {moment: max((s.score for s in rows), default=-math.inf) for moment, rows in self.by_moment().items()}

    def stopped(self, threshold: float) -> dict[str, bool]:
        """By which moments some row had passed the threshold."""
        return {moment: peak > threshold for moment, peak in self.peaks().items()}

    def flagged(self) -> dict[str, bool]:
        """By which moments the detector itself had stepped up or denied some row."""
        return {moment: any(s.verdict in FLAGGED for s in rows) for moment, rows in self.by_moment().items()}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind and organisation that no campaign caused: their labels, and what a detector said, in columns."""

    organisation: str
    labels: Labels
    scores: NDArray[np.float64]
    verdicts: NDArray[np.uint8]

    def got(self, *verdicts: str) -> NDArray[np.bool_]:
        """Which rows got one of these verdicts."""
        return np.isin(self.verdicts, [VERDICTS.index(verdict) for verdict in verdicts])


@dataclass(slots=True)
class Evaluation:
    """Everything that one detector said, ready to be cut at any threshold.

    `honest` and `collateral` hold one `Rows` an organisation, by row kind.
    """

    name: str
    campaigns: list[Campaign] = field(default_factory=list)
    honest: dict[str, list[Rows]] = field(default_factory=lambda: {kind: [] for kind in ROW_KINDS})
    collateral: dict[str, list[Rows]] = field(default_factory=lambda: {kind: [] for kind in ROW_KINDS})
    healthy: list[tuple[str, str, float]] = field(default_factory=list)
    """Requesters whom no campaign touched: organisation, name, years watched after the warm-up."""
    unscored: int = 0

    def add(self, true: Ground, opinions: Iterable[Scored]) -> None:
        """File each row of an organisation where it counts, with what a detector said of it."""
        said = {(opinion.kind, opinion.id): opinion for opinion in opinions}
        for cast in true.campaigns:
            steps = [self._seen(step, said.get((step.kind, step.id))) for step in cast.steps]
            about = (cast.name, true.organisation, cast.kind, cast.variant, cast.tell)
            self.campaigns.append(Campaign(*about, steps, cast.cold))
        for place, filed in (("honest", self.honest), ("collateral", self.collateral)):
            for kind in ROW_KINDS:
                filed[kind].append(self._rows(true, place, kind, said))
        self.healthy.extend((true.organisation, name, years) for name, years in true.healthy.items())
        self.unscored += sum((kind, row) not in said for kind, row in true.every)

    def _rows(self, true: Ground, place: str, kind: str, said: dict[tuple[str, str], Scored]) -> Rows:
        labels = true.rows[place, kind]
        opinions = [said.get((kind, row)) for row in labels.ids]
        return Rows(
            true.organisation,
            labels,
            np.array([_score(opinion) for opinion in opinions], dtype=np.float64),
            np.array([VERDICTS.index(o.verdict) if o else 0 for o in opinions], dtype=np.uint8),
        )

    @staticmethod
    def _seen(step: Step, opinion: Scored | None) -> Seen:
        return Seen(_score(opinion), step.kind, step.step, step.time, opinion.verdict if opinion else "")

    def join(self, other: Evaluation) -> None:
        """Add what the same detector said of further organisations."""
        self.campaigns.extend(other.campaigns)
        for mine, theirs in ((self.honest, other.honest), (self.collateral, other.collateral)):
            for kind in ROW_KINDS:
                mine[kind].extend(theirs[kind])
        self.healthy.extend(other.healthy)
        self.unscored += other.unscored

    def part(self, wanted: Callable[[str], bool]) -> Evaluation:
        """The same of those organisations alone whose name is wanted; rows without a score are not told apart."""
        return Evaluation(
            self.name,
            [c for c in self.campaigns if wanted(c.organisation)],
            {kind: [r for r in rows if wanted(r.organisation)] for kind, rows in self.honest.items()},
            {kind: [r for r in rows if wanted(r.organisation)] for kind, rows in self.collateral.items()},
            [h for h in self.healthy if wanted(h[0])],
        )

    @property
    def organisations(self) -> list[str]:
        """The names of the organisations, in the order they were added."""
        return list(dict.fromkeys(rows.organisation for kind in ROW_KINDS for rows in self.honest[kind]))

    def scores(self, kind: str) -> NDArray[np.float64]:
        """The scores of all legitimate rows of one kind."""
        return np.concatenate([rows.scores for rows in self.honest[kind]] or [np.empty(0)])

    def threshold(self, budget: float) -> float:
        """The lowest score above which neither kind of legitimate row exceeds the budget."""
        floor = -math.inf
        for kind in ROW_KINDS:
            scores = -self.scores(kind)
            if scores.size:
                place = min(int(budget * scores.size), scores.size - 1)
                floor = max(floor, -float(np.partition(scores, place)[place]))
        return floor

    def chosen(
        self, *, tells: Sequence[str] = ("mint",), kind: str | None = None, organisation: str | None = None
    ) -> list[Campaign]:
        """The campaigns with such a tell, of one kind or organisation where it is named."""
        return [
            c
            for c in self.campaigns
            if c.tell in tells and kind in (None, c.kind) and organisation in (None, c.organisation)
        ]

    def stopped(
        self,
        threshold: float,
        *,
        tells: Sequence[str] = ("mint",),
        kind: str | None = None,
        organisation: str | None = None,
    ) -> tuple[dict[str, int], int]:
        """How many campaigns were stopped by each moment, and of how many."""
        chosen = self.chosen(tells=tells, kind=kind, organisation=organisation)
        return moments(c.stopped(threshold) for c in chosen), len(chosen)

    def alarms(self, threshold: float, kind: str = "issuance") -> Counter[str]:
        """Legitimate rows above the threshold, by the upheaval behind them (`everyday` where none)."""
        found: Counter[str] = Counter()
        for rows in self.honest[kind]:
            found.update(rows.labels.because[n] for n in np.flatnonzero(rows.scores > threshold))
        return found


def moments(hits: Iterable[dict[str, bool]]) -> dict[str, int]:
    """How many campaigns were stopped by each moment."""
    counts = dict.fromkeys(MOMENTS, 0)
    for hit in hits:
        for moment, stopped in hit.items():
            counts[moment] += stopped
    return counts


def evaluate(name: str, streams: Iterable[Organisation], detector: Detector) -> Evaluation:
    """Score every organisation and file each row where it counts."""
    evaluation = Evaluation(name)
    for organisation in streams:
        evaluation.add(ground(organisation), detector(organisation))
    return evaluation


def _score(opinion: Scored | None) -> float:
    return -math.inf if opinion is None or opinion.evidence is None else opinion.evidence
