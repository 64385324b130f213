"""Advice: what was ever seen to be enough, with the counts it rests on; and that it changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detector.engine import wear
from detector.engine.wear import LEAST_LEASES, MOST_ACTIONS, MOST_COUNTED, MOST_OPEN, SETTLE_SECONDS, Worn
from detector.policies import Advice
from tests.engine.world import DAY, HOUR, MONDAY, RESOURCE, SERVICE, World

KEY = f"{SERVICE}\x1fwrite\x1f{RESOURCE}"


def worked(leases: int = 60, *, world: World | None = None, after: float = 200.0, **more: Any) -> World:
    """A requester that mints once an hour, each time for an hour, and uses it once, so long after the mint."""
    world = World() if world is None else world
    asked = {"ttl_seconds": 3_600.0, **more.pop("asked", {})}
    for _ in range(leases):
        row = world.wait(7_200.0 - after).issue(**asked)
        world.wait(after)
        world.use(row.credential, **more)
    return world.wait(7_200.0)


def advised(world: World, **asked: Any) -> Advice | None:
    """What an ask is told."""
    return world.ask(**{"ttl_seconds": 3_600.0, **asked}).advice


def counted(world: World) -> Worn:
    """What is known of the right that `worked` mints."""
    found = world.state.memory.worn.get(KEY)
    assert found is not None
    return found


# -- lifetimes --------------------------------------------------------------------------------------


def test_a_shorter_lifetime_is_advised_once_enough_was_seen() -> None:
    """Long enough for what was seen, in whole minutes, with the counts it rests on."""
    assert advised(worked(LEAST_LEASES)) is None
    advice = advised(worked(LEAST_LEASES + 2))
    assert advice is not None
    assert advice.max_ttl_seconds == 300.0
    count = LEAST_LEASES + 1  # the latest has not ended as far as is known
    assert advice.because == (f"{count} of {count} credentials were last used within 300 s of their mint",)


@pytest.mark.parametrize(("after", "seconds"), [(1.0, 60.0), (59.0, 120.0), (200.0, 300.0), (900.0, 1_080.0)])
def test_it_is_never_shorter_than_what_was_seen(after: float, seconds: float) -> None:
    """Nor shorter than a minute."""
    advice = advised(worked(after=after))
    assert advice is not None
    assert advice.max_ttl_seconds == seconds > after


@pytest.mark.parametrize("asked", [{"ttl_seconds": 500.0}, {"ttl_seconds": None}, {"resource": "kv/other"}])
def test_nothing_is_advised_where_little_would_come_of_it(asked: dict[str, Any]) -> None:
    """Not a little less, not where nothing is asked for, not for what was never seen."""
    assert advised(worked(), **asked) is None


def test_a_few_long_ones_do_not_count_and_many_do() -> None:
    """One in fifty may have to renew; where it is one in ten, the longer lifetime is needed."""
    few, many = World(), World()
    for number in range(100):
        worked(1, world=few, after=3_000.0 if number == 50 else 100.0)
        worked(1, world=many, after=3_000.0 if number % 10 == 0 else 100.0)
    advice = advised(few)
    assert advice is not None
    assert advice.max_ttl_seconds == 180.0
    assert advice.because == ("98 of 99 credentials were last used within 180 s of their mint",)
    assert advised(many) is None


def test_a_job_that_gets_longer_is_followed() -> None:
    """Counts are halved now and then: what was true a year ago is outvoted."""
    world = worked(MOST_COUNTED, after=100.0)
    worked(MOST_COUNTED // 4, world=world, after=3_000.0)
    assert advised(world) is None
    assert sum(counted(world).ages.values()) <= MOST_COUNTED


def test_unused_credentials_say_nothing_about_how_long() -> None:
    """They are counted apart."""
    world = World()
    for _ in range(40):
        world.wait(7_200.0).issue(ttl_seconds=3_600.0)
    assert advised(world) is None
    assert counted(world).unused == 39


def test_a_credential_counts_once_it_has_ended() -> None:
    """By its expiry or by being revoked, with some time for late lines; a live one, and one that never ends, do not."""
    world = worked(LEAST_LEASES + 1)
    before = sum(counted(world).ages.values())
    row = world.issue(ttl_seconds=3_600.0)
    world.use(row.credential)
    world.wait(60.0).issue(ttl_seconds=3_600.0)
    assert sum(counted(world).ages.values()) == before + 1  # that of before, not the live one
    world.happens("revoked", row.credential or "")
    world.wait(SETTLE_SECONDS + 1.0).issue(ttl_seconds=3_600.0)
    assert sum(counted(world).ages.values()) == before + 2
    endless = World()
    endless.issue(ttl_seconds=None)
    assert counted(endless).open == []


# -- narrower ---------------------------------------------------------------------------------------


def test_a_weaker_privilege_is_advised_where_nothing_stronger_was_ever_done() -> None:
    """And no longer once it was, a single time; what was denied shows no need."""
    world = worked(action="s3:GetObject")
    world.use(world.issue(ttl_seconds=3_600.0).credential, action="s3:PutObject", outcome="denied")
    advice = advised(world)
    assert advice is not None
    assert advice.narrower is not None
    assert advice.narrower.privilege == "read"
    assert advice.because[1].startswith("nothing stronger than read was done")
    assert "in 60 uses of 60 credentials" in advice.because[1]
    world.use(world.issue(ttl_seconds=3_600.0).credential, action="s3:PutObject")
    after = advised(world)
    assert after is None or after.narrower is None or after.narrower.privilege is None


def test_fewer_actions_are_advised_where_they_are_of_the_same_words() -> None:
    """Only where what was used is part of what is asked for: other vocabularies are not compared."""
    asked = {"actions": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")}
    world = worked(action="s3:PutObject", asked=asked)
    advice = advised(world, **asked)
    assert advice is not None
    assert advice.narrower is not None
    assert advice.narrower.actions == ("s3:PutObject",)
    other = advised(world, actions=("write", "list"))
    assert other is None or other.narrower is None or other.narrower.actions == ()


def test_less_ground_is_advised_where_uses_stay_within_part_of_it() -> None:
    """The longest part of the name that all uses share, where that lies under what is asked for."""
    world = World()
    for number in range(60):
        asked = {"resource": "bucket/*"}
        worked(1, world=world, resource=f"bucket/eu/{number % 3}/file", asked=asked)
    advice = advised(world, resource="bucket/*")
    assert advice is not None
    assert advice.narrower is not None
    assert advice.narrower.resource == "bucket/eu"


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("a/b/c", "a/b/d", "a/b"),
        ("a/b/c", "a/b", "a/b"),
        ("a/bc", "a/bd", "a"),
        ("a/b", "a/bc", "a"),
        ("a", "b", ""),
        ("arn:x:y", "arn:x:z", "arn:x"),
        ("", "a", ""),
    ],
)
def test_names_share_whole_segments(one: str, other: str, shared: str) -> None:
    """Whichever comes first."""
    assert wear._shared(one, other) == wear._shared(other, one) == shared


@pytest.mark.parametrize("missing", ["action", "resource"])
def test_what_the_log_does_not_say_is_not_taken_for_little(missing: str) -> None:
    """A use that does not say what it did may have done anything."""
    world = worked(action="s3:GetObject", resource=f"{RESOURCE}/x")
    before = advised(world)
    assert before is not None
    assert before.narrower is not None
    world.use(world.issue(ttl_seconds=3_600.0).credential, **{"action": "s3:GetObject", missing: None})
    advice = advised(world)
    assert advice is not None
    if missing == "action":
        assert advice.narrower is None or advice.narrower.privilege is None
    else:
        assert advice.narrower is None or advice.narrower.resource is None


# -- what it costs, and what it does not ------------------------------------------------------------


def test_advice_changes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """With it and without, a decision is the same but for the advice."""
    world = worked(action="s3:GetObject")
    request = world.grant(ttl_seconds=3_600.0)
    with_it = world.folded().ask(request, trusted=True).decision
    monkeypatch.setattr(wear, "LEAST_LEASES", 10**9)
    without = world.folded().ask(request, trusted=True).decision
    assert with_it.advice is not None
    assert without.advice is None
    assert msgspec.structs.replace(with_it, advice=None) == without


def test_it_is_folded_alike_from_log_and_snapshot() -> None:
    """Also where a snapshot was taken in the middle, and the older half of what is known had to be taken up again."""
    world = World()
    world.state.memory.worn.limit = 3
    for number in range(12):
        worked(2, world=world, asked={"resource": f"kv/{number % 5}"})
    state = type(world.state).revive(world.state.snapshot())
    assert state.digest() == world.engine.digest()
    whole = worked(20)
    for cut in (5, 33, None):
        assert whole.restarted(cut=cut).digest() == whole.engine.digest()


def test_what_is_remembered_of_a_right_is_bounded() -> None:
    """However many credentials are open, whatever is done with them; and nobody waits for one that is forgotten."""
    world = World()
    for number in range(3 * MOST_OPEN):
        row = world.wait(1.0).issue(ttl_seconds=3_600.0)
        for action in range(3):
            world.use(row.credential, action=f"do:{number}-{action}", resource=f"r/{number}/{action}")
    known = counted(world)
    assert len(known.open) == MOST_OPEN
    assert len(known.actions) == MOST_ACTIONS + 1
    assert len(msgspec.msgpack.encode(known)) < 1_000
    for credential in known.open:
        world.state.memory.joins.leases.drop(credential)
    world.wait(HOUR).issue(ttl_seconds=3_600.0)
    assert len(counted(world).open) == 1


def test_the_rights_that_are_remembered_are_bounded() -> None:
    """A requester that asks for ever more things has the oldest forgotten."""
    world = World()
    world.state.memory.worn.limit = 10
    for number in range(100):
        world.wait(1.0).issue(resource=f"kv/{number}")
    assert len(world.state.memory.worn) <= 20
    assert world.clock.now < MONDAY + DAY
