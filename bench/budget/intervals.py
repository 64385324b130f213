"""Intervals of shares: exact where trials are independent, and wider where those of one organisation are not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import betaincinv  # scikit-learn brings scipy

TAIL: Final = 0.025  # on either side: 95 %
_RESAMPLES: Final = 2000


class Interval(NamedTuple):
    """A share with its bounds."""

    share: float
    low: float
    high: float


def exact(hits: float, total: float) -> Interval:
    """Clopper and Pearson's interval: never narrower than promised, whatever the share.

    Wrong where trials hang together, as requesters of one organisation do.
    """
    if not total:
        return Interval(math.nan, 0.0, 1.0)
    low = float(betaincinv(hits, total - hits + 1.0, TAIL)) if hits else 0.0
    high = float(betaincinv(hits + 1.0, total - hits, 1.0 - TAIL)) if hits < total else 1.0
    return Interval(hits / total, low, high)


def clustered(hits: Sequence[float], totals: Sequence[float]) -> Interval:
    """The exact interval at the size that clusters leave (Korn and Graubard 1998).

    The design effect, by which hits and trials are divided, is the variance
    between clusters by what independence would give, and never less than one.
    Without a hit there is nothing to tell it from: then this is the exact one.
    """
    found, total, clusters = sum(hits), sum(totals), len(totals)
    if clusters < 2 or not 0.0 < found < total:
        return exact(found, total)
    share = found / total
    spread = sum((h - share * n) ** 2 for h, n in zip(hits, totals, strict=True)) * clusters / (clusters - 1)
    effect = max(1.0, spread / (total * share * (1.0 - share)))
    return exact(found / effect, total / effect)


def resampled(hits: Sequence[int], totals: Sequence[int], *, seed: int = 1) -> Interval:
    """The pooled share, and between which bounds it lies when whole organisations are drawn again.

    Too narrow for few organisations. One alone says nothing of others; where
    none has a hit there is nothing to draw, and this is the exact interval.
    """
    found, tried = np.asarray(hits, float), np.asarray(totals, float)
    if not found.sum():
        return exact(0, sum(totals))
    if len(tried) < 2:
        return Interval(float(found.sum() / tried.sum()), 0.0, 1.0)
    drawn = np.random.default_rng(seed).integers(0, len(tried), (_RESAMPLES, len(tried)))
    shares = found[drawn].sum(axis=1) / np.maximum(tried[drawn].sum(axis=1), 1.0)
    low, high = np.quantile(shares, [TAIL, 1.0 - TAIL])
    return Interval(float(found.sum() / tried.sum()), float(low), float(high))
