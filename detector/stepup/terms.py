"""On which terms a step-up is answered: how long, how often, by what, for what is how sensitive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from detector.engine.tasks import Method
from detector.events import Sensitivity
from detector.evidence import quantise

METHODS: Final[Mapping[Sensitivity, tuple[Method, ...]]] = {
    "low": ("human", "workload_proof", "second_broker"),
    "medium": ("human", "workload_proof", "second_broker"),
    "high": ("human", "workload_proof"),
    "critical": ("human",),
}
"""What may answer, by how sensitive the resource is. A person always may. A workload's own proof tells a thief who
took its name or token from it, not one who sits on it; a second broker knows no more than the first, and can be taken
over as it can. So what is critical is left to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Times are seconds. `margin` is how much more evidence (nats) than it was given for an approval stands.

    An approval lets `uses` decisions pass. `url` is where brokers reach us, where that is not how they called.
    """

    offer_seconds: float = 600.0
    pending_seconds: float = 3600.0
    approval_seconds: float = 3600.0
    emergency_seconds: float = 900.0
    uses: int = 1
    margin: float = 2.0
    acr_value: str = "urn:assayer:acr:approved"
    amr_values: tuple[str, ...] = ()
    methods: Mapping[Sensitivity, tuple[Method, ...]] = field(default_factory=lambda: METHODS)
    url: str = ""

    def until(self, now: float, *, wanted: float | None, emergency: bool) -> float:
        """Until when an approval that is given now is good: what was wanted, but no longer than the terms allow.

        >>> Terms().until(0.0, wanted=60.0, emergency=False), Terms().until(0.0, wanted=None, emergency=True)
        (60.0, 900.0)
        """
        longest = now + min(self.approval_seconds, self.emergency_seconds if emergency else self.approval_seconds)
        return longest if wanted is None else min(longest, max(wanted, now))

    def margin_quanta(self) -> int:
        """The margin as evidence is kept."""
        return quantise(self.margin)
