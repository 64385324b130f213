"""How shares combine: logistic regression with weights that are never negative.

The weights of a logistic regression on log-likelihood ratios say what part of
each is its own when facets repeat one another, and correct what was guessed of
abuse. Four weights a facet: for values shown before and for new ones, below and
beyond the knee. One that would be negative is left out and the rest fitted again,
so that more surprise is never less evidence.

Wrong where the labelled organisations are unlike the one it is used in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from detector.evidence import KNEE, Weight

REGULARISATION: Final = 0.5
"""Inverse strength of the L2 penalty: shares are on one scale already, and across
organisations 0.1 to 1 did equally well."""

ITERATIONS: Final = 1_000


LEAST_SPREAD: Final = 0.02
"""Standard deviation (nats) below which a facet did not vary in training: what it is
worth cannot be known, and it gets `NEUTRAL`."""

NEUTRAL: Final = 0.5
"""The weight of a facet that training says nothing of: half its own word."""

LEAST_NEWS: Final = 0.2
"""News is never without a word, even where training found it redundant: an
organisation that always names its tasks shows more by leaving one out than ours
did, and on held-out organisations this costs nothing."""

MOST: Final = 1.5
"""No facet counts for much more than it says, however well that fitted."""


def fit_weights(
    shares: NDArray[np.float64], novel: NDArray[np.bool_], abusive: NDArray[np.bool_], codes: Sequence[str]
) -> dict[str, Weight]:
    """The weights for each code (rows × codes in `shares` and `novel`), 0 where a code only repeats others."""
    known, new = np.where(novel, 0.0, shares), np.where(novel, shares, 0.0)
    parts = np.hstack([np.minimum(known, KNEE), _beyond(known), np.minimum(new, KNEE), _beyond(new)])
    found = _fit(parts, abusive).reshape(4, len(codes))
    found[2:] = np.maximum(found[2:], LEAST_NEWS)
    silent = shares.std(axis=0) < LEAST_SPREAD
    return {
        code: Weight.even(NEUTRAL) if silent[index] else Weight(*(round(float(w), 4) for w in found[:, index]))
        for index, code in enumerate(codes)
    }


def _beyond(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(shares - KNEE, 0.0)


def _fit(parts: NDArray[np.float64], abusive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A weight for each column, none of them negative."""
    # Most facets nearly always fit. Centred there, a facet that seldom varies is not mistaken for the intercept.
    parts = parts - np.median(parts, axis=0)
    kept = np.flatnonzero(parts.std(axis=0))
    while True:
        model = LogisticRegression(C=REGULARISATION, max_iter=ITERATIONS)
        model.fit(parts[:, kept], abusive)
        weights = model.coef_[0]
        if (weights >= 0.0).all():
            break
        kept = kept[weights > 0.0]
    found = np.zeros(parts.shape[1])
    found[kept] = np.minimum(weights, MOST)
    return found


def fit_probability(evidence: NDArray[np.float64], abusive: NDArray[np.bool_]) -> tuple[float, float]:
    """The offset and scale (nats) that turn evidence into the probability of abuse (Platt 1999)."""
    model = LogisticRegression(C=1e6, max_iter=ITERATIONS).fit(evidence.reshape(-1, 1), abusive)
    slope = float(model.coef_[0][0])
    return round(-float(model.intercept_[0]) / slope, 4), round(1.0 / slope, 4)
