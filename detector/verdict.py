"""Allow, step up or deny: what evidence, thresholds and rules come to, with the reasons.

Pure. A step-up or deny without a reason cannot be recorded (`engine.records.Weighed`
refuses it): the broker, the analyst and the post-mortem all start from the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["allow", "step_up", "deny"]
Mode: TypeAlias = Literal["observe", "shadow", "enforce"]
AnswerMode: TypeAlias = Literal["observe", "shadow", "enforce", "break_glass", "kill_switch"]
"""What an answer was given under: a mode that the operator set, or what goes past every mode."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that spoke for the verdict.

    `code` is a stable machine word, `because` a sentence, `nats` its share of the
    evidence, `expected` and `observed` what was usual and what was seen.
    """

    code: str
    because: str
    nats: float
    expected: str
    observed: str


def judge(*, evidence: float, accumulated: float, step_up_at: float, deny_at: float, unlike: bool = False) -> Verdict:
    """The verdict on one row, all figures in nats.

    `evidence` is the row's own together with what its requester had
    `accumulated` before. What is not odd is allowed, whoever asks. What is odd is
    stepped up; it is denied where what had accumulated before this row came
    reaches `deny_at`, so never at first, or where the requester has been `unlike`
    a healthy one for days (see `detector.risk.wealth`).
    """
    if evidence < step_up_at:
        return "allow"
    return "deny" if accumulated >= deny_at or unlike else "step_up"


def answer_mode(mode: AnswerMode, *, glass: bool) -> AnswerMode:
    """What an answer is given under. Where nothing is enforced there is no glass to break."""
    return "break_glass" if glass and mode == "enforce" else mode


def told(verdict: Verdict, mode: AnswerMode) -> Verdict:
    """What the broker is told of a verdict. Only where enforcement is on is it told anything but to go on.

    >>> told("deny", "enforce"), told("deny", "shadow"), told("deny", "kill_switch")
    ('deny', 'allow', 'allow')
    """
    return verdict if mode == "enforce" else "allow"
