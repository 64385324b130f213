"""Allow, step up or deny: what evidence, thresholds and rules come to, with the reasons.

Pure. A step-up or deny without a reason cannot be recorded (`engine.records.Weighed`
refuses it): the broker, the analyst and the post-mortem all start from the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["allow", "step_up", "deny"]


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
