"""The measure of explanations takes away what it says it takes away."""

from __future__ import annotations

import pytest

from bench.explanations import Flagged, holdings, standing, verdicts
from detector.engine import Row
from detector.verdict import Reason


def flagged(verdict: str, *nats: float, rest: float = 0.0) -> Flagged:
    """A row with a reason for each share, and what none of them names."""
    reasons = tuple(Reason(f"code{n}", "because", share, "x", "y") for n, share in enumerate(nats))
    row = Row(
        id="r",
        kind="issuance",
        time=0.0,
        requester="svc",
        issuer="vault",
        credential=None,
        issuance=None,
        verdict=verdict,  # type: ignore[arg-type]
        risk=0.5,
        evidence=sum(nats) + rest,
        reasons=reasons,
    )
    return Flagged(row, 14.0 if verdict == "deny" else 6.0, [*nats, rest])


@pytest.mark.parametrize(
    ("told", "flips"),
    [
        (flagged("step_up", 7.0, 6.5), [False, True, True]),
        (flagged("step_up", 5.0, 5.0, 5.0, 5.0, 2.0), [False, False, False]),
        (flagged("step_up", 3.0, rest=6.0), [False, False, False]),
        (flagged("deny", 5.0, 5.0, 5.0), [True, True, True]),
    ],
)
def test_a_verdict_flips_when_what_is_left_is_below_its_threshold(told: Flagged, flips: list[bool]) -> None:
    """A step-up at the step-up threshold, a deny at that of a deny; what is not named stays."""
    assert [told.flips(top) for top in (1, 2, 3)] == flips


def test_the_tables_count_what_stands() -> None:
    """One of two flips, and the other is shown with its reasons."""
    found = [flagged("step_up", 7.0), flagged("step_up", 5.0, 5.0, 5.0, 5.0, 2.0)]
    assert verdicts(found).splitlines()[-1].split() == ["all", "step_up", "2", "50.0", "%", "50.0", "%", "50.0", "%"]
    assert holdings(found).splitlines()[-1].split() == ["5", "1", "68", "%", "68", "%"]
    assert "== 1 stand\nissuance step_up 22.0, 7.0 left: code0 5.0" in standing(found)
