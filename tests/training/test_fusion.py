"""What is fitted: weights near what was believed before, and a curve that never falls."""

from __future__ import annotations

import numpy as np
import pytest

from detector.evidence import EvidenceModel, Weight, along
from detector.training.fusion import KNOTS, fit_curve, fit_weights

BEFORE = [Weight.even(1.0), Weight.even(0.5), Weight.even(0.0)]
CODES = ("a", "b", "c")


def rows(many: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of three codes, of which only the third tells abuse (one row in five)."""
    drawn = np.random.default_rng(3)
    abusive = np.arange(many) % 5 == 0
    shares = drawn.exponential(0.5, size=(many, 3))
    shares[:, 2] += abusive
    return shares, abusive


def moved(many: int) -> float:
    """How far so many rows move the weights from those believed before."""
    shares, abusive = rows(many)
    found = fit_weights(shares, np.zeros(shares.shape, bool), abusive, CODES, before=BEFORE, regularisation=0.03)
    return sum(abs(found[code].known - before.known) for code, before in zip(CODES, BEFORE, strict=True))


def test_few_rows_leave_the_weights_where_they_were() -> None:
    """Ten labels move little, a thousand much: what was believed before is a prior."""
    assert moved(10) < 0.5 * moved(1_000)


def test_weights_are_never_negative_and_unvaried_ones_stay() -> None:
    """A code that speaks against abuse comes to nothing; one that never varied keeps the weight it had."""
    shares, abusive = rows(2_000)
    shares[:, 0], shares[:, 1] = 0.0, np.where(abusive, 0.0, shares[:, 1] + 1.0)
    believed = [Weight.even(1.0), Weight.even(0.5), Weight.even(1.0)]
    found = fit_weights(shares, np.zeros(shares.shape, bool), abusive, CODES, before=believed)
    assert all(part >= 0.0 for weight in found.values() for part in weight)
    assert found["a"] == believed[0]
    assert found["b"].known == 0.0
    assert found["c"].known > 0.0


def test_labels_that_are_noise_move_little() -> None:
    """Where what was believed before tells nothing of the labels, their accidents do not become everything."""
    shares, _ = rows(200)
    noise = np.random.default_rng(4).random(200) < 0.2
    before = [Weight.even(1.0)] * 3
    found = fit_weights(shares, np.zeros(shares.shape, bool), noise, CODES, before=before, regularisation=0.03)
    assert all(0.5 < part < 1.5 for weight in found.values() for part in weight)


def drawn_by(base_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Evidence that is worth exactly what it says, at a base rate."""
    drawn = np.random.default_rng(5)
    evidence = drawn.uniform(-1.0, 8.0, 40_000)
    odds = np.exp(evidence - 3.0) * base_rate / (1.0 - base_rate)
    return evidence, drawn.random(40_000) < odds / (1.0 + odds)


@pytest.mark.parametrize("base_rate", [0.5, 0.05])
def test_the_curve_gives_back_the_probability_at_any_base_rate(base_rate: float) -> None:
    """Fitted at one base rate it is right at that one, and being told the wrong one moves all odds alike."""
    evidence, abusive = drawn_by(base_rate)
    model = EvidenceModel(grant_curve=fit_curve(evidence, abusive), base_rate=float(abusive.mean()))
    for low in KNOTS[1:-1]:
        inside = (evidence >= low) & (evidence < low + 1.0)
        said = np.mean([model.probability(nats) for nats in evidence[inside]])
        assert said == pytest.approx(abusive[inside].mean(), abs=0.02)


def test_the_curve_never_falls() -> None:
    """Not even where the rows say it should."""
    evidence, abusive = drawn_by(0.5)
    curve = fit_curve(evidence, np.where((evidence > 2.0) & (evidence < 5.0), ~abusive, abusive))
    said = [along(curve, nats) for nats in np.linspace(-3.0, 30.0, 200)]
    assert said == sorted(said)
