"""What is at stake moves the step-up threshold, and nothing else."""

from __future__ import annotations

import dataclasses

from detector.engine.policy import Thresholds
from tests.engine.world import HOUSE, ISSUER, SERVICE, World

BOLD = {"resource": "prod/root", "privilege": "admin", "sensitivity": "critical", "ttl_seconds": 36_000.0}
MEEK = {"resource": "prod/news", "privilege": "read", "sensitivity": "low", "ttl_seconds": 60.0}


def house(**changes: object) -> World:
    """A world whose grants differ in what is at stake."""
    world = World(dataclasses.replace(HOUSE, **changes)).live()  # type: ignore[arg-type]
    for number in range(12):
        world.wait(3_600.0).issue(id=f"s{number}", credential=f"s{number}", **(MEEK if number % 3 else BOLD))
    world.wait(8 * 86_400.0).issue(id="later", credential="later")  # what was flagged has taught by now
    return world


def test_more_at_stake_is_stepped_up_sooner() -> None:
    """The evidence is what it was; the threshold gives way for what reaches far, and is stricter with the meek."""
    world, flat = house(), house(tighten=0.0)
    bold, meek = world.ask(id="a", **BOLD), world.ask(id="b", **MEEK)
    assert bold.weighed.step_up_at < 6 * 1024 < meek.weighed.step_up_at
    assert bold.weighed.step_up_at == 6 * 1024 - bold.weighed.tightened
    assert flat.ask(id="a", **BOLD).weighed.step_up_at == 6 * 1024
    assert flat.ask(id="c", **BOLD).weighed.own == world.ask(id="c", **BOLD).weighed.own


def test_an_issuers_own_threshold_stays() -> None:
    """What an operator set for one issuer is not moved by what is at stake there."""
    world = house(issuer_thresholds={ISSUER: Thresholds(step_up=4.0, deny=9.0)})
    assert world.ask(**BOLD).weighed.step_up_at == 4 * 1024


def test_reach_is_shown_and_survives_a_restart() -> None:
    """Both for a requester and for its issuer, and only what was issued extends it."""
    world = house()
    shown = world.engine.requester(SERVICE)
    assert shown is not None
    points = shown["reach"]["points"]
    assert points >= 81.0
    world.ask(resource="never/minted", privilege="admin")
    assert world.restarted(cut=10).requester(SERVICE)["reach"]["points"] == points  # type: ignore[index]
    assert world.engine.issuer(ISSUER)["reach"]["points"] >= 81.0  # type: ignore[index]
