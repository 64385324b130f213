"""Intervals by drawing whole organisations again: the campaigns of one are alike, and so are its false alarms.

Every resample draws as many organisations (style × seed) as there were, with replacement, and finds its thresholds
anew from the legitimate rows it drew, so that an interval holds the uncertainty of the threshold too.
When it is wrong: it knows no organisation that was not played; with few of them, as in the quick run, it is too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.detection.ground import ROW_KINDS
from bench.detection.measure import BUDGETS, Campaign, Evaluation

RESAMPLES: Final = 1000
SEED: Final = 20_260_302
LEVEL: Final = 0.95
_AT_ONCE: Final = 50  # resamples held in memory together: some ten megabytes of running sums

Draws: TypeAlias = NDArray[np.float64]
"""One value a resample; not a number where it drew nothing of what is counted."""
Interval: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Resamples:
    """An evaluation's organisations, drawn again and again: how often each is in which draw."""

    evaluation: Evaluation
    count: int = RESAMPLES
    seed: int = SEED

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: n for n, name in enumerate(self.evaluation.organisations)}

    @cached_property
    def weights(self) -> NDArray[np.int64]:
        """One row a resample, one column an organisation."""
        many = len(self._place)
        return np.random.default_rng(self.seed).multinomial(many, [1.0 / many] * many, size=self.count)

    @cached_property
    def thresholds(self) -> dict[float, Draws]:
        """For each budget, the threshold in each resample."""
        found = {budget: np.full(self.count, -np.inf) for budget in BUDGETS}
        for kind in ROW_KINDS:
            honest = self.evaluation.honest[kind]
            scores = self.evaluation.scores(kind)
            places = [self._place[rows.organisation] for rows in honest]
            owners = np.repeat(places, [rows.scores.size for rows in honest])
            if scores.size:
                for budget, floor in _ranked(scores, owners, self.weights).items():
                    found[budget] = np.maximum(found[budget], floor)
        return found

    def stopped(self, campaigns: Sequence[Campaign], moment: str, thresholds: NDArray[np.float64] | float) -> Draws:
        """The share of campaigns stopped by a moment: at each resample's threshold, or at one that stays."""
        peaks = np.array([c.peaks()[moment] for c in campaigns])
        hits = peaks[:, None] > np.broadcast_to(thresholds, self.count)
        weights = self.weights[:, [self._place[c.organisation] for c in campaigns]].T
        return _shares((weights * hits).sum(axis=0), weights.sum(axis=0))

    def share(self, counted: Iterable[tuple[str, int, int]]) -> Draws:
        """A share whose hits and total are counted by organisation, and hang on no threshold of a resample's."""
        table = np.zeros((len(self._place), 2))
        for organisation, hits, total in counted:
            table[self._place[organisation]] += hits, total
        return _shares(*(self.weights @ table).T)


def middle(draws: Draws) -> Interval:
    """The middle of what was drawn, those resamples left out that drew nothing of what is counted."""
    drawn = draws[~np.isnan(draws)]
    if not drawn.size:
        return (math.nan, math.nan)
    low, high = np.quantile(drawn, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)


def _ranked(
    scores: NDArray[np.float64], owners: NDArray[np.int64], weights: NDArray[np.int64]
) -> dict[float, NDArray[np.float64]]:
    """For each budget and row of weights, the highest score that is passed by no more than that share of the rows.

    Only the top of all scores is looked at: four times what the largest budget lets through, and more where a
    resample left out the organisations whose scores stand there.
    """
    order = np.argsort(-scores, kind="stable")
    scores, owners = scores[order], owners[order]
    totals = weights @ np.bincount(owners, minlength=weights.shape[1])
    allowed = {budget: (budget * totals).astype(np.int64) for budget in BUDGETS}
    found = {budget: np.full(len(weights), -np.inf) for budget in BUDGETS}
    for first in range(0, len(weights), _AT_ONCE):
        chunk = slice(first, first + _AT_ONCE)
        tail = int(4.0 * max(BUDGETS) * scores.size) + 1
        while True:
            passed = np.cumsum(weights[chunk, owners[:tail]], axis=1)
            if tail >= scores.size or (passed[:, -1] > allowed[max(BUDGETS)][chunk]).all():
                break
            tail *= 2
        for budget in BUDGETS:
            places = (passed <= allowed[budget][chunk, None]).sum(axis=1)
            found[budget][chunk] = scores[np.minimum(places, scores.size - 1)]
    return found


def _shares(hits: NDArray[np.float64], totals: NDArray[np.float64]) -> Draws:
    return np.divide(hits, totals, out=np.full(len(totals), np.nan), where=totals > 0)
