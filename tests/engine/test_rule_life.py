"""A deny rule's life: found by search, proven on the log's own history, let bite by steps, ended by itself."""

from __future__ import annotations

import dataclasses

import pytest

from detector.engine import raising
from detector.engine.policy import Policy, RulePolicy
from detector.engine.raising import RAISER
from detector.engine.records import RuleChanged
from detector.engine.rule_life import MOST_QUIET
from detector.events import Source
from detector.rules import Abusive, Backtest, Rule, Selector, narrowest
from detector.rules.life import drawn
from tests.engine.world import AWAY, DAY, HOME, HOUR, HOUSE, ISSUER, RESOURCE, SERVICE, World

STEPS = RulePolicy(
    raise_at=8.0,
    lifetime_seconds=4 * HOUR,
    mode="enforced",
    shadow_seconds=60.0,
    canary_seconds=120.0,
    canary_share=0.5,
)
BOLD = dataclasses.replace(HOUSE, rules=STEPS)


def stolen(policy: Policy = BOLD) -> tuple[World, Rule]:
    """A world whose service was stolen, and the rule that this raised."""
    world = World(policy).live()
    world.steal(hours=1)
    (rule,) = world.engine.rules()
    return world, rule


def stage(world: World, rule: Rule) -> str:
    """Where a rule is in its life."""
    known = world.engine.rule(rule.id)
    assert known is not None
    return known.state(world.clock.now)


def changes(world: World) -> list[str]:
    """What happened to rules, in order."""
    return [record.change for record in world.log.records() if isinstance(record, RuleChanged)]


class TestTheSearch:
    """What the abusive rows share, and habit does not."""

    def test_where_the_thief_sits_covers_all_he_asks_for(self) -> None:
        """Three resources from one new network: the network is the scope, not any of the resources."""
        rows = [
            Abusive({"issuer": "v", "resource": name, "network": "n", "client": "curl"}, 9.0, 0.0) for name in "abc"
        ]
        found = narrowest("svc", rows, lambda *_: 0.0)
        assert found[0] == Selector(requester="svc", network="n")

    def test_a_scope_of_what_is_asked_for_holds_at_its_issuer(self) -> None:
        """One new resource from the usual place: that resource at that issuer."""
        usual = {"network": 0.9, "privilege": 0.5, "issuer": 1.0}
        row = Abusive({"issuer": "v", "resource": "root", "privilege": "read", "network": "n"}, 9.0, 0.0)
        found = narrowest("svc", [row], lambda name, _: usual.get(name, 0.0))
        assert found[0] == Selector(requester="svc", issuer="v", resource="root")

    def test_what_habit_holds_is_named_together(self) -> None:
        """Where every value is usual the narrowest scope comes first: all of them."""
        row = Abusive({"issuer": "v", "resource": "db", "privilege": "write", "network": "n"}, 9.0, 0.0)
        found = narrowest("svc", [row], lambda *_: 0.5)
        assert found[0].names() == ("issuer", "resource", "privilege", "network")

    def test_the_rarer_of_two_combinations_is_preferred(self) -> None:
        """A scope can hit no more than the rarest of its values is usual."""
        usual = {"issuer": 1.0, "resource": 0.02, "privilege": 0.5}
        row = Abusive({"issuer": "v", "resource": "db", "privilege": "admin"}, 9.0, 0.0)
        found = narrowest("svc", [row], lambda name, _: usual[name])
        assert "resource" in found[0].names()

    def test_nothing_is_found_without_abuse(self) -> None:
        """A scope out of nothing would be a template."""
        with pytest.raises(ValueError, match="abuse"):
            narrowest("svc", [], lambda *_: 0.0)


class TestTheBacktest:
    """The log's own history, folded under the rule."""

    def test_a_raised_rule_carries_what_it_would_have_hit(self) -> None:
        """The thief's mints are its hits, none of the victim's is, and it is counted over all of them."""
        _, rule = stolen()
        assert rule.backtest is not None
        assert (rule.backtest.honest, rule.backtest.asked) == (0, 24 * 4 + 2)
        assert rule.backtest.flagged == rule.backtest.hits > 0
        assert rule.backtest.within

    def test_an_operators_rule_over_honest_work_cannot_be_enforced(self) -> None:
        """Past its limit it counts in shadow, and says what it would have cost."""
        world = World(BOLD).live()
        rule, _ = world.engine.propose_rule(
            Selector(requester=SERVICE, resource=RESOURCE), by="anna", reason="x", lifetime_seconds=DAY, goal="enforced"
        )
        assert (rule.stage, rule.backtest is not None and rule.backtest.honest) == ("shadow", 96)
        with pytest.raises(ValueError, match="past the limit: 96 of 96"):
            world.engine.enforce_rule(rule.id, by="anna")
        assert world.ask().answer == "allow"

    def test_somebody_with_a_name_may_override_that(self) -> None:
        """Who and why stands in the rule, and in the log."""
        world = World(BOLD).live()
        rule, _ = world.engine.propose_rule(
            Selector(requester=SERVICE, resource=RESOURCE), by="anna", reason="x", lifetime_seconds=DAY
        )
        world.engine.enforce_rule(rule.id, by="anna", override="the database is being drained")
        assert world.ask().answer == "deny"
        (last,) = (
            record for record in world.log.records() if isinstance(record, RuleChanged) and record.change == "enforced"
        )
        assert last.rule.override is not None
        assert (last.rule.override.by, last.rule.override.because) == ("anna", "the database is being drained")

    def test_an_operators_rule_within_its_limit_bites_at_once(self) -> None:
        """Who writes a rule and wants it enforced waits for nothing but its backtest."""
        world = World(BOLD).live()
        world.engine.propose_rule(
            Selector(requester=SERVICE, resource="db/root"),
            by="anna",
            reason="x",
            lifetime_seconds=DAY,
            goal="enforced",
        )
        assert world.ask(resource="db/root").answer == "deny"
        assert world.ask().answer == "allow"

    def test_labels_are_counted(self) -> None:
        """A hit that an analyst called legitimate is collateral, one he called malicious is not."""
        world = World(BOLD).live()
        first = world.ask(source=AWAY, resource="db/a", privilege="admin")
        second = world.wait(HOUR).ask(source=AWAY, resource="db/b", privilege="admin")
        third = world.wait(HOUR).ask(source=AWAY, resource="db/c", privilege="admin")
        world.engine.record_outcome(first.decision, "legitimate", by="ana")
        world.engine.record_outcome(second.decision, "refused", by="ana")
        rule, _ = world.engine.propose_rule(
            Selector(requester=SERVICE, network="185.220.101.0/24"), by="anna", reason="x", lifetime_seconds=DAY
        )
        found = rule.backtest
        assert isinstance(found, Backtest)
        assert (found.hits, found.honest, found.abusive, found.flagged) == (3, 1, 1, 1)
        assert found.examples == (first.decision,)
        assert third.decision not in found.examples

    def test_a_decision_and_its_issuance_count_once(self) -> None:
        """One mint, asked for and logged, is one grant."""
        world = World(BOLD)
        asked = world.ask()
        world.issue(decision=asked.decision)
        rule, _ = world.engine.propose_rule(Selector(requester=SERVICE), by="anna", reason="x", lifetime_seconds=DAY)
        assert rule.backtest is not None
        assert rule.backtest.asked == 1

    def test_only_the_history_that_it_looks_back_on_counts(self) -> None:
        """What is older than that is another organisation's life."""
        brief = dataclasses.replace(BOLD, rules=dataclasses.replace(STEPS, backtest_seconds=10.5 * HOUR))
        world = World(brief).live()
        rule, _ = world.engine.propose_rule(Selector(requester=SERVICE), by="anna", reason="x", lifetime_seconds=DAY)
        assert rule.backtest is not None
        assert rule.backtest.asked == 10


class TestTheSteps:
    """Shadow, canary, enforced; each for its time."""

    def test_a_rule_goes_through_all_of_them_by_itself(self) -> None:
        """And an enforced one stops every request of the thief's, none of the victim's."""
        world, rule = stolen()
        seen = [stage(world, rule)]
        for seconds in (59.0, 2.0, 118.0, 3.0):
            world.wait(seconds).engine.tend_rules()
            seen.append(stage(world, rule))
        assert seen == ["shadow", "shadow", "canary", "canary", "enforced"]
        assert changes(world) == ["proposed", "backtested", "shadowed", "canaried", "enforced"]
        assert {world.ask(source=AWAY, resource=f"x/{number}").answer for number in range(9)} == {"deny"}
        assert world.ask().rule is None

    def test_observing_moves_rules_on_as_well(self) -> None:
        """A sidecar that only reads logs needs nobody to remind it."""
        world, rule = stolen()
        world.wait(61.0).issue()
        assert stage(world, rule) == "canary"

    def test_in_canary_the_same_requests_are_denied_every_time(self) -> None:
        """The share is deterministic: a retry with its id is answered alike, and about half of all are denied."""
        world, rule = stolen()
        world.wait(61.0).engine.tend_rules()
        answers = [world.ask(source=AWAY, id=f"ask-{number}") for number in range(60)]
        bitten = [decided.rule_bit for decided in answers]
        assert 15 < sum(bitten) < 45
        assert bitten == [drawn(rule.id, f"ask-{number}") < 0.5 for number in range(60)]
        assert all(decided.answer == "deny" for decided in answers if decided.rule_bit)
        assert world.engine.hits(rule.id).canary == 60

    def test_a_rule_that_stays_in_shadow_never_bites(self) -> None:
        """By default Assayer's own rules wait for somebody."""
        world, rule = stolen(HOUSE)
        world.wait(HOUR).engine.tend_rules()
        assert stage(world, rule) == "shadow"

    def test_hits_that_nothing_else_spoke_against_keep_a_rule_from_biting(self) -> None:
        """In its trial run it hit quiet work: it stays there."""
        world = World(BOLD).live()
        rule, _ = world.engine.propose_rule(
            Selector(requester=SERVICE, resource="db/a"), by=RAISER, reason="x", lifetime_seconds=DAY, goal="enforced"
        )
        assert stage(world, rule) == "shadow"
        world.state.memory.hits.setdefault(rule.id, world.engine.hits(rule.id)).quiet = 1
        world.wait(HOUR).engine.tend_rules()
        assert stage(world, rule) == "shadow"

    def test_a_rule_that_denies_quiet_work_is_put_back(self) -> None:
        """The backtest did not know of it; after a few denials the rule only counts, and that is logged."""
        world = World(BOLD)
        rule, _ = world.engine.propose_rule(
            Selector(requester=SERVICE, resource="db/a"),
            by="anna",
            reason="x",
            lifetime_seconds=30 * DAY,
            goal="enforced",
        )
        world.live(resource="db/a", source=HOME)
        answers = [world.wait(60.0).ask(resource="db/a").answer for _ in range(MOST_QUIET + 2)]
        assert "allow" in answers
        assert stage(world, rule) == "shadow"
        assert changes(world)[-1] == "demoted"

    def test_a_stage_that_bites_cannot_be_constructed_unproven(self) -> None:
        """Neither by mistake nor from a forged record."""
        for where in ("canary", "enforced"):
            with pytest.raises(ValueError, match="backtest"):
                Rule(
                    id="r",
                    selector=Selector(requester="svc"),
                    stage=where,  # type: ignore[arg-type]
                    created=0.0,
                    since=0.0,
                    expires=1.0,
                    by="x",
                    because="x",
                )


class TestTheEnd:
    """Expiry is mandatory; it learns."""

    def test_a_rule_about_the_same_thing_lives_longer_each_time(self) -> None:
        """The thief who comes back after the rule ran out meets one of twice its life."""
        world, first = stolen()
        lives = [first.expires - first.created]
        for _ in range(2):
            world.wait(5 * lives[-1])
            world.steal()
            newest = world.engine.rules()[0]
            lives.append(newest.expires - newest.created)
        assert lives[1] == 2 * lives[0]

    def test_a_clean_step_up_shortens_what_bites_and_takes_back_what_does_not(self) -> None:
        """An approver who vouches for a request within the scope speaks against the rule."""
        world, rule = stolen()
        decided = world.ask(source=AWAY, resource="db/z", privilege="admin")
        world.engine.record_outcome(decided.decision, "approved", by="ana", trust="approver")
        assert stage(world, rule) == "withdrawn"
        world, rule = stolen()
        world.engine.enforce_rule(rule.id, by="anna")
        decided = world.ask(source=AWAY, resource="db/z", privilege="admin")
        left = rule.expires - world.clock.now
        world.engine.record_outcome(decided.decision, "legitimate", by="ana")
        known = world.engine.rule(rule.id)
        assert known is not None
        assert known.expires - world.clock.now == pytest.approx(left / 2)

    def test_a_brokers_word_does_not_touch_rules(self) -> None:
        """Who holds a broker cannot talk a rule away."""
        world, rule = stolen()
        decided = world.ask(source=AWAY, resource="db/z", privilege="admin")
        world.engine.record_outcome(decided.decision, "approved", by="broker", trust="broker")
        assert stage(world, rule) == "shadow"

    def test_abuse_within_its_scope_gives_a_rule_its_whole_life_again(self) -> None:
        """Whoever is still at it is stopped for longer."""
        world, rule = stolen()
        world.engine.enforce_rule(rule.id, by="anna")
        decided = world.wait(3 * HOUR).ask(source=AWAY, resource="db/z", privilege="admin")
        world.engine.record_outcome(decided.decision, "malicious", by="ana")
        known = world.engine.rule(rule.id)
        assert known is not None
        assert known.expires == world.clock.now + STEPS.lifetime_seconds

    def test_the_class_of_resource_is_found_when_the_thief_changes_where_he_sits(self) -> None:
        """Each mint from another network, all of one family: the family is what the abuse shares."""
        world = World(BOLD).live()
        for number in range(6):
            world.wait(30.0).issue(source=Source(ip=f"185.{number}.1.1"), resource=f"db/{number}", privilege="admin")
        scopes = [rule.selector for rule in world.engine.rules()]
        assert scopes == [
            Selector(requester=SERVICE, issuer=ISSUER, area="db"),
            Selector(requester=SERVICE, network="185.0.1.0/24"),
        ]

    def test_a_flood_of_abuse_does_not_flood_rules(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One requester has so many live rules at most, however many scopes are abused."""
        monkeypatch.setattr(raising, "MOST_LIVE_OF_ONE", 1)
        world = World(BOLD).live()
        for number in range(6):
            world.wait(30.0).issue(source=Source(ip=f"185.{number}.1.1"), resource=f"db/{number}", privilege="admin")
        assert len(world.engine.rules()) == 1


def test_the_word_of_an_approver_can_raise_a_rule() -> None:
    """Asks alone never do; refused by somebody entitled to judge they count as seen, and the rule comes at once."""
    world = World(BOLD).live()
    asked = [
        world.wait(30.0).ask(source=AWAY, resource=f"db/{number}", privilege="admin", issuer=ISSUER)
        for number in range(3)
    ]
    assert world.engine.rules() == ()
    for decided in asked:
        world.engine.record_outcome(decided.decision, "refused", by="ana", trust="approver")
    (rule,) = world.engine.rules()
    assert rule.selector.network == "185.220.101.0/24"


@pytest.mark.parametrize("trust", ["broker", "automatic"])
def test_what_is_folded_again_moves_alike(trust: str) -> None:
    """Every step is in the log: a fresh fold has the same rules, hits and standing."""
    world, _ = stolen()
    decided = world.wait(61.0).ask(source=AWAY, resource="db/z", privilege="admin")
    world.engine.record_outcome(decided.decision, "refused", by="b", trust=trust)  # type: ignore[arg-type]
    world.wait(200.0).engine.tend_rules()
    assert world.folded().digest() == world.engine.digest()
    assert world.restarted(cut=100).digest() == world.engine.digest()
