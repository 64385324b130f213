"""The benchmark counts what it says it counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.detection import QUICK, TEST, TRAIN, VALIDATION
from bench.detection.ground import Labels, ground, truth
from bench.detection.measure import Campaign, Evaluation, Rows, Scored, Seen, evaluate
from bench.detection.report import report
from bench.detection.tables import span, wilson
from detector.events import Issuance, Usage
from detector.simulator import Organisation, simulate


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """A small organisation with a few campaigns."""
    return simulate("vault", 9, days=17, warm_up_days=12, requesters=40, campaigns=8)


def legitimate(organisation: str, scores: list[float]) -> Rows:
    """Everyday rows of one requester that got no verdict."""
    many = len(scores)
    labels = Labels(("",) * many, ("everyday",) * many, ("service/a",) * many, np.zeros(many, dtype=np.bool_))
    return Rows(organisation, labels, np.array(scores), np.zeros(many, dtype=np.uint8))


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
    evaluation.honest["issuance"] = [legitimate("o", [float(n % 10) for n in range(1000)])]
    evaluation.honest["usage"] = [legitimate("o", [20.0 if n < 3 else 0.0 for n in range(100)])]
    threshold = evaluation.threshold(0.01)
    assert threshold == 20.0
    assert evaluation.threshold(0.05) == 9.0
    for kind in ("issuance", "usage"):
        scores = evaluation.scores(kind)
        assert (scores > threshold).sum() <= 0.01 * scores.size


def test_moments_are_told_apart() -> None:
    """First mint, third mint, nine minutes, ever: each by its own rule."""
    steps = [
        Seen(0.0, "issuance", 1, 0.0, ""),
        Seen(9.0, "usage", 1, 5.0, ""),
        Seen(0.0, "issuance", 2, 1000.0, ""),
        Seen(5.0, "issuance", 4, 2000.0, ""),
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


def test_organisations_may_be_judged_apart(organisation: Organisation) -> None:
    """Two organisations evaluated each by itself and joined are the two evaluated together."""
    other = simulate("agents", 9, days=16, warm_up_days=12, requesters=12, campaigns=3)
    together, joined = evaluate("oracle", [organisation, other], oracle), evaluate("oracle", [organisation], oracle)
    joined.join(evaluate("oracle", [other], oracle))
    assert report(joined) == report(together)
    apart = together.part("agents-9".__eq__)
    assert apart.organisations == ["agents-9"]
    assert {c.organisation for c in apart.campaigns} == {"agents-9"}
    assert apart.scores("issuance").size < together.scores("issuance").size


def test_every_row_is_filed_once(organisation: Organisation) -> None:
    """What is legitimate, collateral or of a campaign adds up to all rows after the warm-up."""
    true = ground(organisation)
    filed = [row for labels in true.rows.values() for row in labels.ids]
    filed += [step.id for campaign in true.campaigns for step in campaign.steps]
    after = [event.id for event, _, where in truth(organisation) if where != "warm-up"]
    assert sorted(filed) == sorted(after)


def test_splits_share_no_organisation() -> None:
    """Nothing that is judged was fitted or chosen on; the quick run is a part of the test."""
    assert not set(TRAIN) & set(VALIDATION)
    assert not set(TEST) & (set(TRAIN) | set(VALIDATION))
    assert set(QUICK) <= set(TEST)
    assert {style for style, _ in TEST} - {style for style, _ in TRAIN}


def test_plain_intervals_hold_their_share() -> None:
    """Wilson's interval is about its share, and within nought and a hundred."""
    assert span(wilson(5, 10)) == "24–76"
    assert span(wilson(0, 10)) == "0–28"
    assert span(wilson(1, 0)) == "-"
