"""The benchmark counts what it says it counts."""

from __future__ import annotations

import math

import pytest

from bench.detection import QUICK, TEST, TRAIN, VALIDATION
from bench.detection.measure import Campaign, Evaluation, Scored, Step, evaluate, truth
from bench.detection.tables import interval, report
from detector.events import Issuance, Usage
from detector.simulator import Organisation, simulate


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """A small organisation with a few campaigns."""
    return simulate("vault", 9, days=17, warm_up_days=12, requesters=40, campaigns=8)


def oracle(organisation: Organisation) -> list[Scored]:
    """Knows the truth: one for abuse, nought for the rest."""
    return [
        Scored(event.id, "issuance" if isinstance(event, Issuance) else "usage", float(label.abuse))
        for event, label, _ in truth(organisation)
    ]


def test_an_oracle_stops_everything(organisation: Organisation) -> None:
    """Who knows the truth stops every campaign at its first mint, at every budget, and alarms on nothing else."""
    evaluation = evaluate("oracle", [organisation], oracle)
    assert evaluation.unscored == 0
    assert evaluation.threshold(0.0001) == 0.0
    for tell in ("mint", "use", "late"):
        counts, total = evaluation.stopped(0.0, tells=(tell,))
        assert set(counts.values()) <= {total} or tell == "late"
    assert evaluation.stopped(0.0)[1] == sum(c.tell == "mint" for c in evaluation.campaigns)
    assert not evaluation.alarms(0.0)


def test_silence_stops_nothing_and_is_counted(organisation: Organisation) -> None:
    """A detector that says nothing has an alarm for nobody, and its missing rows are counted."""
    evaluation = evaluate("silent", [organisation], lambda _: [])
    assert evaluation.threshold(0.01) == -math.inf
    assert set(evaluation.stopped(-math.inf)[0].values()) == {0}
    assert evaluation.unscored == sum(1 for _ in truth(organisation))


def test_threshold_keeps_both_kinds_of_row_within_the_budget() -> None:
    """Neither issuance nor usage rows of the legitimate exceed the budget, also where many rows tie."""
    evaluation = Evaluation("made up")
    evaluation.honest["issuance"] = [(float(n % 10), "everyday", "o", "service") for n in range(1000)]
    evaluation.honest["usage"] = [(20.0 if n < 3 else 0.0, "everyday", "o", "service") for n in range(100)]
    threshold = evaluation.threshold(0.01)
    assert threshold == 20.0
    assert evaluation.threshold(0.05) == 9.0
    for rows in evaluation.honest.values():
        assert sum(score > threshold for score, *_ in rows) <= 0.01 * len(rows)


def test_moments_are_told_apart() -> None:
    """First mint, third mint, nine minutes, ever: each by its own rule."""
    steps = [
        Step(0.0, "issuance", 1, 0.0, ""),
        Step(9.0, "usage", 1, 5.0, ""),
        Step(0.0, "issuance", 2, 1000.0, ""),
        Step(5.0, "issuance", 4, 2000.0, ""),
    ]
    mint = Campaign("a", "o", "new_resources", "careful", "mint", steps)
    assert mint.stopped(3.0) == {"first": False, "third": True, "nine": True, "ever": True}
    assert mint.stopped(9.0) == {"first": False, "third": False, "nine": False, "ever": False}
    use = Campaign("b", "o", "token_replay", "careful", "use", steps)
    assert use.stopped(3.0)["first"]


def test_collateral_is_neither_honest_nor_abuse(organisation: Organisation) -> None:
    """A victim's own rows within a day after abuse of it are apart; everything before the warm-up's end is left out."""
    places: dict[str, set[str]] = {}
    for event, label, where in truth(organisation):
        places.setdefault(where, set()).add(label.principal)
        assert isinstance(event, Issuance | Usage)
        assert (where == "abuse") == label.abuse
        if where == "honest":
            assert event.time >= organisation.warm_until
    assert places["collateral"] <= places["abuse"]
    assert places["collateral"]


def test_report_prints_every_kind(organisation: Organisation) -> None:
    """The report names every kind that was played."""
    text = report(evaluate("oracle", [organisation], oracle))
    assert all(kind in text for kind in organisation.campaigns.values())


def test_splits_share_no_organisation() -> None:
    """Nothing that is judged was fitted or chosen on; the quick run is a part of the test."""
    assert not set(TRAIN) & set(VALIDATION)
    assert not set(TEST) & (set(TRAIN) | set(VALIDATION))
    assert set(QUICK) <= set(TEST)
    assert {style for style, _ in TEST} - {style for style, _ in TRAIN}


def test_intervals_hold_their_share() -> None:
    """Wilson's interval is about its share, and within nought and a hundred."""
    assert interval(5, 10) == "24–76"
    assert interval(0, 10) == "0–28"
    assert interval(1, 0) == "-"
