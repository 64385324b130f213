"""How shares combine: logistic regression with weights that are never negative.

The weights of a logistic regression on log-likelihood ratios say what part of
each is its own when facets repeat one another (a new network is a new site and a
new path). A facet whose weight would be negative is left out and the rest
fitted again, so that more surprise is never less evidence.

Wrong where the labelled organisations are unlike the one it is used in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

REGULARISATION: Final = 1.0
"""Inverse strength of the L2 penalty: ratios are on one scale already, and the
validation organisations liked weaker penalties only within noise."""

ITERATIONS: Final = 1_000


LEAST_SPREAD: Final = 0.02
"""Standard deviation (nats) below which a facet did not vary in training: what it is
worth cannot be known, and it gets `NEUTRAL`."""

NEUTRAL: Final = 0.5
"""The weight of a facet that training says nothing of: half its own word."""

MOST: Final = 1.5
"""No facet counts for much more than it says, however well that fitted."""


def fit_weights(shares: NDArray[np.float64], abusive: NDArray[np.bool_], codes: Sequence[str]) -> dict[str, float]:
    """A weight for each code (rows × codes in `shares`), 0 where the code only repeats others."""
    spread = shares.std(axis=0)
    # Most facets nearly always fit. Centred there, a facet that seldom varies is not mistaken for the intercept.
    shares = shares - np.median(shares, axis=0)
    found = {code: NEUTRAL if spread[index] < LEAST_SPREAD else 0.0 for index, code in enumerate(codes)}
    kept = [index for index in range(len(codes)) if spread[index] >= LEAST_SPREAD]
    while True:
        model = LogisticRegression(C=REGULARISATION, max_iter=ITERATIONS)
        model.fit(shares[:, kept], abusive)
        weights = model.coef_[0]
        if (weights >= 0.0).all():
            break
        kept = [index for index, weight in zip(kept, weights, strict=True) if weight > 0.0]
    fitted = zip(kept, weights, strict=True)
    return found | {codes[index]: round(min(float(weight), MOST), 4) for index, weight in fitted}


def fit_probability(evidence: NDArray[np.float64], abusive: NDArray[np.bool_]) -> tuple[float, float]:
    """The offset and scale (nats) that turn evidence into the probability of abuse (Platt 1999)."""
    model = LogisticRegression(C=1e6, max_iter=ITERATIONS).fit(evidence.reshape(-1, 1), abusive)
    slope = float(model.coef_[0][0])
    return round(-float(model.intercept_[0]) / slope, 4), round(1.0 / slope, 4)
