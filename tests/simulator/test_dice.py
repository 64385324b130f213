"""Chance is the same everywhere and follows its distributions."""

from __future__ import annotations

from statistics import fmean, pvariance

from detector.simulator.dice import Dice, hash_of


def test_stream_is_pinned() -> None:
    """These very numbers, on every machine and version of Python: only `random()` is promised, and only it is used."""
    dice = Dice("pinned")
    assert [dice.below(1000) for _ in range(6)] == [466, 117, 625, 171, 394, 866]
    assert dice.hexes(8) == "bfe47fd1"


def test_forks_are_independent_of_what_their_parent_drew() -> None:
    """A fork depends on its name alone, so that one part's draws never move another's."""
    used = Dice("seed")
    for _ in range(10):
        used.unit()
    assert used.fork("part").unit() == Dice("seed").fork("part").unit()
    assert Dice("seed").fork("part").unit() != Dice("seed").fork("other").unit()


def test_counts_have_the_means_they_are_asked_for() -> None:
    """Poisson, geometric, exponential and gamma draws average to their parameters."""
    dice = Dice("means")
    assert abs(fmean(dice.poisson(3.0) for _ in range(4000)) - 3.0) < 0.15
    assert abs(fmean(dice.poisson(70.0) for _ in range(500)) - 70.0) < 2.0
    assert abs(fmean(dice.geometric(2.0) for _ in range(6000)) - 2.0) < 0.15
    assert abs(fmean(dice.exponential(5.0) for _ in range(6000)) - 5.0) < 0.3
    for shape in (0.5, 2.0, 9.0):
        drawn = [dice.gamma(shape) for _ in range(6000)]
        assert abs(fmean(drawn) - 1.0) < 0.08
        assert abs(pvariance(drawn) - 1.0 / shape) < 0.25 / shape


def test_weights_are_followed() -> None:
    """Three times the weight is drawn three times as often."""
    dice = Dice("weights")
    drawn = [dice.weighted("ab", (3.0, 1.0)) for _ in range(4000)]
    assert abs(drawn.count("a") / 4000 - 0.75) < 0.03


def test_hash_is_the_same_everywhere() -> None:
    """FNV-1a of a known text."""
    assert hash_of("a") == 0xAF63DC4C8601EC8C
