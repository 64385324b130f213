"""Two models on the same labelled rows, at equal false alarms: whether the second is better, or nobody can tell.

Rows of one requester are alike, so a theft counts once however many rows it has, and intervals come of a bootstrap over
requesters, drawn alike for both models.

Wrong where one thief holds many identities: he is then counted as many thefts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detector.evidence import EvidenceModel

BUDGETS: Final = (0.1, 0.01, 0.001, 0.0001)
"""Shares of legitimate rows that may alarm. The first is for few labels only: nobody lives with so many."""

ALARMS: Final = 3
"""Legitimate rows that must be allowed to alarm at a budget: a threshold that hangs on one row is an accident."""

LEAST_LEGITIMATE: Final = round(ALARMS / max(BUDGETS))
"""Legitimate rows below which not even the widest budget can be carried."""

LEAST_THEFTS: Final = 6
"""Requesters with malicious rows, to fit on and to judge on. Of five, all may speak for the same model by chance once
in sixteen times; of six, once in thirty-two, which is under one in twenty."""

DRAWS: Final = 1_000
SEED: Final = 20
SIDES: Final = (0.025, 0.975)

Opinion: TypeAlias = Literal["better", "no better", "cannot be told"]


class Held(NamedTuple):
    """Labelled rows: whether malicious, whose (any integers), whether uses, and what each of two models says (nats)."""

    malicious: NDArray[np.bool_]
    owners: NDArray[np.int64]
    uses: NDArray[np.bool_]
    evidence: tuple[NDArray[np.float64], NDArray[np.float64]]


class Measure(NamedTuple):
    """One figure of both models, and the 95 % interval of the second's less the first's."""

    name: str
    first: float
    second: float
    low: float
    high: float


class Comparison(NamedTuple):
    """All figures, and what they come to in a word and a sentence."""

    measures: Sequence[Measure]
    opinion: Opinion
    because: str


def compare(held: Held, models: tuple[EvidenceModel, EvidenceModel]) -> Comparison:
    """Whether the second model finds more, on average of the budgets that so many legitimate rows can carry."""
    short = lacking(held.malicious, held.owners)
    if short:
        return Comparison((), "cannot be told", f"to judge on, {short}")
    legitimate = int((~held.malicious).sum())
    budgets = [budget for budget in BUDGETS if budget * legitimate >= ALARMS]
    budgets = budgets[1:] or budgets
    weight = _weights(held.malicious, held.owners)
    base_rate = float(weight[held.malicious].sum() / weight.sum())
    sides = [_Side(held, at, replace(model, base_rate=base_rate), budgets) for at, model in enumerate(models)]
    first, second = (side.measured(weight) for side in sides)
    moved = _redrawn(held, weight, sides)
    low, high = np.quantile(moved, SIDES, axis=0)
    found = [f"found at {100 * budget:g} % false alarms" for budget in budgets]
    names = [*found, "found, on average of these", "area under the ROC", "Brier score"]
    measures = [Measure(name, *map(float, row)) for name, *row in zip(names, first, second, low, high, strict=True)]
    decisive = measures[len(budgets)]
    if len(budgets) == 1:
        measures.remove(decisive)
    said = f"at equal false alarms it finds {decisive.second:.0%} of what was malicious, the one in use"
    change = f"{100 * decisive.low:+.0f} to {100 * decisive.high:+.0f} points"
    return Comparison(
        measures,
        "better" if decisive.low > 0.0 else "no better",
        f"{said} {decisive.first:.0%} (a change of {change}, 95 %)",
    )


def lacking(malicious: NDArray[np.bool_], owners: NDArray[np.int64]) -> str:
    """What of labels there is too little, in words; empty where there is enough."""
    thefts, legitimate = len(np.unique(owners[malicious])), int((~malicious).sum())
    if thefts < LEAST_THEFTS:
        return f"{thefts} requesters have malicious events, and it takes {LEAST_THEFTS}"
    if legitimate < LEAST_LEGITIMATE:
        return f"{legitimate} events are legitimate, and it takes {LEAST_LEGITIMATE}"
    return ""


def _weights(malicious: NDArray[np.bool_], owners: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 for a legitimate row; the malicious rows of a requester are 1 together."""
    _, place = np.unique(owners, return_inverse=True)
    rows = np.bincount(place[malicious], minlength=int(place.max()) + 1)
    return np.where(malicious, 1.0 / np.maximum(rows[place], 1), 1.0)


def _redrawn(held: Held, weight: NDArray[np.float64], sides: Sequence[_Side]) -> NDArray[np.float64]:
    """How far apart the two are, draw by draw."""
    owners, place = np.unique(held.owners, return_inverse=True)
    generator = np.random.default_rng(SEED)
    moved = []
    for _ in range(DRAWS):
        times = generator.multinomial(len(owners), np.full(len(owners), 1.0 / len(owners)))[place] * weight
        if times[held.malicious].any() and times[~held.malicious].any():
            first, second = (side.measured(times) for side in sides)
            moved.append(second - first)
    return np.array(moved)


class _Side:
    """One model's scores, sorted once, so that a draw is a few sums."""

    def __init__(self, held: Held, at: int, model: EvidenceModel, budgets: Sequence[float]) -> None:
        values, self._place = np.unique(held.evidence[at], return_inverse=True)
        self._many, self._malicious, self._budgets = len(values), held.malicious, budgets
        said = zip(held.evidence[at], held.uses, strict=True)
        risk = np.array([model.probability(float(nats), use=bool(use)) for nats, use in said])
        self._misses = (risk - held.malicious) ** 2

    def measured(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Found at each budget, area, Brier score, with the rows weighted so."""
        bad = np.bincount(self._place, weight * self._malicious, self._many)
        good = np.bincount(self._place, weight * ~self._malicious, self._many)
        below, most, all_bad = np.cumsum(good), good.sum(), bad.sum()
        found = bad.sum() - np.cumsum(bad)
        recalls = [found[np.argmax(most - below <= budget * most + 1e-9)] / all_bad for budget in self._budgets]
        area = float(bad @ (below - good / 2.0)) / (most * all_bad)
        return np.array([*recalls, np.mean(recalls), area, float(weight @ self._misses) / weight.sum()])
