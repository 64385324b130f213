"""Forgetting by inflation: newer counts weigh more, so nothing stored ever has to be touched to fade.

A count learnt at `now` is added with the weight `2 ** ((now - EPOCH) / half_life)`.
Dividing a stored sum by the weight of today gives the faded count. Shares need
no division at all: the weights cancel.
"""

from __future__ import annotations

from typing import Final

from detector.features.rhythm import DAY

EPOCH: Final = 1_577_836_800.0
"""2020-01-01T00:00:00Z: only the distance matters."""

HABIT_HALF_LIFE: Final = 45 * DAY
"""A requester's own habits: long enough for monthly jobs, short enough to forget a retired one."""

ADOPTION_HALF_LIFE: Final = 14 * DAY
"""Who took up what, across requesters: a roll-out is news of the last weeks."""

_FURTHEST: Final = 900.0
"""Half-lives from the epoch, either way, at which inflation stops, below a float's
2**1023: 1985 and 2054 for adoption. Counts then stop fading; they never overflow,
and no event weighs nothing."""


def habit_weight(now: float) -> float:
    """The weight of one event learnt into a habit at `now` (Unix seconds)."""
    return _weight((now - EPOCH) / HABIT_HALF_LIFE)


def adoption_weight(now: float) -> float:
    """The weight of one adoption counted at `now` (Unix seconds)."""
    return _weight((now - EPOCH) / ADOPTION_HALF_LIFE)


def _weight(half_lives: float) -> float:
    if -_FURTHEST < half_lives < _FURTHEST:
        return float(2.0**half_lives)
    return float(2.0 ** (_FURTHEST if half_lives > 0 else -_FURTHEST))
