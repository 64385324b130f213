"""Peers are grouped by logged events, newcomers are placed by what they do, and asking groups nobody."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from detector.baselines.habits import COLD_EVENTS
from detector.baselines.peers import SURE, Grouping, Placement, Profile
from detector.engine.encoding import decode, encode
from detector.engine.policy import COLD_SHARE, DAY
from detector.engine.records import Decided, PeersAssigned
from detector.events import Source
from detector.training.peers import peer_groups
from tests.engine.world import HOUR, World

KINDS = ("payments", "search", "builds")
EACH = 10
_SITES = {kind: Source(ip=f"10.{number}.0.9", environment="prod") for number, kind in enumerate(KINDS, 20)}


def work(kind: str, number: int = 0, *, requester: str | None = None, **more: Any) -> dict[str, Any]:
    """An issuance of one of a kind's requesters: its resource, its place, its name."""
    resource = f"{kind}/db/{number % 3}"
    plain = {"requester": requester or f"spiffe://prod/{kind}/svc{number}", "resource": resource, "actions": ("read",)}
    return {**plain, "privilege": "read", "source": _SITES[kind], **more}


@pytest.fixture(scope="module")
def fleet() -> World:
    """Three kinds of ten requesters each, who worked for two days, and were grouped meanwhile."""
    world = World(grouper=peer_groups)
    for _ in range(24):
        for number in range(EACH):
            for kind in KINDS:
                world.engine.observe(world.issuance(credential=None, **work(kind, number)))
        world.wait(2 * HOUR)
    return world


def again(fleet: World) -> World:
    """Another world with that past, to be lived on without touching the first."""
    world = World(fleet.policy, log=type(fleet.log)(fleet.log.lines), grouper=peer_groups)
    world.clock.now, world._number = fleet.clock.now, 100_000
    return world


def group_of(world: World, requester: str) -> str:
    """The group that a requester is in."""
    return world.state.baselines.peers.placed[requester].group


def test_peers_are_grouped_by_a_logged_event(fleet: World) -> None:
    """After a day the log says who belongs together, by what they do; old hands are sure of it."""
    said = [record for record in fleet.log.records() if isinstance(record, PeersAssigned)]
    assert said
    assert said[0].whole
    assert len(said[0].grouping.moved) == EACH * len(KINDS)
    groups = [{group_of(fleet, f"spiffe://prod/{kind}/svc{n}") for n in range(EACH)} for kind in KINDS]
    assert all(not one & other for one in groups for other in groups if one is not other)
    assert all(decode(encode(record)) == record for record in said)


def test_rounds_come_seldom(fleet: World) -> None:
    """The second round waits for its day: between them nothing is grouped, however much is observed."""
    stamps = [entry.stamp for entry in fleet.log.read() if isinstance(entry.record, PeersAssigned)]
    assert len(stamps) <= 2
    assert all(later - earlier >= DAY for earlier, later in pairwise(stamps))


def test_folding_applies_groups_and_finds_none(fleet: World) -> None:
    """Folded from the log, or from a snapshot and its tail, by engines that cannot group, the state is the live one."""
    digest = fleet.engine.digest()
    assert fleet.folded().digest() == digest
    for part in (3, 2):
        assert fleet.restarted(cut=len(fleet.log.lines) // part).digest() == digest


def test_a_newcomer_is_placed_by_what_it_does(fleet: World) -> None:
    """Its first ask is held against those who do the same, unsurely; with each lesson it is surer; the view says so."""
    world = again(fleet)
    newcomer = "spiffe://prod/zebra/quokka"
    asked = world.engine.ask(world.grant(**work("search", requester=newcomer)), trusted=True).decision
    group = group_of(world, "spiffe://prod/search/svc1")
    assert asked.group == group
    assert 0.0 < asked.sure < SURE
    assert asked.fellows >= 4
    sure = [asked.sure]
    for number in range(9):
        world.engine.observe(world.issuance(credential=None, **work("search", number, requester=newcomer)))
        world.wait(2 * HOUR)
        view = world.engine.requester(newcomer)
        assert view is not None
        if view["peers"] is not None:
            assert view["peers"]["group"] == group
            sure.append(view["peers"]["sureness"])
    assert sure[-1] > SURE > sure[0]
    assert world.folded().digest() == world.engine.digest()


def test_a_name_alone_borrows_nothing(fleet: World) -> None:
    """Who calls itself like a payments service and works as a search service is no payments service."""
    world = again(fleet)
    actor, honest = "spiffe://prod/payments/svc77", "spiffe://prod/payments/svc78"
    payments = group_of(world, "spiffe://prod/payments/svc1")
    for number in range(4):
        world.engine.observe(world.issuance(credential=None, **work("search", number, requester=actor)))
        world.engine.observe(world.issuance(credential=None, **work("payments", number, requester=honest)))
        world.wait(2 * HOUR)
    placed = world.state.baselines.peers.placed
    assert placed[honest].group == payments
    assert placed[actor].group != payments
    wanted = [world.grant(**work("payments", 2, requester=name)) for name in (actor, honest)]
    refused, allowed = (world.engine.ask(grant, trusted=True).decision for grant in wanted)
    assert refused.weighed.own > allowed.weighed.own + 1024


def test_a_stranger_like_nobody_is_told_so(fleet: World) -> None:
    """A stranger whose name alone is known, and whose first request is like nobody's, has no peers to speak of."""
    world = again(fleet)
    grant = world.grant(
        requester="spiffe://prod/payments/svc99",
        issuer="elsewhere",
        resource="attic/x",
        actions=("shred",),
        privilege="admin",
        ttl_seconds=7.0,
        source=Source(ip="185.220.101.47"),
    )
    assert world.engine.ask(grant, trusted=True).decision.sure < SURE / 2


def test_a_newcomer_is_told_what_its_learnt_peers_show(fleet: World) -> None:
    """What was expected of it is what the group that it is compared with does, and nobody else."""
    world = again(fleet)
    odd = {**work("search", requester="spiffe://prod/zebra/quokka"), "resource": "attic/x"}
    reasons = world.engine.ask(world.grant(**odd), trusted=True).decision.weighed.reasons
    said = next(reason.expected for reason in reasons if "attic" in reason.observed)
    assert "search" in said
    assert not any(kind in said for kind in KINDS if kind != "search")


def test_asking_groups_nobody(fleet: World) -> None:
    """However long a round is due and however often strangers ask, no ask assigns or places anybody."""
    world = again(fleet)
    world.wait(30 * DAY)
    before = world.state.baselines.snapshot()
    records = len(world.log.lines)
    for number in range(5):
        grant = world.grant(**work("search", requester=f"stranger{number}"))
        world.engine.ask(grant, trusted=False)
    assert world.engine.grouping_due()
    assert all(isinstance(record, Decided) for record in world.log.records()[records:])
    # What had been quarantined was learnt meanwhile; nothing that an ask said was.
    waited = again(fleet).wait(30 * DAY)
    waited.engine.ask(waited.grant(**work("search", requester="stranger0")), trusted=False)
    assert world.state.baselines.snapshot() == waited.state.baselines.snapshot()
    assert len(before) > 0


def test_many_placements_take_several_records(fleet: World) -> None:
    """A large fleet's round is logged piece by piece, and folds to what one record would have."""
    world = again(fleet)
    group = group_of(world, "spiffe://prod/search/svc1")
    moved = {f"r{number}": Placement(group, 1.0) for number in range(1_100)}
    profile = Profile({"area=search/db": 1.0}, 0.8, 1_100)
    said = list(world.engine.assign_peers(Grouping({group: profile}, {}, 1.0, moved)))
    assert [len(record.grouping.moved) for record in said] == [500, 500, 100]
    assert [record.whole for record in said] == [True, False, False]
    assert len(world.state.baselines.peers.placed) >= 1_100
    assert world.folded().digest() == world.engine.digest()


def test_the_cold_are_stepped_up_sooner() -> None:
    """A requester with few events has a lower threshold of its own until it has shown enough."""
    world = World().live()
    for number in range(COLD_EVENTS + 1):
        if number in {3, COLD_EVENTS - 1}:
            assert world.ask(id=f"a{number}", requester="new/one").weighed.step_up_at == round(COLD_SHARE * 6.0 * 1024)
        world.wait(4_000.0).issue(id=f"n{number}", credential=f"n{number}", requester="new/one")
    world.wait(4_000.0).issue(id="last", credential="last")
    assert world.ask(id="old", requester="new/one").weighed.step_up_at == 6 * 1024
