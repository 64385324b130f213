"""All that a step-up needs to go on, in one value: terms, seals, and the ways to answer by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from detector.engine.tasks import Method
from detector.events import Sensitivity
from detector.stepup.keys import SealKeys
from detector.stepup.methods import Human, SecondBroker, StepUpMethod
from detector.stepup.seals import Seals
from detector.stepup.terms import Terms

ALWAYS: Final[Mapping[Method, StepUpMethod]] = {"human": Human(), "second_broker": SecondBroker()}
"""The ways that need nothing configured."""

UNKNOWN: Final[Sensitivity] = "medium"
"""How sensitive a resource is taken to be that no rule knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Without keys of its own, what it seals is good for as long as this process lives."""

    terms: Terms = field(default_factory=Terms)
    seals: Seals = field(default_factory=lambda: Seals(SealKeys.fresh()))
    methods: Mapping[Method, StepUpMethod] = field(default_factory=lambda: ALWAYS)

    def allowed(self, sensitivity: Sensitivity | None) -> tuple[Method, ...]:
        """What may answer for a resource that is so sensitive, of what there is."""
        return tuple(name for name in self.terms.methods[sensitivity or UNKNOWN] if name in self.methods)
