"""Honest life is untidy enough: fixed rules are wrong here."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.detection import Evaluation
from bench.detection.ground import ground
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
    evaluation.add(ground(whole), one_rule(rule)(whole, rows))
    caught, total = evaluation.stopped(0.5)
    false = (evaluation.scores("issuance") > 0.5).mean()
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
