"""The operator's budgets of false alarms, kept: thresholds that follow a reference of aged, unblamed rows.

Once a day the thresholds are drawn anew from what has aged, and move a little
towards what keeps the budgets; the log carries the values. Nothing here is
computed while folding but counts.

What counts: every row of a settled requester that its quarantine released, flagged ones
too (without the tail a p-value is none), and every requester-day a week after it
closed; none that somebody found to be abuse. Of one requester's flagged rows one a
day counts: whoever would flood the reference has to hold many identities.
"""

from __future__ import annotations

import copy
from typing import Final

from msgspec import Struct, field

from detector.engine.calibrating import Labels
from detector.engine.policy import Policy, Thresholds
from detector.evidence import quantised
from detector.features.rhythm import DAY
from detector.risk.tails import Peaks, Tally
from detector.risk.wealth import KEPT_DAYS, RECORDS, Day, Days

AGED_DAYS: Final = 7
"""Days after which a closed requester-day counts: time for somebody to say that it was abuse."""

REFERENCE_HALF_LIFE_DAYS: Final = 28.0
"""A reference is mostly of the last month or two: long enough to be long, short enough to follow a season."""

SLEW: Final = 0.125
"""Nats that a threshold moves in a day at most: who wants to raise it has to flood for weeks, and is seen."""

EASIER: Final = 1.5
STRICTER: Final = 3.0
"""How far (nats) a threshold may come to lie below and above the configured one."""

ODD_DAY: Final = 0.05
"""The share of requester-days that go on the record as odd."""

SEASONED_DAYS: Final = 7
"""Active days before a requester's rows count: what is new to everybody at first is no reference for later."""

LEAST_DAYS: Final = 200.0
"""Aged requester-days before any p-value is drawn from them."""

NEVER: Final = 1e9
"""Nats that no day comes to."""

HALVES: Final = 2.0
"""Two ways to a deny, what accumulates and what is bet: each has half of the budget."""


class Counted(Struct):
    """Requester-days of one stretch of time: their oddest rows by record, and their highest risk."""

    tops: list[Tally] = field(default_factory=lambda: [Tally() for _ in range(RECORDS)])
    peaks: Peaks = field(default_factory=Peaks)

    def merge(self, other: Counted) -> None:
        """Take another stretch in."""
        for mine, theirs in zip(self.tops, other.tops, strict=True):
            mine.merge(theirs)
        self.peaks.merge(other.peaks)


class Drawn(Struct, frozen=True):
    """What was drawn from the reference, and is in force until it is drawn anew.

    `thresholds` in nats; `tails` the requester-days' oddest rows by record, for
    p-values; `odd_from` the nats from which a day is odd; `shift` what words on decisions add to the log odds of risk.
    """

    thresholds: Thresholds
    tails: tuple[Tally, ...] = ()
    odd_from: float = NEVER
    shift: float = 0.0


class Reference(Struct):
    """Everything counted, and what was last drawn from it (on `day`, counted from the epoch)."""

    day: int = 0
    grants: Tally = field(default_factory=Tally)
    uses: Tally = field(default_factory=Tally)
    aged: Counted = field(default_factory=Counted)
    young: list[Counted] = field(default_factory=lambda: [Counted() for _ in range(AGED_DAYS)])
    drawn: Drawn | None = None
    labels: Labels = field(default_factory=Labels)

    def begin(self, now: float) -> None:
        """The first day there is anything to count on: nothing is drawn before it has ended."""
        self.day = self.day or int(now // DAY)

    def count_row(self, nats: float, *, use: bool) -> None:
        """A row was released from its quarantine, and nobody blamed it."""
        (self.uses if use else self.grants).add(nats)

    def count_day(self, days: Days, now: float) -> None:
        """A requester's day has ended: bet on it, and count it among the young."""
        drawn = self.drawn
        chance = self.chance(days.record(days.day), days.top)
        odd = drawn is not None and days.top >= drawn.odd_from
        done = days.close(odd=odd, chance=chance, counted=self.day)
        self._count(done, 1.0)
        today = int(now // DAY)
        days.closed = [day for day in days.closed if day.day > today - KEPT_DAYS]
        days.closed.append(done)

    def uncount(self, days: Days) -> None:
        """A requester was found to be abused: its latest days are no reference for anybody."""
        for done in days.closed:
            self._count(done, -1.0)
        days.closed = []
        days.top = days.peak = 0.0

    def _count(self, done: Day, weight: float) -> None:
        ago = self.day - done.counted
        if ago < len(self.young):
            counted = self.young[-1 - ago]
            counted.tops[done.record].add(done.top, weight)
            counted.peaks.add(done.peak, weight)

    def chance(self, record: int, top: float) -> float:
        """The p-value of a day whose oddest row came to `top` (nats); 1 where it can't be told yet."""
        tails = self.drawn.tails if self.drawn is not None else ()
        if not tails or tails[record].total < LEAST_DAYS:
            return 1.0
        return tails[record].chance(top)

    def turn(self, drawn: Drawn, day: int) -> None:
        """Another day begins, with what was drawn for it: the oldest of the young have aged."""
        fade = 0.5 ** (1.0 / REFERENCE_HALF_LIFE_DAYS)
        self.grants.fade(fade)
        self.uses.fade(fade)
        self.labels.fade(fade)
        for tally in self.aged.tops:
            tally.fade(fade)
        self.aged.peaks.fade(fade)
        self.aged.merge(self.young.pop(0))
        self.young.append(Counted())
        self.drawn, self.day = drawn, day


def counts(days: Days, nats: float, now: float, *, flagged: bool) -> float | None:
    """The evidence (nats) by which a row counts for the thresholds, once it teaches; `None` where it does not."""
    if days.lived < SEASONED_DAYS:
        return None
    if flagged:
        if days.flagged == int(now // DAY):
            return None
        days.flagged = int(now // DAY)
    return nats


def draw(reference: Reference, policy: Policy) -> Drawn:
    """The thresholds and tails that the reference speaks for now. Changes nothing."""
    start = policy.thresholds
    before = reference.drawn.thresholds if reference.drawn is not None else start
    step_up, deny = before.step_up, before.deny
    cuts = [cut for tally in (reference.grants, reference.uses) if (cut := tally.cut(policy.step_up_budget))]
    if cuts:
        step_up = _towards(max(cuts), step_up, start.step_up)
    peaks = reference.aged.peaks
    if policy.false_deny_budget > 0.0 and peaks.units >= LEAST_DAYS:
        chance = policy.false_deny_budget / HALVES / 365.0
        deny = _towards(peaks.level(chance), deny, start.deny)
    every = Tally()
    for tally in reference.aged.tops:
        every.merge(tally)
    told = every.total >= LEAST_DAYS
    return Drawn(
        thresholds=Thresholds(step_up=step_up, deny=deny),
        tails=tuple(copy.deepcopy(reference.aged.tops)),
        shift=reference.labels.shift(),
        odd_from=every.lowest(lambda above: above <= ODD_DAY * every.total, NEVER) if told else NEVER,
    )


def wealth_limit(policy: Policy) -> float:
    """The wealth at which a requester is no longer taken for healthy; infinite without a budget."""
    return HALVES / policy.false_deny_budget if policy.false_deny_budget > 0.0 else float("inf")


def _towards(wanted: float, now: float, start: float) -> float:
    wanted = min(max(wanted, start - EASIER), start + STRICTER)
    return quantised(min(max(wanted, now - SLEW), now + SLEW))
