"""Thieves who hold a requester's own identity and have time. Each says what it mints on one day."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol, TypeAlias

from bench.poisoning.cases import Case, again, spread
from detector.events import GrantRequest

FROG_STEPS: Final = 4
"""Mints a day of the boiling frog: about what its victims mint."""


class Answer(NamedTuple):
    """What an ask is told; more `evidence` is odder."""

    allowed: bool
    evidence: float


class Oracle(Protocol):
    """Whom a thief may ask without anything being learnt."""

    def ask(self, grant: GrantRequest, principal: str) -> Answer:
        """Whether this would be allowed."""


class Mint(NamedTuple):
    """One of a thief's mints, and in whose name."""

    principal: str
    grant: GrantRequest


Attack: TypeAlias = Callable[[Case, Oracle, float, random.Random], Iterator[Mint]]
"""What is minted on the day that begins at that time."""


def brute(times: int) -> Attack:
    """Mints the forbidden itself, so many times a day."""

    def day(case: Case, _: Oracle, start: float, dice: random.Random) -> Iterator[Mint]:
        for time in spread(start, times):
            yield Mint(case.principal, again(case.forbidden, time, dice))

    return day


def frog(case: Case, oracle: Oracle, start: float, dice: random.Random) -> Iterator[Mint]:
    """Mints only what an ask says is allowed, of the forbidden resource's application, the least odd first.

    What is least odd grows familiar and stays least odd: so it takes the oddest ones that are still allowed.
    """
    asked = [(oracle.ask(again(step, start, dice), case.principal), step) for step in case.steps]
    allowed = sorted((answer.evidence, step.resource, step) for answer, step in asked if answer.allowed)
    for time, (_, _, step) in zip(spread(start, FROG_STEPS), allowed[-FROG_STEPS:], strict=False):
        yield Mint(case.principal, again(step, time, dice))


def flood(factor: int) -> Attack:
    """Mints the requester's own ordinary resources so many times as often as it does."""

    def day(case: Case, _: Oracle, start: float, dice: random.Random) -> Iterator[Mint]:
        for time in spread(start, round(factor * case.per_day)):
            yield Mint(case.principal, again(dice.choice(case.usual), time, dice))

    return day


def crowd(case: Case, _: Oracle, start: float, dice: random.Random) -> Iterator[Mint]:
    """Holds three other identities too, and each mints the resource once a day: it looks like a roll-out."""
    for time, (helper, grant) in zip(spread(start, 24), case.helpers, strict=False):
        yield Mint(helper, again(grant, time, dice))


ATTACKS: Final[Mapping[str, Attack]] = {
    "brute, 1 a day": brute(1),
    "brute, 10 a day": brute(10),
    "brute, 100 a day": brute(100),
    "boiling frog": frog,
    "flood, 10 times": flood(10),
    "flood, 100 times": flood(100),
    "crowd of three": crowd,
}
