"""An issuance and its uses: joined by credential, in any order, once; and what a use out of place looks like."""

from __future__ import annotations

import pytest

from detector.engine.joins import HOLD_SECONDS, POLICY_NEWS_SECONDS, SKEW_SECONDS, TASK_GRACE_SECONDS
from detector.events import Source
from detector.features.facets import GRANT_FACETS, USE_FACETS
from tests.engine.world import AWAY, DAY, HOUR, SERVICE, World, codes


def use_facet(world: World, name: str, credential: str | None, **more: object) -> str:
    """What a use shows in one facet, as it waits to be learnt."""
    world.use(credential, **more)
    waiting = [*world.state.memory.lessons, *world.state.memory.flagged.values()]
    return next(lesson for lesson in reversed(waiting) if lesson.use).facets.values[USE_FACETS.index(name)]


def grant_facet(world: World, name: str, **more: object) -> str:
    """What a mint shows in one facet, as it waits to be learnt."""
    row = world.issue(**more)
    waiting = [*world.state.memory.lessons, *world.state.memory.flagged.values()]
    lesson = next(lesson for lesson in waiting if lesson.issuance == row.id and not lesson.use)
    return lesson.facets.values[GRANT_FACETS.index(name)]


def test_a_use_is_joined_to_its_issuance() -> None:
    """The row of a use names its issuance, and the requester and issuer that minted."""
    world = World()
    minted = world.issue()
    row = world.use(minted.credential)
    assert (row.issuance, row.requester, row.issuer) == (minted.id, SERVICE, minted.issuer)


def test_a_use_that_comes_first_waits_for_its_issuance() -> None:
    """Logs of two systems arrive out of order: the use is judged with its issuance when that comes."""
    world = World()
    usage = world.usage("c1")
    assert world.engine.observe(usage) == ()
    minted, used = world.engine.observe(world.issuance(credential="c1"))
    assert (minted.kind, used.kind) == ("issuance", "usage")
    assert (used.id, used.issuance) == (usage.id, minted.id)
    assert world.state.memory.joins.waiting == 0


def test_uses_that_wait_are_judged_in_the_order_they_came() -> None:
    """Several uses of one credential are released together, first come first."""
    world = World()
    ids = [f"use{number}" for number in range(4)]
    for name in ids:
        world.wait(1.0).engine.observe(world.usage("c1", id=name))
    rows = world.engine.observe(world.issuance(credential="c1"))
    assert [row.id for row in rows[1:]] == ids


def test_a_use_waits_no_longer_than_its_hold() -> None:
    """Past the hold the next event brings the use's row, never seen minted; a late issuance does not judge it again."""
    world = World()
    world.engine.observe(world.usage("c1", id="early"))
    world.wait(HOLD_SECONDS - 1.0)
    assert world.engine.observe(world.issuance(id="a", credential="other"))[0].id == "a"
    world.wait(2.0)
    released, _ = world.engine.observe(world.issuance(id="b", credential="another"))
    assert (released.id, released.issuance, released.issuer) == ("early", None, None)
    assert [row.kind for row in world.engine.observe(world.issuance(id="c", credential="c1"))] == ["issuance"]
    assert world.use("c1").issuance == "c"


def test_an_ask_releases_what_is_due() -> None:
    """A store that only hears asks still judges the uses whose time is up."""
    world = World()
    world.engine.observe(world.usage("c1"))
    world.wait(HOLD_SECONDS + 1.0).ask()
    assert world.state.memory.joins.waiting == 0


def test_a_stranger_once_known_is_not_waited_for_again() -> None:
    """A credential whose issuance never came is judged at once from then on."""
    world = World()
    world.engine.observe(world.usage("c1"))
    world.engine.settle()
    assert world.use("c1").issuance is None


def test_settling_judges_what_still_waits() -> None:
    """At the end of a stream every use has its row."""
    world = World()
    for number in range(5):
        world.engine.observe(world.usage(f"c{number}"))
    assert len(world.engine.settle()) == 5
    assert world.engine.settle() == ()
    assert world.folded().digest() == world.engine.digest()


def test_duplicates_are_dropped() -> None:
    """The same record delivered again, of any kind, gives no row, no record and no change."""
    world = World()
    issuance = world.issuance(credential="c1")
    usage = world.usage("c1")
    world.engine.observe(issuance)
    world.engine.observe(usage)
    world.happens("revoked", "c1", id="l1")
    before = world.engine.digest(), len(world.log.lines)
    world.wait(5.0)
    assert world.engine.observe(issuance) == world.engine.observe(usage) == ()
    world.happens("revoked", "c1", id="l1")
    assert (world.engine.digest(), len(world.log.lines)) == before


def test_a_held_use_delivered_twice_is_judged_once() -> None:
    """Waiting is no excuse for counting twice."""
    world = World()
    usage = world.usage("c1")
    assert world.engine.observe(usage) == world.engine.observe(usage) == ()
    assert len(world.engine.observe(world.issuance(credential="c1"))) == 2


def test_one_record_may_be_an_issuance_and_a_use() -> None:
    """A role session that assumes a role mints and uses in one record: both are taken, under one id."""
    world = World()
    minted = world.issue(id="event", credential="c1")
    assert world.use("c1", id="event").issuance == minted.id == "event"


def test_a_mint_logged_in_two_accounts_is_one() -> None:
    """Cross-account twins share an event id of their own and the credential: the second is a duplicate."""
    world = World()
    twin = {"attributes": {"shared_event": "s1"}, "credential": "c1"}
    world.issue(id="here", **twin)
    assert world.engine.observe(world.issuance(id="there", **twin)) == ()
    assert (
        len(world.engine.observe(world.issuance(id="other", attributes={"shared_event": "s2"}, credential="c1"))) == 1
    )


def test_a_late_event_is_taken_all_the_same() -> None:
    """An event a day old is judged and joined; only the count of late ones knows."""
    heard: list[str] = []
    from detector.engine.ports import Silence

    class Listening(Silence):
        def set_aside(self, why: str) -> None:
            heard.append(why)

    world = World(ear=Listening())
    row = world.issue(time=world.clock.now - DAY)
    assert world.use(row.credential).issuance == row.id
    assert heard == ["late"]


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(10.0, "live"), (900.0 + SKEW_SECONDS, "live"), (901.0 + SKEW_SECONDS, "expired"), (DAY, "expired")],
)
def test_a_use_after_expiry_is_told(seconds: float, state: str) -> None:
    """A credential is expired once its lifetime and what clocks may differ have passed."""
    world = World()
    row = world.issue(ttl_seconds=900.0)
    assert use_facet(world.wait(seconds), "state", row.credential) == state


def test_the_logged_expiry_comes_before_the_lifetime_asked_for() -> None:
    """What the issuer says it minted counts, not what was asked."""
    from detector.events import Issuance

    world = World()
    event = Issuance(grant=world.grant(ttl_seconds=86_400.0), credential="c1", expires_at=world.clock.now + 60.0)
    world.engine.observe(event)
    assert use_facet(world.wait(600.0), "state", "c1") == "expired"


def test_a_use_after_revocation_is_told() -> None:
    """A revoked credential that is used is revoked, from the revocation on and not before it."""
    world = World()
    row = world.issue()
    world.wait(100.0).happens("revoked", str(row.credential))
    world.wait(SKEW_SECONDS + 1.0)
    assert use_facet(world, "state", row.credential, time=world.clock.now - 110.0) == "live"
    assert use_facet(world, "state", row.credential) == "revoked"


def test_a_revocation_that_comes_before_the_issuance_is_not_lost() -> None:
    """The revocation's log was quicker than the issuer's: the credential is known to be dead when it appears."""
    world = World()
    minted_at = world.clock.now
    world.wait(30.0).happens("revoked", "c1")
    world.wait(SKEW_SECONDS + 1.0).issue(credential="c1", time=minted_at)
    assert use_facet(world, "state", "c1") == "revoked"


def test_an_old_revocation_does_not_kill_a_new_mint() -> None:
    """A credential minted anew under the same name, after it was revoked, is live."""
    world = World()
    world.happens("revoked", "c1")
    world.wait(HOUR).issue(credential="c1")
    assert use_facet(world, "state", "c1") == "live"


def test_a_use_after_its_tasks_end_is_told() -> None:
    """The task is done; teardown may trail, a use well after it may not."""
    world = World()
    row = world.issue(task="deploy-71", ttl_seconds=43_200.0)
    world.wait(60.0).happens("task_completed", "deploy-71")
    assert use_facet(world.wait(TASK_GRACE_SECONDS - 1.0), "state", row.credential) == "live"
    assert use_facet(world.wait(2.0), "state", row.credential) == "its task had ended"


def test_a_grant_names_a_task_in_some_state() -> None:
    """New, at work, another requester's, or ended: the facet tells which."""
    world = World()
    assert grant_facet(world, "task_state") == "-"
    assert grant_facet(world, "task_state", task="t1") == "new"
    assert grant_facet(world, "task_state", task="t1") == "at work"
    assert grant_facet(world, "task_state", task="t1", requester="spiffe://prod/app/svc2") == "another requester's"
    world.happens("task_completed", "t1")
    assert grant_facet(world.wait(TASK_GRACE_SECONDS + 1.0), "task_state", task="t1") == "had ended"


def test_a_tasks_end_that_comes_first_makes_it_nobodys() -> None:
    """A completion seen before the task's late grants does not make them another requester's."""
    world = World()
    began = world.clock.now
    world.wait(60.0).happens("task_completed", "t1")
    assert grant_facet(world, "task_state", task="t1", time=began) == "new"
    assert grant_facet(world, "task_state", task="t1", time=began + 1.0) == "at work"
    assert grant_facet(world, "task_state", task="t1", time=began + HOUR) == "had ended"


def test_a_refused_request_claims_no_task() -> None:
    """Naming a task in a request that was refused does not make it one's own."""
    world = World()
    world.issue(task="t1", requester="thief", outcome="refused")
    assert grant_facet(world, "task_state", task="t1") == "new"
    assert grant_facet(world, "task_state", task="t1") == "at work"


@pytest.mark.parametrize(
    ("ip", "whereabouts"),
    [
        ("10.10.4.61", "where it was minted"),
        ("10.10.4.7", "in the network it was minted in"),
        ("10.10.9.9", "at the site it was minted at"),
        ("185.220.101.47", "elsewhere"),
        (None, "-"),
    ],
)
def test_a_use_from_elsewhere_is_told(ip: str | None, whereabouts: str) -> None:
    """How far from its mint a credential is used, in four steps; nothing where the log does not say."""
    world = World()
    row = world.issue()
    assert use_facet(world, "whereabouts", row.credential, source=Source(ip=ip)) == whereabouts


@pytest.mark.parametrize(
    ("minted_for", "used_by", "user"),
    [
        (None, None, "-"),
        (None, SERVICE, "its requester"),
        (None, "thief", "somebody else"),
        ("worker", "worker", "the consumer it was minted for"),
        ("worker", SERVICE, "its requester, not its consumer"),
        ("worker", "thief", "somebody else"),
    ],
)
def test_a_use_by_another_consumer_is_told(minted_for: str | None, used_by: str | None, user: str) -> None:
    """Who uses a credential is held against whom it was minted for."""
    world = World()
    row = world.issue(consumer=minted_for)
    assert use_facet(world, "user", row.credential, consumer=used_by) == user


def test_a_use_never_seen_minted_is_told() -> None:
    """A credential nobody was seen minting stands for itself, or for whoever the log says used it."""
    world = World()
    world.engine.observe(world.usage("c1"))
    world.engine.observe(world.usage("c2", requester="arn:aws:sts::1:assumed-role/deploy/run-8842"))
    unnamed, named = world.engine.settle()
    assert (unnamed.requester, unnamed.issuance) == ("c1", None)
    assert named.requester == "arn:aws:sts::1:assumed-role/deploy"
    assert use_facet(world, "state", "c1") == "never seen minted"
    assert world.use(None).requester == "unminted"


def test_a_stolen_use_has_reasons() -> None:
    """After a habit of using at home, a use from elsewhere by a new tool is stepped up, and says where and how."""
    world = World().live()
    row = world.issue()
    stolen = world.use(row.credential, source=AWAY, action="iam:AttachRolePolicy")
    assert stolen.verdict == "step_up"
    assert {"used_site", "power"} <= set(codes(stolen))


def test_unused_mints_are_counted_until_they_are_used() -> None:
    """Each mint is unused until its first use; the second use counts nothing off."""
    world = World()
    rows = [world.issue() for _ in range(3)]
    pulse = world.state.memory.standings[SERVICE].pulse
    assert pulse.unused == 3
    for _ in range(2):
        world.use(rows[0].credential)
    assert pulse.unused == 2


def test_renewals_are_told_by_whose_they_are() -> None:
    """Of its own, of another's, of one never seen, and after the end: four different things."""
    world = World()
    own, other = world.issue(), world.issue(requester="spiffe://prod/app/svc2")
    assert grant_facet(world, "renewal") == "-"
    assert grant_facet(world, "renewal", renewal_of=own.credential).startswith("of its own credential, renewals")
    assert grant_facet(world, "renewal", renewal_of=other.credential) == "of another requester's credential"
    assert grant_facet(world, "renewal", renewal_of="unheard-of") == "of a credential never seen minted"
    world.wait(DAY)
    assert grant_facet(world, "renewal", renewal_of=own.credential) == "of its own credential after its end"


def test_a_chain_of_renewals_is_counted() -> None:
    """Each renewal knows how many came before it."""
    world = World()
    credential = world.issue().credential
    for _ in range(5):
        credential = world.issue(renewal_of=credential).credential
    lease = world.state.memory.joins.leases.get(str(credential))
    assert lease is not None
    assert lease.renewals == 5


@pytest.mark.parametrize("subject", [SERVICE, "aws/creds/app-write", "app-write"])
def test_a_policy_that_just_changed_is_told_for_a_day(subject: str) -> None:
    """A change about the requester, the resource or the resource's last word is news, and then it is not."""
    world = World()
    assert grant_facet(world, "policy") == "settled"
    world.happens("policy_changed", subject)
    assert grant_facet(world.wait(60.0), "policy") == "just changed"
    assert grant_facet(world, "policy", resource="another/thing", requester="spiffe://x/y/z") == "settled"
    assert grant_facet(world.wait(POLICY_NEWS_SECONDS), "policy") == "settled"


def test_a_tokens_own_policies_count_as_subjects() -> None:
    """A change of a policy that the login carries bears on it."""
    world = World()
    world.happens("policy_changed", "ci-deployer")
    assert grant_facet(world, "policy", attributes={"policies": ["default", "ci-deployer"]}) == "just changed"
    assert grant_facet(world, "policy", attributes={"policies": "ci-deployer"}) == "settled"


def test_a_decommissioned_identity_that_mints_is_told() -> None:
    """After its end, not for what it did before it."""
    world = World()
    world.happens("decommissioned", SERVICE)
    at = world.clock.now
    world.wait(HOUR)
    assert grant_facet(world, "policy", time=at - 10.0) == "settled"
    assert grant_facet(world, "policy") == "decommissioned"
