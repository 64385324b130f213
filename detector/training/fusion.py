"""How shares combine: logistic regression around one common weight, none of them negative.

The weights of a logistic regression on log-likelihood ratios say what part of
each is its own when facets repeat one another, and correct what was guessed of
abuse. Four weights a facet: for values shown before and for new ones, below and
beyond the knee. All of them are first believed alike, and each is moved as far
from what all share as training has shown: a facet that never varied there counts
as the others do. One that would be negative is left out and the rest fitted
again, so that more surprise is never less evidence.

Wrong where the labelled organisations are unlike the one it is used in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from detector.evidence import KNEE, Weight

REGULARISATION: Final = 0.3
"""Inverse strength of the L2 penalty on what sets a weight apart from the common
one: shares are on one scale already, and across organisations 0.1 to 1 did equally well."""

ITERATIONS: Final = 3_000

COMMON: Final = 30.0
"""How freely the common weight moves beside the others: so much that it is not penalised."""

MOST: Final = 2.0
"""No facet counts for much more than it says, however well that fitted."""


def fit_weights(
    shares: NDArray[np.float64],
    novel: NDArray[np.bool_],
    abusive: NDArray[np.bool_],
    codes: Sequence[str],
    importance: NDArray[np.float64] | None = None,
) -> dict[str, Weight]:
    """The weights for each code (rows × codes in `shares` and `novel`), 0 where a code only repeats others.

    `importance` of a row is 1 unless given: rows of one campaign are not as many campaigns.
    """
    known, new = np.where(novel, 0.0, shares), np.where(novel, shares, 0.0)
    parts = np.hstack([np.minimum(known, KNEE), _beyond(known), np.minimum(new, KNEE), _beyond(new)])
    found = _fit(parts, abusive, importance).reshape(4, len(codes))
    return {code: Weight(*(round(float(w), 4) for w in found[:, index])) for index, code in enumerate(codes)}


def _beyond(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(shares - KNEE, 0.0)


def _fit(
    parts: NDArray[np.float64], abusive: NDArray[np.bool_], importance: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """A weight for each column, none of them negative."""
    # Most facets nearly always fit. Centred there, a facet that seldom varies is not mistaken for the intercept.
    parts = parts - np.median(parts, axis=0)
    varied = parts.std(axis=0) > 0.0
    kept = np.flatnonzero(varied)
    while True:
        columns = parts[:, kept]
        model = LogisticRegression(C=REGULARISATION, max_iter=ITERATIONS)
        model.fit(np.hstack([columns, COMMON * columns.sum(axis=1, keepdims=True)]), abusive, sample_weight=importance)
        *own, shared = model.coef_[0]
        common = COMMON * shared
        weights = np.array(own) + common
        if (weights >= 0.0).all():
            break
        kept = kept[weights > 0.0]
    found = np.where(varied, 0.0, common)
    found[kept] = weights
    return np.clip(found, 0.0, MOST)


def fit_probability(evidence: NDArray[np.float64], abusive: NDArray[np.bool_]) -> tuple[float, float]:
    """The offset and scale (nats) that turn evidence into the probability of abuse (Platt 1999)."""
    model = LogisticRegression(C=1e6, max_iter=ITERATIONS).fit(evidence.reshape(-1, 1), abusive)
    slope = float(model.coef_[0][0])
    return round(-float(model.intercept_[0]) / slope, 4), round(1.0 / slope, 4)
