"""What was flagged is held against whoever asks for it again, until somebody answers for it or a week has passed."""

from __future__ import annotations

from detector.engine.oddities import HELD_SECONDS
from tests.engine.world import AWAY, HOUR, SERVICE, World

FORBIDDEN = {"resource": "vault/root", "privilege": "admin", "source": AWAY}
DAY = 24 * HOUR


def minted(*, requester: str = SERVICE, world: World | None = None) -> World:
    """A world in which the forbidden was minted once, flagged, and nobody said a word."""
    world = world or World().live().wait(2 * HOUR)
    assert world.issue(id=f"bad-{requester}", credential=f"bad-{requester}", requester=requester, **FORBIDDEN).verdict
    return world


def test_what_a_log_taught_unread_is_stepped_up_all_the_same() -> None:
    """After a day it is learnt, and a mint of it is no news; who asks for it still hears that it was flagged."""
    world = minted().wait(3 * DAY)
    world.issue(id="usual", credential="usual")
    again, usual = world.ask(id="again", **FORBIDDEN).weighed, world.wait(2 * HOUR).ask(id="usual-ask").weighed
    assert again.verdict == "step_up"
    assert again.own > usual.own + 20 * 1024


def test_it_ends_after_a_week() -> None:
    """A lasting change that nobody answers for is believed in the end."""
    world = minted().wait(HELD_SECONDS - DAY)
    before = world.ask(id="before", **FORBIDDEN).weighed
    world.wait(2 * DAY).issue(id="usual", credential="usual")
    assert world.ask(id="after", **FORBIDDEN).weighed.own < before.own / 2


def test_it_ends_when_somebody_answers() -> None:
    """An approved step-up that was minted is held against nobody."""
    world = World().live().wait(2 * HOUR)
    asked = world.ask(id="first", **FORBIDDEN)
    assert asked.weighed.verdict == "step_up"
    world.issue(decision=asked.decision, id="good", credential="good", **FORBIDDEN)
    world.engine.record_outcome(asked.decision, "approved", by="ana")
    world.wait(HOUR)
    assert world.ask(id="second", **FORBIDDEN).weighed.own < asked.weighed.own / 2


def test_flagged_takers_make_no_roll_out_for_who_asks() -> None:
    """Three stolen identities that were seen at it do not open the way for a fourth; three that were not, do."""
    alone = World().live()
    crowd = World().live()
    for number in range(3):
        for world in (alone, crowd):
            for mint in range(24):
                name = f"spiffe://prod/app/other{number}"
                world.wait(600.0).issue(id=f"o{number}-{mint}", credential=f"o{number}-{mint}", requester=name)
    for number in range(3):
        minted(requester=f"spiffe://prod/app/other{number}", world=crowd)
    fewest = alone.ask(id="fourth", **FORBIDDEN).weighed.own
    assert crowd.ask(id="fourth", **FORBIDDEN).weighed.own == fewest


def test_who_answers_for_an_ask_answers_for_what_was_held_against_it() -> None:
    """A thief was flagged for a value that his victim shows too, seldom: one approval, and its own asks pass again."""
    world = World().live()
    world.issue(source=AWAY, resource="db/root", privilege="admin")
    held = world.wait(HOUR).ask(source=AWAY)
    assert held.answer != "allow"
    world.engine.record_outcome(held.decision, "approved", by="ana", trust="approver")
    assert world.wait(HOUR).ask(source=AWAY).weighed.own < held.weighed.own / 2
