"""Which organisations are for fitting, for choosing, and for judging. A seed stands in one split only.

`small-idle` and `agents` are never trained on: what is learnt elsewhere has to carry over to them.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Pair: TypeAlias = tuple[str, int]
"""A style and a seed."""

TRAIN: Final[tuple[Pair, ...]] = tuple(
    (style, seed) for style in ("vault", "cloud-role", "kubernetes", "platform") for seed in (11, 12, 13, 14)
)
VALIDATION: Final[tuple[Pair, ...]] = tuple(
    (style, 31) for style in ("vault", "cloud-role", "kubernetes", "platform", "agents")
)
TEST: Final[tuple[Pair, ...]] = tuple(
    (style, seed)
    for style in ("vault", "cloud-role", "kubernetes", "platform", "agents", "small-idle")
    for seed in (71, 72, 73, 74)
)
QUICK: Final[tuple[Pair, ...]] = (("vault", 71), ("kubernetes", 71), ("agents", 71), ("small-idle", 71))
