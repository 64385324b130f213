"""How shares combine: logistic regression around what was believed before, no weight negative.

The weights of a logistic regression on log-likelihood ratios say what part of
each is its own when facets repeat one another, and correct what was guessed of
abuse. Four weights a facet: for values shown before and for new ones, below and
beyond the knee. All of them are first believed alike, or as an earlier model has
them, and each is moved as far from that as training has shown: a facet that never
varied there stays with the others. One that would be negative is left out and the
rest fitted again, so that more surprise is never less evidence.

Wrong where the labelled organisations are unlike the one it is used in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from detector.evidence import KNEE, Curve, Weight

REGULARISATION: Final = 0.3
"""Inverse strength of the L2 penalty on what sets a weight apart from what was believed
before: shares are on one scale already, and across organisations 0.1 to 1 did equally well."""

ITERATIONS: Final = 3_000

COMMON: Final = 30.0
"""How freely the scale of what was believed before moves beside its parts: so much that it is not penalised."""

LEAST_SCALE: Final = 0.3
"""What an earlier model's evidence counts for at least, where labels say less or the contrary: half of what it is worth
as log odds in the simulated organisations. Beside nothing, the smallest accident of few labels would be everything."""

CAMPAIGN: Final = 3.0
"""What all rows of one campaign count for together, against 1 for an honest row: a thief who
uses what he stole a hundred times shows his ways once."""

MOST: Final = 2.0
"""No facet counts for much more than it says, however well that fitted."""


KNOTS: Final = (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Where the curve of the probability may bend (nats). Left out one by one, the validation organisations
liked it better than one straight line (Platt 1999), and as well as steps (isotonic regression)."""

BEYOND: Final = 12.0
"""A last knot, which only says how the line goes on."""

FREEDOM: Final = 100.0
"""Inverse strength of the penalty on the curve's slopes: only where all rows are abuse does it bear."""


def fit_weights(
    shares: NDArray[np.float64],
    novel: NDArray[np.bool_],
    abusive: NDArray[np.bool_],
    codes: Sequence[str],
    importance: NDArray[np.float64] | None = None,
    *,
    before: Sequence[Weight] | None = None,
    regularisation: float = REGULARISATION,
) -> dict[str, Weight]:
    """The weights for each code (rows × codes in `shares` and `novel`), 0 where a code only repeats others.

    `importance` of a row is 1 unless given: rows of one campaign are not as many
    campaigns. `before` are the weights believed before (parallel to `codes`), to
    which few rows leave them near, and on whose scale the new ones come; without
    them all are believed alike.
    """
    known, new = np.where(novel, 0.0, shares), np.where(novel, shares, 0.0)
    parts = np.hstack([np.minimum(known, KNEE), _beyond(known), np.minimum(new, KNEE), _beyond(new)])
    believed = np.ones(parts.shape[1]) if before is None else np.array(before).T.ravel()
    least = 0.0 if before is None else LEAST_SCALE
    found, scale = _fit(parts, abusive, importance, believed, regularisation=regularisation, least_scale=least)
    if before is not None:
        found = found / scale
    found = np.clip(found, 0.0, max(MOST, believed.max())).reshape(4, len(codes))
    return {code: Weight(*(round(float(w), 4) for w in found[:, index])) for index, code in enumerate(codes)}


def _beyond(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(shares - KNEE, 0.0)


def _fit(
    parts: NDArray[np.float64],
    abusive: NDArray[np.bool_],
    importance: NDArray[np.float64] | None,
    believed: NDArray[np.float64],
    *,
    regularisation: float,
    least_scale: float,
) -> tuple[NDArray[np.float64], float]:
    """A weight for each column, none of them negative, and how much what was believed counts in them."""
    # Most facets nearly always fit. Centred there, a facet that seldom varies is not mistaken for the intercept.
    parts = parts - np.median(parts, axis=0)
    varied = parts.std(axis=0) > 0.0
    kept = np.flatnonzero(varied)
    while True:
        columns = parts[:, kept]
        shared = (columns * believed[kept]).sum(axis=1)
        model = LogisticRegression(C=regularisation, max_iter=ITERATIONS)
        model.fit(np.hstack([columns, COMMON * shared[:, None]]), abusive, sample_weight=importance)
        *own, common = model.coef_[0]
        scale = max(float(COMMON * common), least_scale)
        weights = np.array(own) + scale * believed[kept]
        if (weights >= 0.0).all():
            break
        kept = kept[weights > 0.0]
    found = np.where(varied, 0.0, scale * believed)
    found[kept] = weights
    return found, scale


def fit_curve(evidence: NDArray[np.float64], abusive: NDArray[np.bool_]) -> Curve:
    """What a row's evidence is worth: log-likelihood ratios at `KNOTS`, straight between them, never falling.

    Both classes weigh the same together, so that the curve holds no base rate.
    A logistic regression on how far evidence reaches into each interval; one
    whose slope would be negative is levelled and the rest fitted again.
    """
    ends = (*KNOTS[1:], np.inf)
    reach = np.column_stack([np.clip(evidence, low, high) - low for low, high in zip(KNOTS, ends, strict=True)])
    kept = np.arange(len(KNOTS))
    while True:
        model = LogisticRegression(C=FREEDOM, max_iter=ITERATIONS, class_weight="balanced")
        model.fit(reach[:, kept], abusive)
        found = model.coef_[0]
        if (found >= 0.0).all():
            break
        kept = kept[found > 0.0]
    slopes = np.zeros(len(KNOTS))
    slopes[kept] = found
    knots = (*KNOTS, BEYOND)
    nats = float(model.intercept_[0]) + np.concatenate([[0.0], np.cumsum(slopes * np.diff(knots))])
    return tuple((at, round(float(worth), 4)) for at, worth in zip(knots, nats, strict=True))
