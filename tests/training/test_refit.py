"""Fitting again on one's own labels: it helps where an organisation is unlike the shipped ones, and says where not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from detector.engine.policy import Policy, Thresholds
from detector.training.comparison import LEAST_THEFTS
from detector.training.labels import Truth
from detector.training.placing import GRANT_BUDGET
from detector.training.refit import PLACED_BY, Marked, Refit, _factor, gather, refit
from detector.wiring.model import shipped_model
from tests.training.conftest import Lived
from tests.training.labelled import shuffled

POLICY = Policy(model=shipped_model())


def told(organisation: Lived, labels: Mapping[str, bool]) -> Refit:
    """What comes of other labels for the same events."""
    marked = {
        key: Marked(mark.sample, labels[key[1]])
        for key, mark in organisation.gathered.marked.items()
        if key[1] in labels
    }
    return refit(organisation.events, Truth(labels, {}), marked, POLICY, lambda _: None)


@pytest.fixture(scope="module")
def helped(organisation: Lived) -> Refit:
    """Fitted again on the true labels."""
    return told(organisation, organisation.labels)


def test_it_is_better_where_thieves_do_what_the_shipped_weights_do_not_expect(helped: Refit) -> None:
    """Here a theft comes soon after its victim's mint, and another job altogether is honest: both is learnt."""
    assert helped.comparison.opinion == "better"
    found = helped.comparison.measures[0]
    assert (found.name, found.first < 0.5, found.second > 0.9, found.low > 0.0) == (
        "found at 1 % false alarms",
        True,
        True,
        True,
    )
    assert helped.model is not None
    ratios = {code: sum(helped.model.grants[code]) / sum(POLICY.model.grants[code]) for code in ("gap", "area")}
    assert ratios["gap"] > 1.1 * ratios["area"]


def test_uses_keep_their_weights_where_none_is_labelled(helped: Refit) -> None:
    """What nobody said anything of is not fitted, and neither is the curve of the probability."""
    assert helped.model is not None
    assert helped.model.uses == POLICY.model.uses
    assert (helped.model.grant_curve, helped.model.use_curve) == (POLICY.model.grant_curve, POLICY.model.use_curve)


def test_the_split_is_by_time(organisation: Lived, helped: Refit) -> None:
    """Seven tenths of the labelled time are fitted on; every label is in one part."""
    times = [mark.sample.row.time for mark in organisation.gathered.marked.values()]
    assert helped.until == pytest.approx(min(times) + 0.7 * (max(times) - min(times)))
    assert helped.fitted.total() == sum(time <= helped.until for time in times)
    assert (helped.fitted + helped.held)[True] == sum(organisation.labels.values())


def test_labels_that_are_noise_are_no_better(organisation: Lived) -> None:
    """Labels dealt out at random teach nothing, and it says so."""
    found = told(organisation, shuffled(organisation.labels))
    assert found.comparison.opinion == "no better"
    assert found.model is not None


def test_few_labels_cannot_tell(organisation: Lived) -> None:
    """With fewer thefts than the minimum there is neither a fit nor a verdict, and the minimum is named."""
    thefts = [event for event, malicious in organisation.labels.items() if malicious][: LEAST_THEFTS - 1]
    few = {event: malicious for event, malicious in organisation.labels.items() if not malicious or event in thefts}
    found = told(organisation, few)
    assert (found.model, found.comparison.opinion) == (None, "cannot be told")
    assert f"it takes {LEAST_THEFTS}" in found.comparison.because


def test_no_thefts_after_the_split_cannot_tell(organisation: Lived) -> None:
    """What can be fitted but not judged is fitted, and not called better."""
    early = [mark.sample.row.id for mark in organisation.gathered.marked.values() if mark.malicious][:20]
    some = {event: malicious for event, malicious in organisation.labels.items() if not malicious or event in early}
    found = told(organisation, some)
    assert found.comparison.opinion == "cannot be told"
    assert found.comparison.because.startswith("to judge on, ")
    assert found.model is not None


def test_no_labels_at_all_cannot_tell(organisation: Lived) -> None:
    """Nothing labelled is nothing learnt, and no error."""
    found = told(organisation, {})
    assert (found.model, found.comparison.opinion) == (None, "cannot be told")


def test_labels_of_no_event_are_counted(organisation: Lived) -> None:
    """An id that no row has is told apart from one that has; a request that became an issuance is met by that."""
    truth = Truth({"i0-10": False, "nobody": True, "asked": False}, {"asked": "i0-10"})
    gathered = gather(organisation.events[:3000], truth, lambda _: None)
    assert (list(gathered.marked), gathered.unmet) == ([("grants", "i0-10")], 1)


def test_the_scale_is_the_default_thresholds() -> None:
    """With rows enough, the budgeted share of them reaches the step-up threshold; with few, as many as before."""
    many = [3.0 - n / 10_000 for n in range(20_000)]
    rank = int(GRANT_BUDGET * len(many))
    assert _factor(many, many, GRANT_BUDGET) * many[rank] == pytest.approx(Thresholds().step_up)
    few, doubled = many[:200], [2 * nats for nats in many[:200]]
    assert _factor(doubled, few, GRANT_BUDGET) * doubled[PLACED_BY] == pytest.approx(few[PLACED_BY])
    assert _factor([], [], GRANT_BUDGET) == 1.0
    assert _factor([-1.0] * 20, few, GRANT_BUDGET) == 1.0
