"""All that a step-up needs to go on, in one value: terms, seals, and the ways to answer by name."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from detector.engine.asking_records import AccessSettled
from detector.engine.tasks import Method, Task
from detector.events import Sensitivity
from detector.stepup.keys import SealKeys
from detector.stepup.methods import Human, SecondBroker, StepUpMethod
from detector.stepup.seals import ID_BYTES, Seals
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

    def settlement(
        self, name: str, task: Task, method: Method, *, by: str, now: float, approve: bool, because: str = ""
    ) -> AccessSettled:
        """The answer to an access request, given now (Unix seconds) on these terms."""
        trust = self.methods[method].trust
        if not approve:
            return AccessSettled(task=name, status="denied", by=by, method=method, trust=trust, because=because)
        return AccessSettled(
            task=name,
            status="approved",
            by=by,
            method=method,
            trust=trust,
            because=because,
            approval=f"apr-{secrets.token_urlsafe(ID_BYTES)}",
            until=self.terms.until(now, wanted=task.wanted, emergency=task.emergency),
            uses=self.terms.uses,
            margin=self.terms.margin_quanta(),
        )

    def allowed(self, sensitivity: Sensitivity | None) -> tuple[Method, ...]:
        """What may answer for a resource that is so sensitive, of what there is."""
        return tuple(name for name in self.terms.methods[sensitivity or UNKNOWN] if name in self.methods)
