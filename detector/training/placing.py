"""One scale for all models: at the default step-up threshold, as many legitimate rows alarm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detector.evidence import Weight

GRANT_BUDGET: Final = 0.0008
USE_BUDGET: Final = 0.0006
"""Shares of legitimate rows at the default step-up threshold, by which both kinds come to one scale."""


def scaled(weights: Mapping[str, Weight], factor: float) -> dict[str, Weight]:
    """All weights, so many times as large."""
    return {code: Weight(*(round(part * factor, 4) for part in weight)) for code, weight in weights.items()}
