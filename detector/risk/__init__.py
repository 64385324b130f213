"""What evidence adds up to, and what may honestly be promised of it.

`accumulated` is the fused evidence of one requester, rising and fading: it
ranks and explains. `tails` counts how far the legitimate reach, and says at
which threshold a budget of false alarms is kept. `wealth` is a sequential test
on calibrated p-values, for abuse so slow that nothing which fades adds it up.
"""

from detector.risk.accumulated import ALLOWANCE, ASKED_CAP, CAP, HALF_LIFE_SECONDS, LEAST_STEP, Risk, step, worth

__all__ = ["ALLOWANCE", "ASKED_CAP", "CAP", "HALF_LIFE_SECONDS", "LEAST_STEP", "Risk", "step", "worth"]
