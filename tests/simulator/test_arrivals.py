"""Simulated requesters come, pause and do new things as real people do, within the bands stated here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.arrivals import Histories, crowds, habits, quantile, real, simulated
from detector.simulator import Organisation

KUBERNETES = "kubernetes-test-infra"
SPIRE = "spiffe-spire"


def medians(histories: Histories) -> dict[str, float]:
    """The median of every measure, over identities or over windows."""
    return {name: quantile(values, 0.5) for name, values in (habits(histories) | crowds(histories)).items()}


@pytest.fixture(scope="module")
def ours(whole: Organisation) -> dict[str, float]:
    """The organisation's own medians."""
    return medians(simulated(whole))


@pytest.fixture(scope="module")
def theirs(real_logs: Path) -> dict[str, dict[str, float]]:
    """The medians of each file of real arrivals."""
    return {name: medians(real(real_logs / "arrivals" / f"{name}.jsonl.gz")) for name in (KUBERNETES, SPIRE)}


@pytest.mark.parametrize(("name", "low", "high"), [("new area", 0.03, 0.34), ("new hour", 0.02, 0.15)])
def test_novelty_is_within_real_bounds(whole: Organisation, name: str, low: float, high: float) -> None:
    """The median requester's share of new areas and hours lies in or near the bounds measured on public histories.

    Those are 4 to 34 % for areas and 3 to 15 % for hours; the 90th percentile does not leave them.
    """
    values = habits(simulated(whole))[name]
    assert low <= quantile(values, 0.5) <= high
    assert quantile(values, 0.9) <= high


@pytest.mark.real_logs
@pytest.mark.parametrize("file", [KUBERNETES, SPIRE])
@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("new area", 2.5),
        ("new hour", 2.5),
        ("gap 90 %", 2.5),
        ("gap 99 %", 2.5),
        ("burstiness", 2.0),
        ("day dispersion", 3.5),
        ("by the busiest tenth", 1.5),
        ("Gini", 1.5),
        pytest.param("gap 10 %", 5.0, marks=pytest.mark.xfail(reason="sessions are too even: few requests at once")),
        pytest.param("new in a week", 5.0, marks=pytest.mark.xfail(reason="hardly anybody joins within the weeks")),
    ],
)
def test_arrivals_are_like_the_real_ones(
    ours: dict[str, float], theirs: dict[str, dict[str, float]], file: str, name: str, factor: float
) -> None:
    """Each median is within the stated factor of the real file's; where it is known not to be, the reason is given."""
    assert theirs[file][name] / factor <= ours[name] <= theirs[file][name] * factor
