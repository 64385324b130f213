"""Two models held against one another at equal false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from detector.evidence import EvidenceModel
from detector.training.comparison import LEAST_LEGITIMATE, LEAST_THEFTS, Held, compare, lacking

MODELS = (EvidenceModel(), EvidenceModel())


def held(first: float, second: float, *, thefts: int = 20, honest: int = 2_000) -> Held:
    """Rows of which the malicious lie so many nats above the honest, by each model."""
    drawn = np.random.default_rng(8)
    malicious = np.arange(thefts + honest) < thefts
    owners = np.arange(thefts + honest) % 200
    noise = drawn.normal(size=(2, thefts + honest))
    said = (noise[0] + first * malicious, noise[1] + second * malicious)
    return Held(malicious, owners, np.zeros(thefts + honest, dtype=bool), said)


@pytest.mark.parametrize(("first", "second", "opinion"), [(0.0, 6.0, "better"), (6.0, 0.0, "no better")])
def test_who_finds_more_is_better(first: float, second: float, opinion: str) -> None:
    """One that tells the malicious apart beats one that does not, and not the other way round."""
    found = compare(held(first, second), MODELS)
    assert found.opinion == opinion
    assert "points, 95 %" in found.because


def test_the_same_is_no_better() -> None:
    """A model against itself changes nothing, and every interval is nought."""
    rows = held(2.0, 2.0)
    same = compare(rows._replace(evidence=(rows.evidence[0], rows.evidence[0])), MODELS)
    assert same.opinion == "no better"
    assert all((m.first, m.low, m.high) == (m.second, 0.0, 0.0) for m in same.measures)


def test_budgets_are_those_the_rows_can_carry() -> None:
    """Two thousand legitimate rows carry one in a hundred and not one in ten thousand; forty only one in ten."""
    assert [m.name for m in compare(held(0.0, 1.0), MODELS).measures][:2] == [
        "found at 1 % false alarms",
        "area under the ROC",
    ]
    few = compare(held(0.0, 1.0, honest=40), MODELS)
    assert few.measures[0].name == "found at 10 % false alarms"
    many = compare(held(0.0, 1.0, honest=4_000), MODELS)
    assert many.measures[2].name == "found, on average of these"


def test_a_threshold_lets_no_more_alarm_than_the_budget() -> None:
    """Where half of the legitimate tie at the top, nothing can be found without alarming on them all."""
    rows = held(0.0, 0.0)
    tied = np.where(rows.malicious | (np.arange(len(rows.malicious)) % 2 == 0), 5.0, 0.0)
    found = compare(rows._replace(evidence=(tied, tied)), MODELS)
    assert found.measures[0].first == 0.0


def test_a_theft_counts_once_however_many_rows_it_has() -> None:
    """A thief with a hundred rows that are found weighs as one with a single row that is not."""
    thefts = 10
    rows = held(0.0, 0.0, thefts=thefts)
    again = np.concatenate([np.arange(thefts), np.zeros(99, dtype=int), np.arange(thefts, len(rows.malicious))])
    said = np.where(rows.malicious & (rows.owners == 0), 9.0, -9.0)[again]
    many = Held(rows.malicious[again], rows.owners[again], rows.uses[again], (said, said))
    assert compare(many, MODELS).measures[0].first == pytest.approx(1.0 / thefts)


def test_too_little_is_named() -> None:
    """Too few thefts, or too few legitimate rows, are said with the number it takes."""
    few = held(0.0, 6.0, thefts=LEAST_THEFTS - 1)
    assert compare(few, MODELS).opinion == "cannot be told"
    assert f"it takes {LEAST_THEFTS}" in lacking(few.malicious, few.owners)
    lonely = held(0.0, 6.0, honest=LEAST_LEGITIMATE - 1)
    assert f"it takes {LEAST_LEGITIMATE}" in lacking(lonely.malicious, lonely.owners)
