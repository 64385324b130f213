"""Words on decisions move what `risk` claims, a little at a time, and no verdict."""

from __future__ import annotations

from random import Random

import pytest

from detector.engine.calibrating import MOST_SHIFT, Labels
from tests.engine.world import AWAY, DAY, HOUR, World


def judged(many: int, *, claimed: float, true: float, seed: int = 1) -> Labels:
    """Words on so many decisions that were given one probability, and are abuse with another."""
    dice, labels = Random(seed), Labels()
    for _ in range(many):
        labels.count(claimed, abusive=dice.random() < true)
    return labels


def test_without_a_word_nothing_moves() -> None:
    """Risk is the model's own."""
    assert Labels().shift() == 0.0


@pytest.mark.parametrize(
    ("claimed", "true", "low", "high"), [(0.5, 0.5, -0.4, 0.4), (0.5, 0.9, 1.5, 2.7), (0.8, 0.2, -3.0, -2.0)]
)
def test_the_shift_goes_where_the_words_are(claimed: float, true: float, low: float, high: float) -> None:
    """With two hundred of them it is about the difference of log odds, held back a little."""
    assert low < judged(200, claimed=claimed, true=true).shift() < high


def test_one_word_moves_little_and_a_flood_only_so_far() -> None:
    """The prior holds; and whoever labels a million lies moves no further than the limit."""
    assert 0.0 < judged(1, claimed=0.5, true=1.0).shift() < 0.5
    assert judged(10_000, claimed=0.001, true=1.0).shift() == pytest.approx(MOST_SHIFT, abs=0.01)


def test_a_word_taken_back_counts_no_more() -> None:
    """The analyst changed his mind: as if he had said the second word only."""
    labels, once = Labels(), Labels()
    labels.count(0.7, abusive=True)
    labels.count(0.7, abusive=True, weight=-1.0)
    labels.count(0.7, abusive=False)
    once.count(0.7, abusive=False)
    assert labels.shift() == once.shift()


def test_approvals_bring_risk_down_from_the_next_day_and_no_verdict_with_it() -> None:
    """A month of approved step-ups: the same ask claims less, and is answered alike; the fold agrees."""
    world = World().live(days=2)
    before = world.ask(source=AWAY, resource="db/before", privilege="admin")
    for number in range(20):
        decided = world.wait(HOUR).ask(source=AWAY, resource=f"db/{number}", privilege="admin")
        world.engine.record_outcome(decided.decision, "approved", by="ana", trust="approver")
    world.wait(DAY).issue()
    after = world.wait(HOUR).ask(source=AWAY, resource="db/after", privilege="admin")
    model = world.state.policy.model
    assert after.weighed.risk < round(model.probability(after.weighed.evidence / 1024), 6)
    assert before.weighed.risk == round(model.probability(before.weighed.evidence / 1024), 6)
    assert world.folded().digest() == world.engine.digest()
