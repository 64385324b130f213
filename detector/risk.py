"""What a requester's evidence adds up to: it accumulates, it fades, it never goes below nothing.

A CUSUM (Page 1954) with exponential fading, in nats. Wrong when abuse is
slower than the fading: what arrives at less than the allowance per half-life
never adds up. The sequential test that will give error guarantees fills the
same hole: `(risk, evidence, now) -> risk`.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

HALF_LIFE_SECONDS: Final = 6 * 3600.0
"""Half of what had accumulated is forgotten in this time: long enough to add up
a working session of abuse, short enough that yesterday's redeploy is history."""

ALLOWANCE: Final = 5.0
"""What a row may say before it counts (nats): just below a step-up. Honest life is
mildly odd all day, and what adds up must be what was odd enough to look at."""

LEAST_STEP: Final = -2.0
"""What one row takes away at most (nats): else a thief could launder his risk with a
handful of the victim's own requests."""

CAP: Final = 18.0
"""Risk stops growing here (nats): the way back from any burst has a known length."""

ASKED_CAP: Final = 5.0
"""What asking alone may come to (nats). It lies below the step-up and deny
thresholds, so that asking in a victim's name cannot lock the victim out."""


class Risk(Struct):
    """A requester's accumulated evidence in nats, as of `stamp` (Unix seconds).

    `observed` comes from what issuers and resources logged, `asked` from
    decisions alone.
    """

    observed: float = 0.0
    asked: float = 0.0
    stamp: float = 0.0

    def level(self, now: float) -> float:
        """The accumulated evidence at `now`; it only falls with time."""
        return (self.observed + min(self.asked, ASKED_CAP)) * _fade(self.stamp, now)

    def observed_level(self, now: float) -> float:
        """The part of it that logs bore out: a deny needs this."""
        return self.observed * _fade(self.stamp, now)


def _fade(then: float, now: float) -> float:
    return 1.0 if now <= then else float(0.5 ** ((now - then) / HALF_LIFE_SECONDS))


def step(risk: Risk, evidence: float, now: float, *, asked: bool = False) -> None:
    """Add one row's evidence (nats), less the allowance, to a requester's risk at `now`."""
    fade = _fade(risk.stamp, now)
    observed, asks = risk.observed * fade, risk.asked * fade
    moved = max(evidence - ALLOWANCE, LEAST_STEP)
    if asked:
        asks = min(max(asks + moved, 0.0), ASKED_CAP)
    else:
        observed = min(max(observed + moved, 0.0), CAP)
    risk.observed, risk.asked, risk.stamp = observed, asks, max(now, risk.stamp)
