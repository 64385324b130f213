"""The poisoning benchmark attacks as it says, and what must hold of any engine holds of ours."""

from __future__ import annotations

import random
from typing import Self

import pytest

from bench.detection.ours import shipped_policy
from bench.poisoning.__main__ import Victims, victims, warmed
from bench.poisoning.attackers import Answer, brute, flood, frog
from bench.poisoning.cases import Told, again, candidates, stage
from bench.poisoning.course import CHANGES, SETTLED, opened, poison, recover
from bench.poisoning.filtered import Filtered
from bench.poisoning.ours import Ours
from detector.events import GrantRequest, Issuance

DAYS = 6


class Pupil:
    """Allows whatever it has seen that identity mint often enough; flags what it has not."""

    def __init__(self, needed: int, seen: dict[tuple[str, str], int] | None = None) -> None:
        self.needed, self.seen = needed, dict(seen or {})

    def copy(self) -> Self:
        """As wise as this one."""
        return type(self)(self.needed, self.seen)

    def ask(self, grant: GrantRequest, principal: str) -> Answer:
        """Odd is what was seldom seen."""
        count = self.seen.get((principal, grant.resource), 0)
        return Answer(count >= self.needed, -float(count))

    def take(self, told: Told) -> bool | None:
        """Flag, then count."""
        if not isinstance(told.event, Issuance):
            return None
        key = (told.principal, told.event.grant.resource)
        flagged = not self.ask(told.event.grant, told.principal).allowed
        self.seen[key] = self.seen.get(key, 0) + 1
        return flagged


@pytest.fixture(scope="module")
def victim() -> Victims:
    """A small organisation with one case."""
    found = victims("vault", 6, days=DAYS, most=1)
    assert found.cases
    return found


def test_a_brute_needs_as_many_mints_as_the_pupil_does(victim: Victims) -> None:
    """Days follow from mints: ten a day reach fifteen on the second day, one a day not within the horizon."""
    case = victim.cases[0]
    ready = opened(Pupil(15), victim.stage, case)
    quick = poison(ready.copy(), victim.stage, case, brute(10), days=DAYS)
    slow = poison(ready.copy(), victim.stage, case, brute(1), days=DAYS)
    assert quick.days is not None
    assert 1.0 < quick.days <= 2.0
    assert quick.flagged == 15
    assert slow == (None, DAYS, DAYS)


def test_who_never_mints_the_forbidden_never_teaches_it(victim: Victims) -> None:
    """The frog and the flood mint nothing that a pupil would refuse, and so never get the forbidden from it."""
    case = victim.cases[0]
    warm = opened(warmed(Pupil(1), victim.stage), victim.stage, case)
    for attack in (frog, flood(3)):
        found = poison(warm.copy(), victim.stage, case, attack, days=DAYS)
        assert (found.days, found.flagged) == (None, 0)


def test_asking_teaches_neither(victim: Victims) -> None:
    """Fifty asks change nothing of what the next one is told, by the engine or by the filter."""
    case, dice = victim.cases[0], random.Random(1)
    for judge in (Ours(shipped_policy()), Filtered("LODA", q=0.99, guarded=True)):
        ready = opened(warmed(judge, victim.stage), victim.stage, case)
        asked = again(case.forbidden, case.start, dice)
        told = {ready.ask(asked, case.principal) for _ in range(50)}
        assert len(told) == 1


def test_who_mints_the_forbidden_is_seen_at_it(victim: Victims) -> None:
    """What an ask refuses is flagged when it is minted: brute force is not quiet, whatever it teaches."""
    case = victim.cases[0]
    ready = opened(warmed(Ours(shipped_policy()), victim.stage), victim.stage, case)
    for times in (1, 100):
        found = poison(ready.copy(), victim.stage, case, brute(times), days=2)
        assert found.flagged >= 1


@pytest.mark.parametrize("change", CHANGES)
def test_a_lasting_change_is_believed(change: str) -> None:
    """Protection has a way back: whoever moves for good is allowed again within four weeks, nobody answering."""
    scene = stage("vault", 6, days=28, requesters=8)
    case = candidates(scene, random.Random(1))[0]
    ready = opened(warmed(Ours(shipped_policy()), scene), scene, case)
    found = recover(ready, scene, case, change, days=28)
    assert found is not None
    assert found.mints > SETTLED
    assert found.events is not None
