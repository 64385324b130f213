"""Memory is bounded: what is remembered of the latest, exactly; what is older, in the log."""

from __future__ import annotations

import msgspec
import pytest

from detector.engine import joins
from detector.engine.joins import Held, Joins, Lease
from detector.engine.recent import Recent
from detector.features.facets import UNMINTED
from tests.engine.world import SERVICE, World


def test_the_latest_are_remembered_and_the_oldest_forgotten() -> None:
    """Never fewer than the limit, never more than twice the limit, and the latest always among them."""
    recent: Recent[int] = Recent(10)
    for number in range(1_000):
        recent.put(f"k{number}", number)
        assert len(recent) <= 20
        for back in range(min(number + 1, 10)):
            assert recent.get(f"k{number - back}") == number - back
    assert recent.get("k0") is None
    assert "k0" not in recent


def test_putting_again_replaces_and_looking_changes_nothing() -> None:
    """A key stands for what was put last; a look neither renews it nor reorders anything."""
    recent: Recent[str] = Recent(2)
    for key in ("a", "b"):
        recent.put(key, "old")
    recent.put("a", "new")
    before = msgspec.msgpack.encode(recent)
    assert [recent.get("a"), recent.get("b"), recent.get("c")] == ["new", "old", None]
    assert msgspec.msgpack.encode(recent) == before


def test_a_key_of_both_generations_is_the_younger_one() -> None:
    """Put again after the older generation closed, a key is what was put last, and a drop forgets both."""
    recent: Recent[int] = Recent(2)
    for number, key in enumerate(["a", "b", "c", "a"]):
        recent.put(key, number)
    assert recent.get("a") == 3
    recent.drop("a")
    recent.drop("never there")
    assert recent.get("a") is None


def lease(number: int) -> Lease:
    """One credential among many."""
    return Lease(issuance=f"i{number}", requester=SERVICE, issuer="v", mint=UNMINTED, minted=float(number))


def test_joins_forget_the_oldest_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many credentials are minted, so many at most are remembered."""
    few = Joins(leases=Recent(50))
    for number in range(500):
        few.mint(f"c{number}", lease(number), None)
    assert 50 <= len(few.leases) <= 100
    assert few.leases.get("c499") is not None
    assert few.leases.get("c1") is None


def test_uses_beyond_the_limit_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """When so many uses wait already, the next one is judged at once; it is never lost."""
    from detector.engine import observe

    monkeypatch.setattr(observe, "HELD", 5)
    world = World()
    rows = [row for number in range(8) for row in world.engine.observe(world.usage(f"c{number}"))]
    assert [row.kind for row in rows] == ["usage"] * 3
    assert world.state.memory.joins.waiting == 5
    assert len(world.engine.settle()) == 5


def test_waiting_is_counted_rightly() -> None:
    """The count of waiting uses is the number of waiting uses, through holding and releasing in any order."""
    world, held = World(), Joins()
    for number in range(6):
        held.hold(Held(world.usage(f"c{number % 2}", id=f"u{number}"), float(number)))
    assert held.waiting == 6
    for number in (3, 0, 5, 5, 99):
        held.release(f"c{number % 2}", f"u{number}")
    assert held.waiting == 3 == sum(len(uses) for uses in held.held.values())
    assert [use.usage.id for use in held.due(100.0)] == ["u2", "u4", "u1"]
    for number in (1, 2, 4):
        held.release(f"c{number % 2}", f"u{number}")
    assert (held.waiting, held.held) == (0, {})


def test_a_credential_forgotten_is_one_never_seen_minted() -> None:
    """A use of a credential older than memory is judged like any other that nobody was seen minting."""
    world = World()
    world.state.memory.joins.leases = Recent(2)
    first = world.issue().credential
    for _ in range(5):
        world.issue()
    assert world.engine.observe(world.usage(first)) == ()
    assert world.engine.settle()[0].issuance is None


def test_every_memory_of_the_joins_has_a_limit() -> None:
    """Nothing that the joins remember grows with the number of events: each part is bounded by a named constant."""
    limits = {
        name: part.limit for name in Joins.__struct_fields__ if isinstance(part := getattr(Joins(), name), Recent)
    }
    assert set(Joins.__struct_fields__) - set(limits) == {"held", "waiting"}
    assert set(limits.values()) <= {joins.LEASES, joins.IDS, joins.TASKS, joins.CHANGES, joins.OVERHEARD}


def test_a_requesters_standing_is_bounded() -> None:
    """A requester that invents values, resources and oddities for ever costs a bounded amount of memory."""
    from detector.baselines.habits import MOST_VALUES
    from detector.engine.oddities import MOST_ODDITIES
    from detector.engine.state import MOST_HISTORY
    from detector.features.pulse import MOST_SPREAD

    world = World().live(1)
    for number in range(3 * MOST_VALUES):
        world.wait(20.0).issue(resource=f"kv/x{number}", requester=SERVICE, task=f"t{number}")
    standing = world.state.memory.standings[SERVICE]
    assert len(standing.odd) <= MOST_ODDITIES
    assert len(standing.history) <= MOST_HISTORY
    assert len(standing.pulse.recent) <= MOST_SPREAD
    world.wait(40 * 86_400.0).ask()
    assert max(len(values) for values in world.state.baselines.grants.habits[SERVICE].counts) <= MOST_VALUES
