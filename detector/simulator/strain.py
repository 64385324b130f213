"""How much harder than usual an organisation's honest life is made: for finding out what breaks a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """What is turned up.

    `upheavals` and `drift` multiply their rates (drift shows only in logs longer
    than `LONG_DAYS`); everything is redeployed at once every `redeploy_days`
    (`None`: never); `clock_seconds` is the spread of how far each issuer's clock,
    and each log of use, is off.
    """

    upheavals: float = 1.0
    redeploy_days: float | None = None
    clock_seconds: float = 0.0
    drift: float = 1.0


CALM: Final = Strain()
