"""What is done to healthy years to see what breaks the promise, each with the sentence that says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from detector.simulator import CALM, Strain


class Stress(NamedTuple):
    """How life is strained, and what that would be in words."""

    strain: Strain
    words: str


HEALTHY: Final = "healthy"
STRESSES: Final[Mapping[str, Stress]] = {
    HEALTHY: Stress(CALM, "life as the simulator has it"),
    "upheavals ×4": Stress(Strain(upheavals=4.0), "four times as many redeploys, migrations, new teams and the rest"),
    "weekly redeploy": Stress(
        Strain(redeploy_days=7.0), "everything comes up in other networks each week, unannounced"
    ),
    "clocks off": Stress(
        Strain(clock_seconds=900.0), "the clocks of issuers and logs of use are off by a quarter hour"
    ),
    "drift ×2": Stress(Strain(drift=2.0), "what requesters are for, and people's hours, change twice as fast"),
}
