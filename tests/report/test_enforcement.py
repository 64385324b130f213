"""What was enforced, halted, passed and reviewed, and by whom: told as it stands in the log."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest

from detector.engine.asking_records import AccessRequested, AccessSettled
from detector.engine.policy import GlassPolicy, Thresholds
from detector.engine.records import Accessed, Announced, Compacted, Decided, KeyRotated
from detector.evidence import QUANTA
from detector.report import answers, emergencies, lives, turns
from detector.rules import Selector
from tests.engine.test_policies import AGREED, ODD, SHORT, applied
from tests.engine.world import AWAY, DAY, HOUR, HOUSE, RESOURCE, SERVICE, World
from tests.report.told import requester, row, told

BOLD = {"source": AWAY, "resource": "db/root", "privilege": "admin"}
PURPOSE = "the payment database is down"


class TestStepUps:
    """What was stepped up, and how it ended."""

    def test_an_approved_one_is_minted_on_approval(self) -> None:
        """Told, approved after a minute by an approver, minted after that."""
        world = World().live()
        decided = world.ask(**BOLD)
        world.wait(60.0)
        world.engine.record_outcome(decided.decision, "approved", by="ana", trust="approver")
        world.wait(5.0).issue(decision=decided.decision, **BOLD)
        of = told(world)
        assert of.step_ups.told == 1
        assert of.step_ups.ended == {"approved by approver": 1}
        assert of.step_ups.median_seconds == 60.0
        assert row(of, resource="db/root").before.approved == 1
        (line,) = of.step_ups.listed
        assert (line.decision, line.outcome, line.by, line.trust, line.minted) == (
            *(decided.decision, "approved", "ana", "approver", True),
        )
        assert line.reasons

    def test_an_open_one_that_was_minted_is_an_exception(self) -> None:
        """Nobody had answered: that is listed by decision."""
        world = World().live()
        decided = world.ask(**BOLD)
        world.wait(5.0).issue(decision=decided.decision, **BOLD)
        of = told(world)
        assert (of.step_ups.unanswered, of.step_ups.minted_unanswered) == (1, 1)
        assert of.exceptions.on_step_up == row(of, resource="db/root").before.on_step_up == 1
        assert [line.decision for line in of.exceptions.listed] == [decided.decision]

    def test_one_minted_after_a_refusal_went_against_it(self) -> None:
        """Refused, and minted all the same."""
        world = World().live()
        decided = world.ask(**BOLD)
        world.engine.record_outcome(decided.decision, "refused", by="ana", trust="approver")
        world.wait(5.0).issue(decision=decided.decision, **BOLD)
        of = told(world)
        assert of.exceptions.against == 1
        assert of.step_ups.minted_after_refusal == 1

    def test_a_weightier_word_takes_the_place_of_a_lesser(self) -> None:
        """A broker approves, an analyst finds out: the last word counts, both are told."""
        world = World().live()
        decided = world.ask(**BOLD)
        world.engine.record_outcome(decided.decision, "approved", by="vault", trust="broker")
        world.engine.record_outcome(decided.decision, "malicious", by="ana", trust="analyst")
        world.engine.record_outcome(decided.decision, "approved", by="vault", trust="broker")
        of = told(world)
        assert of.step_ups.ended == {"malicious by analyst": 1}
        assert of.outcomes.by_both == {"approved by broker": 2, "malicious by analyst": 1}
        assert of.outcomes.by_trust == {"broker": 2, "analyst": 1}
        assert of.outcomes.changed == 1

    def test_past_the_limit_open_ones_are_counted_as_they_stand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is lost, whatever comes of them later."""
        monkeypatch.setattr(answers, "MOST_OPEN", 2)
        world = World().live()
        for number in range(5):
            world.ask(source=AWAY, resource=f"db/root-{number}", privilege="admin")
        of = told(world)
        assert of.step_ups.told == of.totals.told.step_up == of.step_ups.unanswered > 2

    def test_a_shadowed_verdict_is_found_and_not_told(self) -> None:
        """In shadow the broker hears allow: the verdict is in the one sum, the answer in the other."""
        world = World(dataclasses.replace(HOUSE, mode="shadow")).live()
        world.ask(**BOLD)
        of = told(world)
        assert (of.totals.requests.step_up, of.totals.told.step_up) == (1, 0)
        assert of.totals.modes == {"shadow": 1}
        assert of.step_ups.told == 0


class TestAccessRequests:
    """What was put to somebody, and what came of it."""

    def put(self, world: World, decided: Decided, *, task: str, seconds: float = HOUR, **more: Any) -> None:
        """The broker asks for an answer to a step-up."""
        request = decided.request
        world.engine.request_access(
            AccessRequested(
                task=task,
                decision=decided.decision,
                requester=decided.requester,
                issuer=request.issuer,
                resource=request.resource,
                scope=world.engine.scope(request),
                evidence=decided.weighed.evidence,
                methods=("human",),
                by="vault",
                expires=world.clock.now + seconds,
                ttl_seconds=request.ttl_seconds,
                **more,
            )
        )

    def settle(self, world: World, task: str, status: Any, *, seconds: float = HOUR) -> None:
        """Somebody answers."""
        terms = {"approval": f"apr-{task}", "until": world.clock.now + seconds, "uses": 1, "margin": 4 * QUANTA}
        world.engine.settle_access(AccessSettled(task=task, status=status, by="ana", method="human", **terms))

    def test_an_approval_that_passed_is_told_and_its_mint_is_approved(self) -> None:
        """Requested, approved after a minute, presented, minted: for a quarter of an hour, as approved."""
        world = World().live()
        first = world.ask(**BOLD)
        self.put(world, first, task="t1", emergency=True)
        world.wait(60.0)
        self.settle(world, "t1", "approved")
        again = world.wait(5.0).ask(**BOLD, approval="apr-t1")
        assert again.answer == "allow"
        world.issue(decision=again.decision, **BOLD)
        of = told(world)
        asked = of.access_requests
        assert (asked.requested, asked.emergencies, asked.settled) == (1, 1, {"approved": 1})
        assert (asked.by_method, asked.median_seconds, asked.presented) == ({"human": 1}, 60.0, {"passed": 1})
        assert asked.minted_beyond_approval == 0
        assert row(of, resource="db/root").before.approved == 1
        assert of.step_ups.ended == {"approved by approver": 1}

    def test_a_mint_that_outlives_its_approval_is_counted(self) -> None:
        """Approved for five minutes, minted for fifteen."""
        world = World().live()
        self.put(world, world.ask(**BOLD), task="t1")
        self.settle(world, "t1", "approved", seconds=300.0)
        again = world.ask(**BOLD, approval="apr-t1")
        world.issue(decision=again.decision, **BOLD)
        assert told(world).access_requests.minted_beyond_approval == 1

    def test_denied_expired_and_waiting_ones_are_told_apart(self) -> None:
        """And an approval nobody gave is refused by its reason."""
        world = World().live()
        for number, name in enumerate(("denied", "expires", "waits")):
            decided = world.ask(**{**BOLD, "resource": f"db/root-{number}"})
            self.put(world, decided, task=name, seconds=60.0 if name == "expires" else DAY)
        self.settle(world, "denied", "denied")
        world.wait(HOUR).ask(**BOLD, approval="apr-made-up")
        asked = told(world).access_requests
        assert (asked.settled, asked.expired, asked.waiting) == ({"denied": 1}, 1, 1)
        assert asked.presented == {"approval_unverifiable": 1}

    def test_what_expired_before_the_period_is_none_of_its(self) -> None:
        """It is the period's before."""
        world = World().live()
        self.put(world, world.ask(**BOLD), task="t1", seconds=60.0)
        since = world.wait(HOUR).clock.now
        world.issue()
        assert told(world).access_requests.expired == 1
        assert told(world, since=since).access_requests.expired == 0


class TestMints:
    """Whether anybody had asked before."""

    def test_asked_and_never_asked_are_told_apart(self) -> None:
        """By the decision that the issuance was found to belong to."""
        world = World()
        decided = world.ask()
        world.issue(decision=decided.decision)
        world.wait(HOUR).issue(resource="kv/other")
        world.issue(issuer="silent")
        of = told(world)
        assert row(of, resource=RESOURCE, issuer="vault:prod/aws").before.allowed == 1
        assert (of.exceptions.never_asked, of.exceptions.never_asked_where_others_do) == (2, 1)
        asks = {view.issuer: view.asks_before_minting for view in of.issuers}
        assert asks == {"vault:prod/aws": True, "silent": False}

    def test_a_mint_that_names_a_decision_nobody_made_is_counted(self) -> None:
        """An answer that was never recorded, or one that was made up."""
        world = World()
        world.issue(decision="d-invented")
        assert told(world).exceptions.citing_unknown_decisions == 1

    def test_a_decision_long_forgotten_is_told_as_such(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What it had come to cannot be said, that it was asked can."""
        monkeypatch.setattr(answers, "REMEMBERED", 0)
        world = World()
        decided = world.ask()
        for _ in range(3):
            world.ask()
        world.issue(decision=decided.decision)
        before = told(world).totals.mints_before
        assert (before.forgotten, before.asked) == (1, 1)

    def test_untrusted_callers_are_counted_and_nothing_else(self) -> None:
        """Who may not speak for a requester puts nothing into its inventory."""
        world = World()
        world.ask(trusted=False)
        world.issue(trusted=False)
        of = told(world)
        assert (of.totals.untrusted_requests, of.totals.untrusted_events) == (1, 1)
        assert of.requesters == of.mints.rows == ()

    def test_uses_past_an_end_are_counted(self) -> None:
        """After expiry, after revocation, and of a credential that nobody minted."""
        world = World()
        old = world.issue(ttl_seconds=60.0)
        gone = world.issue(ttl_seconds=10 * HOUR)
        world.happens("revoked", str(gone.credential))
        world.wait(HOUR)
        world.use(old.credential)
        world.use(gone.credential)
        world.engine.observe(world.usage("nobody's"))
        world.wait(HOUR).issue()
        totals = told(world).totals
        assert (totals.uses_after_expiry, totals.uses_after_revocation) == (1, 1)
        assert totals.uses_of_unknown_credentials == 1

    def test_lifetimes_are_told_by_issuer(self) -> None:
        """The median and the longest, and how many had no end."""
        world = World()
        for seconds in (900.0, 900.0, 86_400.0, None):
            world.issue(ttl_seconds=seconds)
        world.issue(issuer="other", ttl_seconds=60.0, credential=None)
        one, two = sorted(told(world).issuers, key=lambda view: view.issuer, reverse=True)
        assert (one.lifetime_median_seconds, one.lifetime_max_seconds, one.without_end) == (900.0, 86_400.0, 1)
        assert (two.lifetime_median_seconds, two.unnamed_credentials) == (60.0, 1)


class TestBreakGlass:
    """Windows and their reviews."""

    def test_windows_decisions_and_reviews_are_told(self) -> None:
        """Two asks through one window, a second window, one review."""
        world = World(dataclasses.replace(HOUSE, break_glass=GlassPolicy(window_seconds=HOUR, unreviewed=2))).live()
        first = world.ask(**BOLD, break_glass=True, purpose=PURPOSE)
        world.wait(60.0).ask(**BOLD, break_glass=True, purpose=PURPOSE)
        world.wait(2 * HOUR).ask(break_glass=True, purpose=PURPOSE)
        world.wait(2 * HOUR).ask(break_glass=True, purpose=PURPOSE)
        world.ask(break_glass=True)
        world.engine.review_glass(first.decision, "unjustified", by="ana", note="incident 7")
        glass = told(world).break_glass
        assert (glass.opened, glass.decisions, glass.reviewed, glass.unjustified, glass.unreviewed) == (2, 3, 1, 1, 1)
        assert sum(glass.refused.values()) == 2
        window = glass.windows[0]
        assert (window.requester, window.purpose, window.decisions) == (SERVICE, PURPOSE, 2)
        assert (window.finding, window.reviewer, window.note) == ("unjustified", "ana", "incident 7")
        assert requester(told(world), SERVICE).break_glass == 2

    def test_an_old_unreviewed_one_is_listed_until_it_is_reviewed(self) -> None:
        """Broken before the period, it is nobody's of this period and still open."""
        world = World().live()
        decided = world.ask(**BOLD, break_glass=True, purpose=PURPOSE)
        since = world.wait(DAY).clock.now
        world.issue()
        glass = told(world, since=since).break_glass
        assert (glass.opened, glass.unreviewed, len(glass.windows)) == (0, 1, 1)
        world.engine.review_glass(decided.decision, "justified", by="ana")
        later = world.wait(DAY).clock.now
        world.issue()
        assert told(world, since=since).break_glass.windows[0].finding == "justified"
        assert told(world, since=later).break_glass.windows == ()

    def test_past_the_limit_reviewed_ones_go_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The unreviewed ones are what somebody has to look at."""
        monkeypatch.setattr(emergencies, "MOST_GLASSES", 2)
        world = World().live()
        opened = []
        for number in range(3):
            opened.append(world.wait(5 * HOUR).ask(break_glass=True, purpose=PURPOSE).decision)
            if number == 1:
                world.engine.review_glass(opened[1], "justified", by="ana")
        of = told(world)
        assert [window.glass for window in of.break_glass.windows] == [opened[0], opened[2]]
        assert of.limits["glasses"] == 1


class TestKillSwitch:
    """When nothing was enforced."""

    def switched(self) -> World:
        """On for an hour, with one ask under it."""
        world = World().live()
        world.engine.turn_kill_switch(engaged=True, by="olga", because="release")
        world.wait(HOUR / 2).ask(**BOLD)
        world.wait(HOUR / 2)
        world.engine.turn_kill_switch(engaged=False, by="olga", because="done")
        return world

    def test_a_halt_is_told_with_its_length_and_what_was_answered(self) -> None:
        """By whom, why, how long."""
        world = self.switched()
        world.wait(DAY).issue()
        switch = told(world).kill_switch
        (halt,) = switch.periods
        assert (halt.by, halt.because, halt.seconds, halt.answers) == ("olga", "release", HOUR, 1)
        assert (switch.seconds, switch.answers, switch.engaged_at_end) == (HOUR, 1, False)

    def test_of_a_halt_only_what_lies_in_the_period_counts(self) -> None:
        """One that began before it is cut at its beginning; one that ended before it is none of its."""
        world = self.switched()
        ended = world.clock.now
        world.wait(DAY).issue()
        assert told(world, since=ended - 600.0).kill_switch.seconds == 600.0
        assert told(world, since=ended + 1.0).kill_switch.periods == ()
        cut = told(world, until=ended - 600.0).kill_switch
        assert (cut.seconds, cut.engaged_at_end, cut.periods[0].until) == (HOUR - 600.0, True, None)

    def test_past_the_limit_the_sum_stays_right(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every second of every halt is in it."""
        monkeypatch.setattr(emergencies, "MOST_HALTS", 1)
        world = World()
        for _ in range(3):
            world.engine.turn_kill_switch(engaged=True, by="olga", because="x")
            world.wait(60.0)
            world.engine.turn_kill_switch(engaged=False, by="olga", because="x")
            world.wait(60.0)
        of = told(world)
        assert (of.kill_switch.seconds, len(of.kill_switch.periods), of.limits["halts"]) == (180.0, 1, 2)


class TestRules:
    """Deny rules and their lives."""

    def test_a_rule_is_told_with_its_life_and_its_hits(self) -> None:
        """Enforced by override, it denies, and is withdrawn: each step by whom and why."""
        world = World().live()
        rule, _ = world.engine.propose_rule(
            Selector(requester=SERVICE, resource="db/root"),
            by="olga",
            reason="incident 9",
            lifetime_seconds=DAY,
            goal="enforced",
            override="no time",
        )
        world.ask(resource="db/root")
        world.engine.withdraw_rule(rule.id, by="olga", reason="over")
        rules = told(world).rules
        (view,) = rules.rules
        assert (view.state, view.denied, view.matched_enforced) == ("withdrawn", 1, 1)
        assert view.override == "by olga: no time"
        assert [(step.change, step.by) for step in view.steps][-1] == ("withdrawn", "olga")
        assert (rules.denied, rules.enforced_by_override) == (1, 1)

    def test_a_raised_rule_is_told_with_its_backtest(self) -> None:
        """What it would have hit stands beside what it hit."""
        world = World().live()
        world.steal()
        (view, *_) = told(world).rules.rules
        assert view.backtest is not None
        assert view.within_limit is True
        assert view.matched_before > 0

    def test_one_that_ended_before_the_period_is_not_told(self) -> None:
        """It lived in another."""
        world = World().live()
        world.steal()
        since = world.wait(2 * DAY).clock.now
        world.issue()
        assert told(world).rules.lived == 1
        assert told(world, since=since).rules.rules == ()

    def test_past_the_limit_ended_ones_go_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And the report says so."""
        monkeypatch.setattr(lives, "MOST_RULES", 2)
        world = World().live()
        made = []
        for number in range(3):
            selector = Selector(requester=SERVICE, resource=f"kv/{number}")
            rule, _ = world.engine.propose_rule(
                selector, by="o", reason="x", lifetime_seconds=60.0 if number == 1 else DAY, goal="shadow"
            )
            made.append(rule.id)
            world.wait(120.0)
        of = told(world)
        assert {view.rule for view in of.rules.rules} == {made[0], made[2]}
        assert of.limits["rules"] == 1


class TestDoings:
    """What policy documents did, what was announced, who read."""

    def test_intents_and_limits_are_counted_by_name(self) -> None:
        """A request that an intent eased, one that a limit denied, and the document's coming into force."""
        world = applied(World().live(), intents={"agreed": AGREED}, limits={"short": SHORT})
        world.ask(**{**ODD, "ttl_seconds": 900.0})
        world.ask(resource="aws/creds/prod-admin", privilege="admin", ttl_seconds=86_400.0)
        world.engine.reauthorise("agreed", by="ana", because="still needed")
        of = told(world)
        assert of.policy.eased_by_intent == {"agreed": 1}
        assert of.policy.broken_limits == {"short": 1}
        assert of.policy.advised >= 1
        turns_told = [(turn.kind, turn.by) for turn in of.changes.other]
        assert turns_told == [("policy_applied", "ana"), ("intent_reauthorised", "ana")]
        assert "without a dry-run: a test" in of.changes.other[0].about

    def test_announcements_are_counted_by_kind_and_cause(self) -> None:
        """As often as the log holds them."""
        world = World().live()
        world.steal()
        announced = [record for record in world.log.records() if isinstance(record, Announced)]
        assert announced
        of = told(world)
        assert of.announced.by_kind == Counter(record.kind for record in announced)
        assert of.announced.by_code == Counter(record.code for record in announced)

    def test_readings_are_counted_with_those_that_were_collapsed(self) -> None:
        """A dashboard's thousand looks are a thousand readings."""
        world = World()
        world.engine.keep_house(Accessed(view="decision", subject="d-1", by="ana"))
        world.engine.keep_house(Accessed(view="decision", subject="d-1", by="ana", collapsed=999))
        world.engine.keep_house(Accessed(view="report", subject="/", by="bob"))
        read = told(world).readings
        assert read.by_view == {"decision": 1_001, "report": 1}
        assert read.by_reader == {"ana": 1_001, "bob": 1}
        assert read.without_a_record == 999

    def test_a_key_and_a_compaction_are_told(self) -> None:
        """By whom, and what it was about."""
        world = World()
        world.engine.keep_house(KeyRotated(size=7, old="a", new="b", by="olga"))
        world.engine.keep_house(Compacted(before=256, state_digest="c" * 64, root="d" * 64, by="olga"))
        of = told(world)
        assert [(turn.kind, turn.by) for turn in of.changes.other] == [("key_rotated", "olga"), ("compacted", "olga")]
        assert "256" in of.changes.other[1].about


class TestChanges:
    """The system itself."""

    def test_a_new_policy_is_told_setting_by_setting(self) -> None:
        """Only what changed, before and after, and the digest of the whole."""
        world = World()
        policy = dataclasses.replace(HOUSE, thresholds=Thresholds(step_up=7.0, deny=15.0))
        later = World(policy, log=world.log)
        first, second = told(later).changes.configured
        assert first.digest != second.digest
        assert [change.field for change in second.changed] == ["thresholds"]
        assert (second.changed[0].before, second.changed[0].after) == (
            '{"deny":14.0,"step_up":6.0}',
            '{"deny":15.0,"step_up":7.0}',
        )

    def test_a_long_setting_is_told_by_its_digest(self) -> None:
        """The model has hundreds of numbers."""
        (first,) = told(World()).changes.configured
        long = {change.field: change.after for change in first.changed}["identity"]
        assert long.startswith("sha256:")

    def test_thresholds_drawn_are_told(self) -> None:
        """Day by day."""
        drawn = told(World().live(3)).changes.thresholds
        assert len(drawn) == 3
        assert drawn[0].step_up > 0

    def test_past_the_limit_changes_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """How many are not told one by one."""
        monkeypatch.setattr(turns, "MOST_TURNS", 2)
        changes = told(World().live(5)).changes
        assert (len(changes.thresholds), changes.left_off) == (2, 3)
