"""Deny rules: raised when observed risk crosses a threshold, as narrow as stops it, in shadow or enforced, expiring."""

from __future__ import annotations

import dataclasses

import pytest

from detector.engine.memory import Hits
from detector.engine.policy import Policy
from detector.engine.raising import MOST_LIFETIME_SECONDS, RAISER
from detector.engine.records import RuleChanged
from detector.events import Source
from detector.rules import Rule, Selector
from tests.engine.world import AWAY, DAY, HOUR, HOUSE, ISSUER, RESOURCE, SERVICE, World, codes

BOLD = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0}


def propose(world: World, *, mode: str = "enforced", seconds: float = 600.0, **selects: str) -> Rule:
    """A rule that an operator wrote for the ordinary requester, whatever its backtest says."""
    selector = Selector(requester=selects.pop("requester", SERVICE), **selects)
    override = "it is our incident" if mode == "enforced" else ""
    rule, _ = world.engine.propose_rule(
        selector,
        by="anna",
        reason="incident 7",
        lifetime_seconds=seconds,
        goal=mode,  # type: ignore[arg-type]
        override=override,
    )
    return rule


def test_a_selector_that_names_nothing_cannot_be_made() -> None:
    """Empty matches nothing, because it does not exist; an issuer or a resource alone is no rule either."""
    for fields in ({}, {"issuer": ISSUER}, {"resource": RESOURCE}):
        with pytest.raises((TypeError, ValueError), match="requester"):
            Selector(**{"requester": "", **fields})


def test_every_named_value_must_be_the_requests_own() -> None:
    """A selector matches when all it names is so; a value that the request lacks is not matched."""
    selector = Selector(requester="svc", resource="db", network="10.0.0.0/24")
    assert selector.matches("svc", {"resource": "db", "network": "10.0.0.0/24", "issuer": "any"})
    assert not selector.matches("svc", {"resource": "db", "network": "10.0.1.0/24"})
    assert not selector.matches("svc", {"resource": "db", "network": None})
    assert not selector.matches("svc", {"resource": "db"})
    assert not selector.matches("other", {"resource": "db", "network": "10.0.0.0/24"})


@pytest.mark.parametrize("expires", [float("inf"), 5.0, 4.0, float("nan")])
def test_a_rule_without_an_end_cannot_be_made(expires: float) -> None:
    """Expiry is mandatory, finite and after the beginning."""
    with pytest.raises(ValueError, match="expires"):
        Rule(
            id="r",
            selector=Selector(requester="svc"),
            stage="shadow",
            created=5.0,
            since=5.0,
            expires=expires,
            by="anna",
            because="x",
        )


@pytest.mark.parametrize("seconds", [0.0, -1.0, MOST_LIFETIME_SECONDS + 1.0, float("inf"), float("nan")])
def test_an_operators_rule_has_a_lifetime_within_bounds(seconds: float) -> None:
    """No rule that ends before it begins, or never: what should be denied for good is policy."""
    with pytest.raises(ValueError, match="lifetime_seconds"):
        propose(World(), seconds=seconds)


def test_a_rule_is_raised_when_observed_risk_crosses_the_threshold() -> None:
    """A thief's mints raise one rule for his victim's name, with scope, reasons and an end; it begins in shadow."""
    world = World().live()
    world.steal()
    (rule,) = world.engine.rules()
    assert rule.selector == Selector(requester=SERVICE, network="185.220.101.0/24")
    assert (rule.stage, rule.goal, rule.by) == ("shadow", "shadow", RAISER)
    assert rule.expires == rule.created + HOUSE.rules.lifetime_seconds
    assert rule.because
    made = [record.change for record in world.log.records() if isinstance(record, RuleChanged)]
    assert made == ["proposed", "backtested", "shadowed"]
    assert world.seen_risk() >= HOUSE.rules.raise_at


def test_below_the_threshold_no_rule_is_raised() -> None:
    """The same mints under a higher threshold raise nothing."""
    patient = dataclasses.replace(HOUSE, rules=dataclasses.replace(HOUSE.rules, raise_at=18.5))
    world = World(patient).live()
    world.steal()
    assert world.engine.rules() == ()


def test_a_rule_is_not_raised_again_while_one_matches() -> None:
    """One rule is enough while it lives; once it has expired, another odd mint raises another."""
    world = World().live()
    for _ in range(5):
        world.steal()
    assert len(world.engine.rules()) == 1
    world.wait(HOUSE.rules.lifetime_seconds + 1.0)
    world.steal()
    assert [rule.state(world.clock.now) for rule in world.engine.rules()].count("shadow") == 1
    assert len(world.engine.rules()) == 2


def test_an_operators_rule_that_matches_is_enough() -> None:
    """What somebody already stopped is not stopped twice."""
    world = World().live()
    rule = propose(world, network="185.220.101.0/24", seconds=DAY, mode="shadow")
    world.steal()
    assert world.engine.rules() == (rule,)


def test_a_stolen_use_raises_a_rule_over_its_mint() -> None:
    """Abuse seen only in use stops the requester's further mints of that kind."""
    world = World().live()
    row = world.issue()
    for number in range(6):
        world.wait(30.0).use(
            row.credential,
            source=AWAY,
            action=f"iam:AttachRolePolicy{number}",
            resource=f"role/{number}",
            id=f"s{number}",
        )
    (rule,) = world.engine.rules()
    assert rule.selector.requester == SERVICE
    assert rule.selector == Selector(
        requester=SERVICE, issuer=ISSUER, resource=RESOURCE, privilege="write", network="10.10.4.0/24"
    )


def test_the_victims_ordinary_request_is_not_what_a_raised_rule_matches() -> None:
    """Enforced, the rule stops the thief wherever he asks and whatever for, and nothing that the victim does."""
    world = World().live()
    world.steal()
    (rule,) = world.engine.rules()
    world.engine.enforce_rule(rule.id, by="anna", override="we know him")
    for odd in ({"resource": "anything"}, {"issuer": "elsewhere"}, {}):
        stopped = world.ask(source=AWAY, **odd)
        assert (stopped.answer, stopped.rule, codes(stopped)[0]) == ("deny", rule.id, "deny_rule")
    assert world.ask().rule is None
    assert world.ask(source=Source(ip="185.220.101.9")).answer == "deny"


def test_an_enforced_rule_denies_and_says_so() -> None:
    """The deny carries the rule, its scope in words and why it was made."""
    world = World().live()
    rule = propose(world, resource=RESOURCE)
    decision = world.ask()
    assert (decision.answer, decision.rule, decision.rule_stage) == ("deny", rule.id, "enforced")
    reason = decision.weighed.reasons[0]
    assert reason.code == "deny_rule"
    assert "incident 7" in reason.because
    assert rule.id in reason.observed
    assert RESOURCE in reason.observed
    assert world.ask(resource="aws/creds/other").rule is None


def test_a_rule_in_shadow_only_counts() -> None:
    """In shadow the answer is what it would have been, the match is recorded and counted apart."""
    world, free = World().live(), World().live()
    rule = propose(world, mode="shadow", resource=RESOURCE)
    propose(free, requester="another")
    for odd in ({}, BOLD):
        shadowed, plain = world.ask(**odd), free.ask(**odd)
        assert (shadowed.answer, shadowed.weighed) == (plain.answer, plain.weighed)
        assert (shadowed.rule, shadowed.rule_stage) == (rule.id, "shadow")
    assert world.engine.hits(rule.id).shadow == 2
    world.engine.enforce_rule(rule.id, by="anna", override="we know him")
    world.ask()
    assert (world.engine.hits(rule.id).enforced, world.engine.hits(rule.id).shadow) == (1, 2)


def test_a_rule_expires_with_the_clock() -> None:
    """At its end it stops denying, by itself."""
    world = World().live()
    rule = propose(world, seconds=600.0, resource=RESOURCE)
    assert world.ask().answer == "deny"
    world.wait(599.0)
    assert world.ask().answer == "deny"
    world.wait(1.0)
    assert world.ask().answer == "allow"
    assert rule.state(world.clock.now) == "expired"


def test_a_withdrawn_rule_stops() -> None:
    """Withdrawn, it denies no more and cannot be brought back."""
    world = World().live()
    rule = propose(world, resource=RESOURCE)
    withdrawn, _ = world.engine.withdraw_rule(rule.id, by="anna", reason="false alarm")
    assert withdrawn.state(world.clock.now) == "withdrawn"
    assert world.ask().answer == "allow"
    for change in (world.engine.enforce_rule, world.engine.shadow_rule, world.engine.withdraw_rule):
        with pytest.raises(ValueError, match="is withdrawn"):
            change(rule.id, by="anna")


def test_an_ended_rule_cannot_be_switched_and_an_unknown_one_is_unknown() -> None:
    """An expired rule stays expired; a rule nobody made is a `KeyError`."""
    world = World().live()
    rule = propose(world, seconds=1.0)
    world.wait(2.0)
    with pytest.raises(ValueError, match="is expired"):
        world.engine.enforce_rule(rule.id, by="anna", override="we know him")
    with pytest.raises(KeyError):
        world.engine.withdraw_rule("r-nothing", by="anna")


def test_a_rule_moves_between_shadow_and_enforced() -> None:
    """An operator lets it bite and takes it back; every change is in the log with who made it."""
    world = World().live()
    rule = propose(world, mode="shadow", resource=RESOURCE)
    world.engine.enforce_rule(rule.id, by="bert", override="we know him")
    assert world.ask().answer == "deny"
    world.engine.shadow_rule(rule.id, by="carla")
    assert world.ask().answer == "allow"
    changes = [(r.change, r.by) for r in world.log.records() if isinstance(r, RuleChanged)]
    assert changes == [
        ("proposed", "anna"),
        ("backtested", RAISER),
        ("shadowed", "anna"),
        ("enforced", "bert"),
        ("shadowed", "carla"),
    ]


def test_break_glass_passes() -> None:
    """A broken glass goes past a rule, yet the record says what it went past."""
    world = World().live()
    rule = propose(world)
    decision = world.ask(break_glass=True, purpose="the database is down")
    assert (decision.answer, decision.mode) == ("allow", "break_glass")
    assert (decision.weighed.verdict, decision.rule) == ("deny", rule.id)


def test_an_enforced_rule_comes_before_one_in_shadow() -> None:
    """Where both match the one that bites is the one that counts."""
    world = World().live()
    propose(world, mode="shadow")
    enforced = propose(world, resource=RESOURCE)
    assert world.ask().rule == enforced.id


@pytest.mark.parametrize("mode", ["observe", "shadow"])
def test_a_rule_bites_nobody_where_the_mode_only_watches(mode: str) -> None:
    """The kill switch outranks every rule: allow is answered, deny is recorded."""
    world = World(dataclasses.replace(HOUSE, mode=mode)).live()  # type: ignore[arg-type]
    propose(world)
    decision = world.ask()
    assert (decision.answer, decision.weighed.verdict) == ("allow", "deny")


def test_a_rule_may_be_written_with_raw_names() -> None:
    """An operator pastes the session from a log line: the rule stops the requester it belongs to."""
    world = World()
    rule = propose(world, requester="arn:aws:sts::1:assumed-role/deploy/run-8842")
    assert rule.selector.requester == "arn:aws:sts::1:assumed-role/deploy"
    assert world.ask(requester="arn:aws:sts::1:assumed-role/deploy/run-9000").answer == "deny"


def test_an_observed_mint_against_a_rule_is_a_deny_row() -> None:
    """An issuer whose broker does not ask is told all the same: this credential should be revoked."""
    world = World().live()
    propose(world)
    row = world.issue()
    assert (row.verdict, codes(row)[0]) == ("deny", "deny_rule")


def test_rules_survive_a_restart_with_their_hits() -> None:
    """Folded or revived, rules match and count as before."""
    world = World(Policy(model=HOUSE.model)).live()
    rule = propose(world, seconds=DAY)
    world.ask()
    for revived in (world.folded(), world.restarted()):
        assert revived.rule(rule.id) == rule
        assert revived.hits(rule.id) == Hits(enforced=1, quiet=1)
        assert revived.ask(world.grant(), trusted=True).decision.answer == "deny"


def test_ended_rules_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory holds the live rules and a bounded number of ended ones; the log has them all."""
    from detector.engine import ruleset

    monkeypatch.setattr(ruleset, "MOST_RULES", 40)
    world = World()
    for _ in range(60):
        propose(world, seconds=1.0)
        world.wait(2.0)
    assert len(world.engine.rules()) <= 40
    assert len(world.state.memory.hits) <= 40
    assert world.wait(HOUR).ask().rule is None
