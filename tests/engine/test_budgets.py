"""Budgets: thresholds follow what aged, slowly, only by a logged event, and never by what was found to be abuse."""

from __future__ import annotations

import dataclasses
import random

from detector.engine.budgets import AGED_DAYS, SEASONED_DAYS, SLEW, STRICTER, Reference, counts, draw, wealth_limit
from detector.engine.policy import Policy, Thresholds
from detector.engine.records import Observed, Recalibrated
from detector.features.rhythm import DAY
from detector.risk.wealth import SETTLED_DAYS, Days
from tests.engine.world import HOUSE, SERVICE, World

POLICY = Policy()


def days_of(reference: Reference, policy: Policy, *, scale: float, days: int, seed: int = 7) -> Reference:
    """So many days of 2,000 grants and uses, with exponentially falling evidence, and 100 requester-days."""
    dice, people = random.Random(seed), [Days(day=1, lived=SETTLED_DAYS) for _ in range(100)]
    for day in range(2, days + 2):
        for _ in range(2_000):
            for use in (False, True):
                reference.count_row(dice.expovariate(1.0 / scale), use=use)
        for person in people:
            person.top, person.peak = dice.expovariate(1.0 / scale), 0.0
            reference.count_day(person, day * DAY)
            person.day = day
        reference.turn(draw(reference, policy), day)
    return reference


def drawn(scale: float, *, policy: Policy = POLICY, days: int = 40) -> Thresholds:
    """The thresholds that so many days lead to."""
    made = days_of(Reference(day=1), policy, scale=scale, days=days).drawn
    assert made is not None
    return made.thresholds


def test_a_noisy_house_gets_a_higher_threshold_and_a_quiet_one_a_lower() -> None:
    """To where one row in a thousand lies above (1.1 nats times ln 1000 is 7.6, 0.75 times it 5.2), or just past it."""
    assert 7.5 <= drawn(1.1).step_up <= 8.1
    assert 5.1 <= drawn(0.75).step_up <= 5.6


def test_thresholds_move_slowly_and_only_so_far() -> None:
    """However wild a house becomes overnight."""
    assert drawn(30.0, days=5).step_up <= POLICY.thresholds.step_up + 5 * SLEW
    assert drawn(30.0, days=60).step_up == POLICY.thresholds.step_up + STRICTER


def test_without_a_budget_nothing_moves() -> None:
    """Whoever sets thresholds by hand keeps them."""
    fixed = dataclasses.replace(POLICY, step_up_budget=0.0, false_deny_budget=0.0)
    assert drawn(5.0, policy=fixed) == fixed.thresholds
    assert wealth_limit(fixed) == float("inf")


def test_rows_of_newcomers_do_not_count_and_flagged_ones_once_a_day() -> None:
    """Neither an organisation's first days nor one noisy identity sets the threshold for all."""
    assert counts(Days(lived=SEASONED_DAYS - 1), 1.0, 0.0, flagged=False) is None
    days = Days(lived=SEASONED_DAYS)
    said = [counts(days, 9.0, 20_000 * DAY + second, flagged=True) for second in (1.0, 2.0)]
    assert said == [9.0, None]
    assert counts(days, 9.0, 20_001 * DAY, flagged=True) == 9.0


def test_a_label_takes_an_abused_requesters_days_out() -> None:
    """What was counted of its last days is as if it had never been."""
    clean, tainted = (days_of(Reference(day=1), POLICY, scale=1.0, days=10) for _ in range(2))
    victim = Days(day=11, lived=SETTLED_DAYS)
    for day in range(11, 14):
        victim.top, victim.peak, victim.day = 15.0, 9.0, day
        tainted.count_day(victim, (day + 1) * DAY)
    assert tainted.young != clean.young
    tainted.uncount(victim)
    assert [(c.peaks.units, c.peaks.count) for c in tainted.young] == [
        (c.peaks.units, c.peaks.count) for c in clean.young
    ]
    assert [t.above(15.0) for c in tainted.young for t in c.tops] == [0.0] * len(tainted.young) * 4


def test_requester_days_count_once_they_have_aged() -> None:
    """A day is young for a week: time for somebody to say what it was."""
    reference = days_of(Reference(day=1), POLICY, scale=1.0, days=AGED_DAYS - 1)
    assert reference.aged.peaks.units == 0.0
    assert days_of(reference, POLICY, scale=1.0, days=2).aged.peaks.units > 0.0


def test_thresholds_change_by_a_logged_event_only() -> None:
    """The first event of another day brings what is drawn for it, before it is judged itself; asks bring nothing."""
    world = World().live()
    before = [record for record in world.log.records() if isinstance(record, Recalibrated)]
    world.wait(DAY).ask()
    assert [r for r in world.log.records() if isinstance(r, Recalibrated)] == before
    world.issue()
    *_, turned, observed = world.log.records()
    assert isinstance(turned, Recalibrated)
    assert isinstance(observed, Observed)
    assert turned.drawn == world.state.memory.reference.drawn


def test_what_is_in_force_stands_in_each_judgement() -> None:
    """Thresholds are recorded with what they judged; an issuer's own are never moved."""
    strict = dataclasses.replace(HOUSE, issuer_thresholds={"strict": Thresholds(step_up=2.0, deny=3.0)})
    world = World(strict).live()
    own, general = world.ask(issuer="strict"), world.ask(id="other")
    assert (own.weighed.step_up_at, own.weighed.deny_at) == (2 * 1024, 3 * 1024)
    assert general.weighed.step_up_at == 6 * 1024
    assert world.state.memory.standings[SERVICE].days.day > 0
