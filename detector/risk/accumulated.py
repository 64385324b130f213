"""What a requester's evidence adds up to: it accumulates, it fades, it never goes below nothing.

A CUSUM (Page 1954) with exponential fading, in nats. Wrong when abuse is
slower than the fading: what arrives at less than the allowance per half-life
never adds up (`detector.risk.wealth` is for that).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

HALF_LIFE_SECONDS: Final = 6 * 3600.0
"""Half of what had accumulated is forgotten in this time: long enough to add up
a working session of abuse, short enough that yesterday's redeploy is history."""

ALLOWANCE: Final = 6.0
"""What a row may say before it counts (nats): as much as earns a step-up. Honest life is
mildly odd all day, and what adds up must be what was odd enough to look at."""

LEAST_STEP: Final = -2.5
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

    def level(self, now: float, *, without: float = 0.0) -> float:
        """The accumulated evidence at `now`; it only falls with time.

        `without` leaves out so much of what was only asked: what an issuance's own
        decision had added must not speak against that issuance again.
        """
        if not self.asked:
            return self.observed_level(now)
        fade = _fade(self.stamp, now)
        return self.observed * fade + max(self.asked * fade - without, 0.0)

    def observed_level(self, now: float) -> float:
        """The part of it that logs bore out: a deny needs this."""
        return self.observed and self.observed * _fade(self.stamp, now)


def _fade(then: float, now: float) -> float:
    return 1.0 if now <= then else float(0.5 ** ((now - then) / HALF_LIFE_SECONDS))


def worth(evidence: float) -> float:
    """What a row's evidence adds to risk (nats): what passes the allowance; below it, a little is taken away."""
    return max(evidence - ALLOWANCE, LEAST_STEP)


def step(risk: Risk, moved: float, now: float, *, asked: bool = False) -> None:
    """Move a requester's risk at `now` by what a row was worth (nats): the asked part, or the observed one."""
    observed, asks = risk.observed, risk.asked
    if observed or asks:  # most are at nothing, and nothing fades to nothing
        fade = _fade(risk.stamp, now)
        observed, asks = observed * fade, asks * fade
    if asked:
        asks = min(max(asks + moved, 0.0), ASKED_CAP)
    else:
        observed = min(max(observed + moved, 0.0), CAP)
    risk.observed, risk.asked, risk.stamp = observed, asks, max(now, risk.stamp)
