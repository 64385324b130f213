"""Honest life is untidy enough: fixed rules are wrong here, and novelty is as frequent as in life."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.detection import Evaluation
from bench.detection.novelty import MEASURES, measure, quantile, real, real_files, simulated
from bench.detection.peers.facets import Faceted, faceted
from bench.detection.peers.fixed import one_rule
from detector.events import Issuance
from detector.simulator import UPHEAVALS, Organisation, simulate


@pytest.fixture(scope="module")
def rows(whole: Organisation) -> list[Faceted]:
    """What rules see of the organisation."""
    return faceted(whole)


BUDGET = 0.001  # of legitimate issuances: what a benchmark allows


@pytest.mark.parametrize(
    ("rule", "at_most", "at_least"),
    [
        ("admin is bad", 0.35, 0.004),
        ("new address is bad", 0.5, 0.01),
        ("night is bad", 0.6, 0.05),
        ("first-seen resource is bad", 0.75, 0.004),
    ],
)
def test_fixed_rules_fail(whole: Organisation, rows: list[Faceted], rule: str, at_most: float, at_least: float) -> None:
    """Each rule misses most first mints, or many, and stops several times what any budget allows of the legitimate."""
    evaluation = Evaluation(rule)
    evaluation.add(whole, one_rule(rule)(whole, rows))
    caught, total = evaluation.stopped(0.5)
    legitimate = [score for score, _, _, _ in evaluation.honest["issuance"]]
    false = sum(score > 0.5 for score in legitimate) / len(legitimate)
    assert caught["first"] / total <= at_most
    assert false >= at_least > 2.0 * BUDGET


def test_upheavals_are_seen_in_legitimate_rows() -> None:
    """A few organisations together go through all fifteen kinds of honest upheaval."""
    seen: Counter[str] = Counter()
    for style, seed in (("vault", 71), ("agents", 3), ("kubernetes", 3), ("cloud-role", 3)):
        organisation = simulate(style, seed, days=18, campaigns=0, requesters=35)
        seen.update(row.label.upheaval for row in organisation.rows if row.label.upheaval)
    assert set(seen) == set(UPHEAVALS)


def test_honest_rows_have_refusals_retries_and_break_glass(whole: Organisation) -> None:
    """Nothing that looks like abuse is abuse by constant: honest requesters are refused, retry, and break glass."""
    honest = [row.event for row in whole.rows if isinstance(row.event, Issuance) and not row.label.abuse]
    refused = sum(event.outcome == "refused" for event in honest) / len(honest)
    assert 0.003 < refused < 0.1
    assert any(event.grant.break_glass for event in honest)
    gaps = Counter()
    last: dict[tuple[str, str], float] = {}
    for event in honest:
        key = event.grant.requester, event.grant.resource
        gaps[event.time - last.get(key, -9e9) < 5.0] += 1
        last[key] = event.time
    assert gaps[True] > 50


@pytest.mark.parametrize("name", MEASURES[:2])
def test_novelty_is_within_real_bounds(whole: Organisation, name: str) -> None:
    """The median requester's share of new areas and hours lies in or near the bounds measured on public histories.

    Those are 4 to 34 % for areas and 3 to 15 % for hours; the 90th percentile does not leave them.
    """
    low, high = {"new area": (0.03, 0.34), "new hour": (0.02, 0.15)}[name]
    values = measure(simulated(whole))[name]
    assert low <= quantile(values, 0.5) <= high
    assert quantile(values, 0.9) <= high


@pytest.mark.real_logs
def test_novelty_is_like_the_real_ones(whole: Organisation) -> None:
    """Medians of new areas, new hours and gap variation are within a factor of two and a half of the real files'."""
    if not real_files():
        pytest.skip("no real arrivals beside the checkout")
    ours = measure(simulated(whole))
    for path in real_files():
        theirs = measure(real(path))
        for name in ("new area", "new hour", "gap variation"):
            ratio = quantile(ours[name], 0.5) / quantile(theirs[name], 0.5)
            assert 0.4 < ratio < 2.5, (path.name, name)
