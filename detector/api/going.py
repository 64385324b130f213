"""How a decision goes on for the broker that asked: its step-up, its approval, what to ask for instead."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from detector.engine.asking_records import Refusal
from detector.engine.records import Decided
from detector.engine.tasks import Method
from detector.policies import Advice

NextAction: TypeAlias = Literal["request", "none"]
"""What to do about an approval that did not pass: ask for another one, or nothing."""


class AccessOffer(Struct, frozen=True):
    """What an access request is made with, until when, and what may answer it.

    The binding token goes back as it is: it proves which decision the access request is about.
    """

    endpoint: str
    expires_at: str
    binding_token: str
    template: str
    methods: tuple[Method, ...]


class StepUp(Struct, frozen=True, omit_defaults=True):
    """How a step-up goes on: where its outcome is to be told, or somebody's answer asked for."""

    outcome: str
    access_request: AccessOffer | None = None


class ApprovalAnswer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What came of the approval that was presented: until when what is minted may live, or why it did not pass.

    Not passed and without a reason it was not needed.
    """

    passed: bool
    id: str | None = None
    approved_until: str | None = None
    reason: Refusal | None = None
    next_action: NextAction | None = None


class Going(Struct, frozen=True):
    """How a decision goes on for the broker that asked: beside the decision, and signed for that broker."""

    step_up: StepUp | None = None
    approval: ApprovalAnswer | None = None
    advice: Advice | None = None


def outcome_of(decided: Decided) -> str:
    """Where a decision's outcome is told."""
    return f"/v1/decisions/{decided.decision}/outcome"
