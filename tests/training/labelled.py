"""A small organisation with labels: the honest now and then do another job, thieves only come soon after victims."""

from __future__ import annotations

import random
from typing import Final

from detector.events import Event, Issuance, Source, Usage
from tests.engine.world import HOUR, MONDAY, World

REQUESTERS: Final = 90
USERS: Final = 6
MINTS: Final = 60
ODD_EVERY: Final = 40
FIRST_LABELLED: Final = 20
"""Mints of each requester that nobody labelled: its habits are young, whoever it is."""


def lived(seed: int = 1) -> tuple[list[Event], dict[str, bool]]:
    """Its events in time order, and which of them were malicious.

    One honest mint in forty is another job altogether, so that here a new resource
    by a new client from a new network means nothing. Each requester is stolen once:
    the thief mints what his victim does, ten minutes after it, for another purpose.
    """
    dice = random.Random(seed)
    world = World()
    events: list[Event] = []
    labels: dict[str, bool] = {}
    for number in range(REQUESTERS):
        name, home = f"spiffe://prod/app/svc{number}", Source(ip=f"10.1.{number}.7", user_agent="agent/1")
        usual: dict[str, str] = {"resource": f"app{number}/db", "purpose": "nightly"}
        stolen = dice.randrange(FIRST_LABELLED, MINTS)
        for mint in range(MINTS):
            world.clock.now = MONDAY + 3 * HOUR * mint + 60.0 * number + dice.random() * 30.0
            job = usual
            if (7 * mint + number) % ODD_EVERY == 0:
                job = {**usual, "resource": f"team{dice.randrange(10**6)}/job"}
            elsewhere = Source(ip=f"192.0.2.{dice.randrange(256)}", user_agent=f"tool{dice.randrange(10**6)}/2")
            source = home if job is usual else elsewhere
            issuance = world.issuance(id=f"i{number}-{mint}", requester=name, source=source, **job)
            events.append(issuance)
            if number < USERS:
                events.append(world.usage(issuance.credential, id=f"u{number}-{mint}", source=home))
            if mint >= FIRST_LABELLED:
                labels[issuance.id] = False
            if mint == stolen:
                world.wait(600.0)
                stolen_for = {**usual, "purpose": f"audit-{dice.randrange(10**6)}"}
                theft = world.issuance(id=f"t{number}", requester=name, source=home, **stolen_for)
                events.append(theft)
                labels[theft.id] = True
    return sorted(events, key=_when), labels


def shuffled(labels: dict[str, bool], seed: int = 2) -> dict[str, bool]:
    """The same labels, each given to some event or other."""
    told = list(labels.values())
    random.Random(seed).shuffle(told)
    return dict(zip(labels, told, strict=True))


def _when(event: Event) -> float:
    assert isinstance(event, Issuance | Usage)
    return event.time
