"""What each check finds, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from detector.events import Source
from detector.report import credentials, thresholds
from tests.engine.world import AWAY, DAY, HOME, HOUR, ISSUER, RESOURCE, SERVICE, World
from tests.report.told import check, found, item, requester, row, told

CHECKS = (
    "standing",
    "renewed",
    "dormant",
    "left_behind",
    "over_used",
    "many_networks",
    "shared",
    "over_privileged",
    "unused",
    "crossing",
    "by_hand",
)


def test_an_ordinary_life_has_no_finding() -> None:
    """A service that mints and uses once an hour, at home, is nothing to look at."""
    world = World()
    for _ in range(24 * 6):
        world.wait(HOUR)
        minted = world.issue(task=f"t-{world.number()}")
        world.use(minted.credential)
    of = told(world)
    assert [each.name for each in of.checks] == list(CHECKS)
    assert {each.name: each.found for each in of.checks if each.found} == {}
    assert requester(of, SERVICE).findings == ()


class TestStanding:
    """Credentials that live long, or without an end."""

    def test_one_without_an_end_is_found_until_it_is_revoked(self) -> None:
        """The log names no end and no revocation: it stands."""
        world = World()
        world.issue(credential="key", ttl_seconds=None)
        world.wait(40 * DAY)
        world.issue()
        assert "1 without an end" in item(told(world), "standing").because
        world.happens("revoked", "key")
        assert found(told(world.wait(60.0)), "standing") == []

    def test_a_long_life_is_found_while_it_lasts(self) -> None:
        """Thirty hours are more than a day; once they are over nothing stands."""
        world = World()
        world.issue(ttl_seconds=30 * HOUR)
        assert item(told(world), "standing").figures["longest_seconds"] == 30 * HOUR
        world.wait(31 * HOUR).issue()
        assert found(told(world), "standing") == []

    def test_a_short_life_is_not(self) -> None:
        """Up to a day is short."""
        world = World()
        world.issue(ttl_seconds=thresholds.STANDING_SECONDS)
        assert found(told(world), "standing") == []

    def test_a_revocation_told_before_its_mint_counts(self) -> None:
        """Lines of two logs come in any order."""
        world = World()
        at = world.clock.now
        world.happens("revoked", "key", time=at + 5.0)
        world.wait(10.0).issue(credential="key", ttl_seconds=None, time=at)
        assert found(told(world.wait(60.0)), "standing") == []

    def test_renewed_again_and_again_is_one_long_life(self) -> None:
        """Each lives an hour, each renews the last, and the first was minted days ago."""
        world, last = World(), None
        for number in range(40):
            world.issue(credential=f"k{number}", ttl_seconds=2 * HOUR, renewal_of=last)
            last = f"k{number}"
            world.wait(HOUR)
        of = told(world)
        assert found(of, "standing") == []
        assert item(of, "renewed").figures["lasting_seconds"] >= 39 * HOUR
        assert of.issuers[0].renewals == 39

    def test_past_the_limit_what_ends_first_is_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What never ends is what a reader must hear of."""
        monkeypatch.setattr(credentials, "MOST_LEASES", 5)
        monkeypatch.setattr(credentials, "SWEEP", 10)
        world = World()
        world.issue(credential="key", ttl_seconds=None)
        for _ in range(19):
            world.issue()
        of = told(world)
        assert of.limits["credentials"] == 15
        assert item(of, "standing").figures["without_end"] == 1


class TestDormantAndLeftBehind:
    """Identities nobody needs any more."""

    def test_silence_is_found_once_it_is_long(self) -> None:
        """Thirty days after its last use, not a day before; a use ends it."""
        world = World()
        minted = world.issue(ttl_seconds=None)
        world.wait(29 * DAY).issue(requester="other")
        assert found(told(world), "dormant") == []
        world.wait(2 * DAY).issue(requester="other")
        assert found(told(world), "dormant") == [SERVICE]
        world.use(minted.credential)
        assert found(told(world), "dormant") == []

    def test_who_only_asked_holds_nothing(self) -> None:
        """It was never minted for."""
        world = World()
        world.ask()
        world.wait(40 * DAY).issue(requester="other")
        assert found(told(world), "dormant") == []

    def test_mints_after_a_decommissioning_are_found(self) -> None:
        """And a decommissioned identity is not called dormant."""
        world = World()
        world.issue()
        world.happens("decommissioned", SERVICE)
        world.wait(DAY).issue()
        of = told(world)
        assert item(of, "left_behind").figures["mints_after"] == 1
        assert requester(of, SERVICE).decommissioned is not None
        world.wait(40 * DAY).issue(requester="other")
        assert found(told(world), "dormant") == []

    def test_a_credential_that_outlasts_its_task_is_found(self) -> None:
        """The task has ended, the credential has not."""
        world = World()
        world.issue(task="deploy-1", ttl_seconds=10 * HOUR)
        assert found(told(world), "left_behind") == []
        world.wait(HOUR).happens("task_completed", "deploy-1")
        world.wait(60.0).issue(requester="other")
        assert item(told(world), "left_behind").figures["outlasting_their_task"] == 1


class TestOverUsed:
    """Far above its own usual hour."""

    def burst(self, requests: int, *, hours: int = 30) -> list[str | None]:
        """So many requests in one hour, after so many quiet ones."""
        world = World()
        for _ in range(hours):
            world.wait(HOUR).issue()
        world.wait(HOUR)
        for _ in range(requests):
            world.issue()
        return found(told(world), "over_used")

    def test_a_burst_is_found(self) -> None:
        """Thirty where one is usual."""
        assert self.burst(30) == [SERVICE]

    def test_a_busy_day_is_not(self) -> None:
        """Less than twenty is never a burst."""
        assert self.burst(19) == []

    def test_a_newcomer_has_no_usual_pace(self) -> None:
        """Before a day of active hours nothing is far above anything."""
        assert self.burst(30, hours=10) == []

    def test_a_request_and_its_mint_count_once(self) -> None:
        """Asking first must not look like twice the pace."""
        world = World()
        for _ in range(30):
            world.wait(HOUR).issue()
        world.wait(HOUR)
        for number in range(15):
            decided = world.ask(id=f"x{number}")
            world.issue(id=f"x{number}", decision=decided.decision)
        assert found(told(world), "over_used") == []

    def test_many_networks_at_once_are_found(self) -> None:
        """Six networks within the hour, where one is usual."""
        world = World()
        for _ in range(30):
            world.wait(HOUR).issue()
        world.wait(HOUR)
        for number in range(6):
            world.issue(source=Source(ip=f"10.{number}.0.1"))
        of = told(world)
        assert item(of, "many_networks").figures["most"] == 6
        assert requester(of, SERVICE).networks.more is False

    def test_what_was_before_the_period_is_not_its_finding(self) -> None:
        """A burst of last month is last month's."""
        world = World()
        for _ in range(30):
            world.wait(HOUR).issue()
        world.wait(HOUR)
        for _ in range(30):
            world.issue()
        since = world.wait(2 * HOUR).clock.now
        world.issue()
        assert found(told(world, since=since), "over_used") == []
        assert found(told(world, until=since), "over_used") == [SERVICE]


class TestShared:
    """Several behind one name."""

    def hours(self, count: int, *each: dict[str, Any]) -> World:
        """In each of so many hours the service is seen in all of these ways."""
        world = World()
        for _ in range(count):
            world.wait(HOUR)
            for way in each:
                world.issue(**way)
        return world

    @pytest.mark.parametrize(
        ("each", "told_of"),
        [
            ([{"consumer": f"job-{name}"} for name in "abc"], "3 consumers"),
            ([{"source": Source(workload=f"{name}-app")} for name in "abc"], "3 workloads"),
            ([{"source": Source(environment=name)} for name in ("prod", "dev")], "2 environments"),
            ([{"source": Source(ip=f"10.{number}.0.1")} for number in range(8)], "8 networks"),
        ],
    )
    def test_several_at_once_again_and_again_are_found(self, each: list[dict[str, Any]], told_of: str) -> None:
        """Of whatever kind, and the finding says which and which ones."""
        found_in = item(told(self.hours(3, *each)), "shared")
        assert told_of in found_in.because
        assert "3 hours" in found_in.because
        assert len(found_in.names) == len(each)

    def test_twice_is_a_roll_out(self) -> None:
        """Two hours are not again and again."""
        world = self.hours(2, *({"consumer": name} for name in "abc"))
        assert found(told(world), "shared") == []

    def test_one_after_the_other_is_a_move(self) -> None:
        """A consumer an hour is one at a time."""
        world = World()
        for name in "abcdefgh":
            world.wait(HOUR).issue(consumer=name)
        assert found(told(world), "shared") == []

    def test_working_on_others_tasks_is_found(self) -> None:
        """Ten grants for tasks that another requester began."""
        world = World()
        for number in range(10):
            world.wait(HOUR).issue(task=f"t{number}", requester="owner")
            world.issue(task=f"t{number}")
        of = told(world)
        assert item(of, "shared").figures["tasks_of_others"] == 10
        assert found(of, "shared") == [SERVICE]

    def test_redacted_values_count_as_they_are(self) -> None:
        """A mark stands for a value: different marks are different consumers, and nothing is read out of them."""
        marks = [f"redacted:hmac-sha256:{digit * 32}" for digit in "abc"]
        world = self.hours(3, *({"consumer": mark, "source": Source(ip=mark)} for mark in marks))
        of = told(world)
        assert item(of, "shared").names == tuple(marks)
        assert requester(of, SERVICE).networks.shown == ()


class TestPrivilege:
    """More than is needed."""

    def right(self, action: str | None, *, privilege: str = "admin", uses: int = 10) -> World:
        """A right that is minted and used so."""
        world = World()
        for _ in range(uses):
            minted = world.wait(HOUR).issue(privilege=privilege)
            world.use(minted.credential, action=action)
        return world

    @pytest.mark.parametrize(
        ("privilege", "action", "said"),
        [("admin", "s3:GetObject", "at most to read"), ("admin", "s3:PutObject", "at most to write")],
    )
    def test_an_admin_that_never_administers_is_found(self, privilege: str, action: str, said: str) -> None:
        """The finding says what it is used for at most."""
        assert said in item(told(self.right(action, privilege=privilege)), "over_privileged").because

    @pytest.mark.parametrize(
        ("privilege", "action"),
        [("admin", "iam:AttachRolePolicy"), ("write", "s3:PutObject"), ("read", "s3:GetObject"), ("admin", None)],
    )
    def test_what_is_used_or_cannot_be_told_is_not(self, privilege: str, action: str | None) -> None:
        """A use without an action's name says nothing, so nothing is said."""
        assert found(told(self.right(action, privilege=privilege)), "over_privileged") == []

    def test_a_few_uses_say_nothing(self) -> None:
        """Nine reads may precede a write."""
        assert found(told(self.right("s3:GetObject", uses=9)), "over_privileged") == []

    def test_minted_and_never_used_is_found_where_uses_are_seen(self) -> None:
        """At an issuer of which no use is seen nobody can say so."""
        world = World()
        for _ in range(10):
            world.wait(HOUR).issue(resource="kv/idle")
            world.issue(issuer="silent", resource="kv/quiet")
        minted = world.issue()
        world.use(minted.credential)
        of = told(world)
        assert [each.resource for each in check(of, "unused").items] == ["kv/idle"]

    def test_uses_are_counted_by_what_they_can_do(self) -> None:
        """By the action's name, with the refused ones."""
        world = World()
        minted = world.issue()
        world.use(minted.credential, action="s3:GetObject")
        world.use(minted.credential, action="s3:PutObject", outcome="denied")
        used = row(told(world), resource=RESOURCE).used_for
        assert (used.read, used.write, used.admin, used.denied) == (1, 1, 0, 1)


def test_a_name_of_production_minted_for_what_lies_below_is_found() -> None:
    """By the names alone, and only where both say a tier."""
    world = World()
    world.issue(resource="aws/creds/dev-write")
    world.issue(requester="spiffe://somewhere/app", resource="aws/creds/dev-write")
    assert found(told(world), "crossing") == [SERVICE]


def test_a_browser_is_found_and_a_program_is_not() -> None:
    """Minted from one, or used from one."""
    world = World()
    world.issue(source=AWAY)
    assert found(told(world), "by_hand") == []
    minted = world.issue(source=HOME)
    world.use(minted.credential, source=Source(ip="10.0.0.1", user_agent="Mozilla/5.0 (X11; Linux)"))
    of = told(world)
    assert item(of, "by_hand").figures["events"] == 1
    assert item(of, "by_hand").names == ("Mozilla/5.0 (X11; Linux)",)


def test_those_that_reach_furthest_come_first() -> None:
    """Findings are read from the top."""
    world = World()
    world.issue(requester="a-small", resource="kv/x", privilege="read", ttl_seconds=None)
    world.issue(requester="z-great", resource="aws/creds/prod-admin", privilege="admin", ttl_seconds=None)
    assert found(told(world), "standing") == ["z-great", "a-small"]


def test_the_inventory_says_how_far_an_identity_reaches() -> None:
    """Every right it was ever minted, once; refused ones and mere requests are no reach."""
    world = World()
    world.issue(resource="kv/a", privilege="read", consumer="job")
    world.issue(resource="kv/a", privilege="read", issuer="second")
    world.issue(resource="aws/creds/prod-admin", privilege="admin")
    world.issue(resource="kv/b", privilege="admin", outcome="refused")
    world.ask(resource="kv/c", privilege="admin", on_behalf_of=("agent:o",))
    view = requester(told(world), SERVICE)
    assert view.reach_points == 1.0 + 80.0
    assert view.issuers == tuple(sorted([ISSUER, "second"]))
    assert view.sensitivities == ("critical",)
    assert (view.mints, view.refused, view.requests) == (3, 1, 1)
    assert view.consumers.shown == ("job",)
    assert view.delegation_chains.shown == ("agent:o",)
    assert view.live_credentials == 3


def test_raw_names_are_kept_beside_the_canonical_one() -> None:
    """A few of them, with word of more."""
    world = World()
    for number in range(30):
        world.issue(requester=f"arn:aws:sts::1:assumed-role/deploy/run-{number:04d}")
    view = requester(told(world), "arn:aws:sts::1:assumed-role/deploy")
    assert len(view.raw_names.shown) == 10
    assert view.raw_names.more
