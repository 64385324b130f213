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


def judge(
    *, evidence: float, accumulated: float, step_up_at: float, deny_at: float, look_at: float | None = None
) -> Verdict:
    """The verdict on one row, all figures in nats.

    `evidence` is the row's own together with what its requester had
    `accumulated` before. A first odd row earns a step-up at most: a deny needs
    evidence that had accumulated to a step-up by itself before this row came.
    `look_at`, where given, is the lower evidence from which this requester's rows
    are stepped up; it makes no deny.
    """
    if evidence >= deny_at and accumulated >= step_up_at:
        return "deny"
    if evidence >= (step_up_at if look_at is None else min(look_at, step_up_at)):
        return "step_up"
    return "allow"
