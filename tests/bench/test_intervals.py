"""Intervals, and what is told of the default thresholds, on evaluations whose answer is known by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from bench.detection.bootstrap import Resamples, middle
from bench.detection.carry import carried
from bench.detection.defaults import cold_caught, cold_cost, denied, flagged, poisson, verdicts
from bench.detection.ground import Labels
from bench.detection.measure import BUDGETS, VERDICTS, Campaign, Evaluation, Rows, Seen
from bench.detection.tables import by_kind, collateral, summary


def rows(
    organisation: str,
    scores: Sequence[float],
    *,
    verdicts: Sequence[str] = (),
    requesters: Sequence[str] = (),
    cold: Sequence[bool] = (),
) -> Rows:
    """Rows with these scores; everyday, allowed, of one requester that is not cold unless told otherwise."""
    many = len(scores)
    labels = Labels(
        ("",) * many,
        ("everyday",) * many,
        tuple(requesters) or ("service/a",) * many,
        np.array(cold or [False] * many, dtype=np.bool_),
    )
    said = np.array([VERDICTS.index(v) for v in verdicts or ["allow"] * many], dtype=np.uint8)
    return Rows(organisation, labels, np.array(scores, dtype=np.float64), said)


def campaign(
    organisation: str, *scores: float, verdict: str = "allow", tell: str = "mint", cold: bool = False
) -> Campaign:
    """A campaign with a mint a minute, each with a score, all with one verdict."""
    steps = [Seen(score, "issuance", n, 60.0 * n, verdict) for n, score in enumerate(scores, 1)]
    return Campaign("c", organisation, "escalation", "plain", tell, steps, cold)


def line(text: str, *start: str) -> list[str]:
    """The further cells of the first line whose cells begin so."""
    lines = ([cell.strip() for cell in row.split("  ") if cell.strip()] for row in text.splitlines())
    return next(cells[len(start) :] for cells in lines if cells[: len(start)] == list(start))


@pytest.fixture
def two() -> Evaluation:
    """Two organisations of a hundred quiet rows: in one every campaign is stopped at once, in the other none ever."""
    evaluation = Evaluation("made up")
    for kind in ("issuance", "usage"):
        evaluation.honest[kind] = [rows("vault-1", [0.0] * 100), rows("agents-1", [0.0] * 100)]
    evaluation.campaigns = [campaign("vault-1", 5.0), campaign("vault-1", 5.0), campaign("agents-1", -1.0)]
    return evaluation


def test_one_organisation_has_no_spread() -> None:
    """Where there is one organisation to draw from, every draw is the same."""
    evaluation = Evaluation("made up")
    evaluation.honest["issuance"] = [rows("vault-1", [0.0] * 10)]
    evaluation.campaigns = [campaign("vault-1", 1.0), campaign("vault-1", -1.0)]
    drawn = Resamples(evaluation)
    assert middle(drawn.stopped(evaluation.campaigns, "first", drawn.thresholds[0.001])) == (0.5, 0.5)


def test_draws_are_of_whole_organisations(two: Evaluation) -> None:
    """Of two organisations a draw has one twice, the other twice, or each once: no other share can come out."""
    drawn = Resamples(two)
    shares = drawn.stopped(two.campaigns, "ever", drawn.thresholds[0.01])
    assert set(np.round(shares, 6)) == {0.0, round(2 / 3, 6), 1.0}
    assert middle(shares) == (0.0, 1.0)
    assert np.array_equal(shares, Resamples(two).stopped(two.campaigns, "ever", 0.0))


def test_draws_without_any_campaign_are_left_out(two: Evaluation) -> None:
    """A draw that has none of the campaigns says nothing of their share; no campaigns at all have no interval."""
    drawn = Resamples(two)
    shares = drawn.stopped(two.campaigns[:2], "ever", 0.0)
    assert np.isnan(shares).any()
    assert middle(shares) == (1.0, 1.0)
    assert all(math.isnan(edge) for edge in middle(drawn.stopped([], "ever", 0.0)))


def test_thresholds_are_found_anew_in_each_draw() -> None:
    """Each draw's threshold is that of an evaluation which holds the drawn organisations' rows as often as drawn."""
    dice = np.random.default_rng(5)
    evaluation = Evaluation("made up")
    for n, size in enumerate((300, 2000, 700, 40)):
        for kind, shift in (("issuance", 0.0), ("usage", 0.5)):
            scores = np.round(dice.normal(shift + n, 1.0, size), 1)  # rounded, so that many tie
            evaluation.honest[kind].append(rows(f"vault-{n}", list(scores)))
    drawn = Resamples(evaluation, count=80)
    for index, weights in enumerate(drawn.weights):
        again = Evaluation("drawn")
        for kind, honest in evaluation.honest.items():
            again.honest[kind] = [r for r, times in zip(honest, weights, strict=True) for _ in range(times)]
        for budget in BUDGETS:
            assert drawn.thresholds[budget][index] == again.threshold(budget)


def test_summary_and_kinds_show_both_intervals(two: Evaluation) -> None:
    """Two of three stopped: 0 to 100 % over organisations, Wilson's 21 to 94 beside it."""
    drawn = Resamples(two)
    assert line(summary([drawn]), "made up", "0.1 %") == ["0.00", "67 %", "0–100", "67 %", "67 %", "67 %", "0–100", "3"]
    assert line(by_kind(drawn), "escalation", "mint")[-2:] == ["21–94", "21–94"]


def test_the_gap_between_trained_and_not_is_shown(two: Evaluation) -> None:
    """All stopped where trained, none elsewhere: a hundred points, at the common threshold and at their own."""
    text = carried(Resamples(two))
    assert line(text, "trained on, new seeds", "common 0.00")[0] == "100 %"
    assert line(text, "never trained on", "common 0.00")[0] == "0 %"
    assert line(text, "common") == line(text, "own") == ["100–100", "100–100"]
    assert carried(Resamples(two.part("vault-1".__eq__))).startswith("all of one group")


def test_own_thresholds_are_the_groups_own(two: Evaluation) -> None:
    """Two loud rows among a hundred lift the threshold of their own group alone, at a budget of one in a hundred."""
    two.honest["issuance"][1].scores[:2] = 9.0
    text = carried(Resamples(two), 0.01)
    assert line(text, "never trained on", "own 9.00")[-2:] == ["0.000 %", "0.000 %"]
    assert line(text, "trained on, new seeds", "own 0.00")[-2:] == ["0.000 %", "0.000 %"]


def test_default_verdicts_have_an_interval(two: Evaluation) -> None:
    """One of a hundred stepped up in one organisation and one denied in the other: a hundredth in every draw."""
    two.honest["issuance"] = [
        rows("vault-1", [0.0] * 100, verdicts=["step_up"] + ["allow"] * 99),
        rows("agents-1", [0.0] * 100, verdicts=["deny"] + ["allow"] * 99),
    ]
    found = line(verdicts(Resamples(two)), "legitimate issuance")
    assert found == ["99.000 %", "0.500 %", "0.500 %", "1.000–1.000", "200"]


def test_flagged_campaigns_are_counted_by_tell(two: Evaluation) -> None:
    """A step-up or a deny stops a campaign at the default thresholds, whatever its score."""
    two.campaigns = [campaign("vault-1", -9.0, verdict="step_up"), campaign("vault-1", 9.0)]
    two.campaigns.append(campaign("vault-1", 9.0, verdict="deny", tell="late"))
    text = flagged(Resamples(two))
    assert line(text, "tell in the first mint")[0] == "50 %"
    assert line(text, "late tell")[-1] == "1"


def test_denied_requesters_are_counted_once_and_only_the_healthy() -> None:
    """Denied twice is one requester; a victim's denials and those of a use are not of the healthy who asked."""
    evaluation = Evaluation("made up")
    evaluation.healthy = [("vault-1", "service/a", 0.5), ("vault-1", "service/b", 1.5)]
    said = ["deny", "deny", "step_up", "deny"]
    evaluation.honest["issuance"] = [
        rows("vault-1", [0.0] * 4, verdicts=said, requesters=["service/a", "service/a", "service/b", "service/victim"])
    ]
    evaluation.honest["usage"] = [rows("vault-1", [0.0], verdicts=["deny"], requesters=["service/b"])]
    assert line(denied(evaluation), "denied")[:3] == ["1", "2", "2.0"]
    assert line(denied(evaluation), "stepped up or denied")[:3] == ["2", "2", "2.0"]


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)])
def test_counts_have_exact_intervals(count: int, low: float, high: float) -> None:
    """The textbook's intervals of a Poisson count."""
    assert poisson(count) == pytest.approx((low, high), rel=1e-3)


def test_the_cold_are_told_apart(two: Evaluation) -> None:
    """Two of four cold issuances were stepped up, none of the others; the cold campaign alone was flagged."""
    said = ["step_up", "step_up", "deny", "allow", "allow"]
    cold = [True, True, True, True, False]
    two.honest["issuance"] = [rows("vault-1", [0.0] * 5, verdicts=said, cold=cold), rows("agents-1", [0.0])]
    two.campaigns = [campaign("vault-1", 1.0, verdict="deny", cold=True), campaign("agents-1", 1.0)]
    cost, caught = cold_cost(Resamples(two)), cold_caught(Resamples(two))
    assert line(cost, "cold identities (fewer than 20 learnt)") == ["50.00 %", "50.00–50.00", "25.00 %", "4"]
    assert line(cost, "all others") == ["0.00 %", "0.00–0.00", "0.00 %", "2"]
    assert line(caught, "cold identities (fewer than 20 learnt)", "default")[0] == "100 %"
    assert line(caught, "all others", "default")[0] == "0 %"


def test_collateral_is_counted_by_verdict_and_threshold(two: Evaluation) -> None:
    """Two of four rows of a victim pass the threshold, one was stepped up, one denied."""
    said = ["deny", "step_up", "allow", "allow"]
    two.collateral["issuance"] = [rows("vault-1", [1.0, 1.0, 0.0, 0.0], verdicts=said)]
    text = collateral(two)
    assert line(text, "issuance rows") == ["4", "2 (50.00 %)", "1 (25.00 %)", "1 (25.00 %)"]
    assert line(text, "usage rows")[0] == "0"
