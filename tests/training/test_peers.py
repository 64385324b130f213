"""Peer groups are found in what requesters did, leave as plain data, and keep their names."""

from __future__ import annotations

import random

from detector.baselines.peers import SURE, Peers, Way
from detector.training.peers import LEAST_FLEET, LEAST_MEMBERS, peer_groups

KINDS = ("billing", "search", "deploy")


def ways(each: int = 12, *, groups: dict[str, str] | None = None) -> list[Way]:
    """Requesters of three kinds of work, with names that say nothing and a resource of their own each."""
    dice, found = random.Random(7), []
    for number in range(each * len(KINDS)):
        kind, name = KINDS[number % len(KINDS)], f"svc{number}"
        marks = {f"area={kind}": 1.0, "issuer=vault": 1.0, f"network=10.{len(kind)}.{dice.randrange(2)}": 0.7}
        marks |= {f"resource={kind}/{dice.randrange(4)}": 0.5, f"resource=own/{name}": 0.4}
        found.append(Way(name, marks, 40, (groups or {}).get(name)))
    return found


def kinds_of(placed: dict[str, str]) -> dict[str, set[str]]:
    """The kinds of work in each group."""
    found: dict[str, set[str]] = {}
    for name, group in placed.items():
        found.setdefault(group, set()).add(KINDS[int(name[3:]) % len(KINDS)])
    return found


def test_who_does_the_same_work_is_grouped_together() -> None:
    """No group mixes kinds of work, each has members enough to borrow from, and they are sure of it."""
    found = peer_groups(ways())
    placed = {name: placement.group for name, placement in found.moved.items()}
    assert len(placed) == len(KINDS) * 12
    assert all(len(kinds) == 1 for kinds in kinds_of(placed).values())
    assert all(profile.members >= LEAST_MEMBERS for profile in found.profiles.values())
    assert sum(profile.members for profile in found.profiles.values()) == len(placed)
    assert min(placement.sure for placement in found.moved.values()) > SURE


def test_the_same_requesters_give_the_same_groups_in_any_order() -> None:
    """Neither order nor a second run changes a bit of what is found."""
    shuffled = ways()
    random.Random(1).shuffle(shuffled)
    assert peer_groups(ways()) == peer_groups(shuffled) == peer_groups(ways())


def test_too_few_are_not_grouped() -> None:
    """A dozen identities show no kinds: nothing is found, and names go on making the groups."""
    few = ways()[: LEAST_FLEET - 1]
    assert peer_groups(few).profiles == {}
    assert peer_groups(few).moved == {}


def test_groups_keep_their_names() -> None:
    """A group is called as the former one with which it shares most members; a new one takes a free number."""
    first = peer_groups(ways())
    called = {group: f"g{70 + number}" for number, group in enumerate(first.profiles)}
    before = {name: called[placement.group] for name, placement in first.moved.items() if name != "svc0"}
    again = peer_groups(ways(groups=before))
    assert {name: placement.group for name, placement in again.moved.items() if name != "svc0"} == before
    assert again.moved["svc0"].group == called[first.moved["svc0"].group]
    known = {name: "g5" for name in before if before[name] == "g70"}
    fresh = peer_groups(ways(groups=known))
    assert sorted(fresh.profiles) == [f"g{5 + number}" for number in range(len(fresh.profiles))]


def test_a_profile_places_newcomers_without_the_library() -> None:
    """A few marks are enough for the right group; more of them, and more events, make it surer; none is like nobody."""
    found = peer_groups(ways())
    peers = Peers(found.profiles, found.scarcity, found.unheard)
    little = peers.place({"area=search": 1.0, "issuer=vault": 1.0}, 1)
    more = peers.place({"area=search": 1.0, "issuer=vault": 1.0, "network=10.6.0": 0.7, "resource=search/1": 0.5}, 8)
    assert little is not None
    assert more is not None
    assert little.group == more.group == found.moved["svc1"].group
    assert 0.0 < little.sure < more.sure <= 1.0
    assert peers.place({"area=elsewhere": 1.0}, 50) is None
