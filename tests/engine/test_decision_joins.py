"""A decision and its issuance are one event: found by name, by id, or by what was asked; counted once."""

from __future__ import annotations

import pytest

from detector.engine import judge
from detector.engine.policy import Policy
from detector.engine.records import Decided, Observed
from tests.engine.world import AWAY, ISSUER, PLAIN, RESOURCE, World, codes

BOLD = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0}
ODD = {"source": AWAY}


def joined(world: World) -> str | None:
    """The decision that the last issuance in the log was found to belong to."""
    return next(r.decision for r in reversed(world.log.records()) if isinstance(r, Observed))


def decision_facet(world: World, **more: object) -> str:
    """What an issuance says about its decision: the facet, as it waits to be learnt."""
    world.issue(**more)
    waiting = [*world.state.memory.lessons, *world.state.memory.flagged.values()]
    return waiting[-1].facets.values[-1]


def test_an_issuance_is_joined_by_the_decision_it_names() -> None:
    """The broker wrote the decision down: that is the join, whatever else lies nearer."""
    world = World()
    first = world.ask()
    world.ask()
    world.wait(3_000.0).issue(decision=first.decision)
    assert joined(world) == first.decision


def test_an_issuance_is_joined_by_the_id_it_was_asked_with() -> None:
    """Equal ids are one event, however long the mint took."""
    world = World()
    first = world.ask(id="one")
    world.ask(id="two")
    world.wait(3_000.0).issue(id="one")
    assert joined(world) == first.decision


@pytest.mark.parametrize(("seconds", "found"), [(1.0, True), (299.0, True), (301.0, False), (-200.0, True)])
def test_an_issuance_is_joined_by_what_was_asked_within_the_deadline(seconds: float, *, found: bool) -> None:
    """Requester, issuer and resource join for five minutes either way by the events' own clocks, and no longer."""
    world = World()
    asked = world.ask()
    world.issue(time=world.clock.now + seconds)
    assert joined(world) == (asked.decision if found else None)


def test_the_deadline_is_the_policys() -> None:
    """An operator whose broker is slow sets a longer deadline."""
    world = World(Policy(model=PLAIN, decision_deadline_seconds=3_600.0))
    asked = world.ask()
    world.wait(2_000.0).issue()
    assert joined(world) == asked.decision


@pytest.mark.parametrize("other", [{"requester": "svc2"}, {"issuer": "elsewhere"}, {"resource": "other"}], ids=str)
def test_another_request_is_not_the_one_that_was_asked(other: dict[str, str]) -> None:
    """Neither another's, nor another issuer's, nor another resource's mint belongs to a decision."""
    world = World()
    world.ask()
    world.issue(**other)
    assert joined(world) is None


def test_another_requesters_decision_cannot_be_borrowed() -> None:
    """Naming somebody else's decision, or asking's id, joins nothing."""
    world = World()
    asked = world.ask(id="one")
    world.issue(id="one", decision=asked.decision, requester="svc2")
    assert joined(world) is None


def test_a_canonical_name_joins_what_raw_names_hide() -> None:
    """The broker asks for one session and the log shows another: one requester, one event."""
    world = World()
    asked = world.ask(requester="arn:aws:sts::1:assumed-role/deploy/run-8842")
    world.issue(requester="arn:aws:sts::1:assumed-role/deploy/run-8843")
    assert joined(world) == asked.decision


def test_one_decision_allows_one_mint() -> None:
    """A second mint on one allow was never asked for."""
    world = World()
    world.ask()
    assert decision_facet(world) == "allowed"
    assert decision_facet(world) == "never asked for"


def test_a_refused_issuance_does_not_use_its_decision_up() -> None:
    """The issuer said no, the broker tried again: the second attempt still belongs to the allow."""
    world = World()
    asked = world.ask()
    world.issue(outcome="refused")
    world.issue()
    assert joined(world) == asked.decision


def test_never_asked_at_an_issuer_whose_broker_asks_is_told_apart() -> None:
    """A mint past the broker is named so; where no broker asks there is nothing to say."""
    world = World()
    assert decision_facet(world, issuer="quiet") == "-"
    world.ask(resource="other")
    assert decision_facet(world) == "never asked for"
    assert decision_facet(world, issuer="quiet") == "-"


def test_never_asked_is_a_reason_once_asking_is_the_habit() -> None:
    """Where every mint was asked for, one that was not says so with the code `decision`."""
    world = World()
    for _ in range(96):
        world.wait(3_600.0).ask()
        world.issue()
    world.wait(3_600.0)
    assert "decision" in codes(world.issue(source=AWAY))


def test_a_mint_against_a_deny_is_a_finding() -> None:
    """What was denied and minted all the same is stepped up at least, with the code `decision` on top."""
    world = World().live()
    rule, _ = world.engine.propose_rule(
        selector(world), by="anna", reason="incident 7", lifetime_seconds=600.0, goal="enforced", override="it is ours"
    )
    assert world.ask().answer == "deny"
    world.engine.withdraw_rule(rule.id, by="anna")
    row = world.issue()
    assert row.verdict != "allow"
    assert codes(row)[0] == "decision"
    assert row.reasons[0].observed == "minted against a deny"


def selector(world: World) -> object:
    """The narrowest selector of the ordinary request."""
    from detector.rules import Selector

    return Selector(requester=world.grant().requester, issuer=ISSUER, resource=RESOURCE)


def test_a_mint_against_a_deny_is_found_under_any_model() -> None:
    """No fitted weight turns a fact down: with every weight at nothing the finding stands."""
    from detector.evidence import EvidenceModel

    world = World(Policy(model=EvidenceModel(name="deaf", elsewhere=0.0))).live()
    world.engine.propose_rule(
        selector(world), by="anna", reason="x", lifetime_seconds=600.0, goal="enforced", override="it is ours"
    )  # type: ignore[arg-type]
    world.ask()
    row = world.issue()
    assert row.verdict == "deny"
    assert codes(row)[:2] == ["deny_rule", "decision"]


def test_a_mint_on_a_step_up_follows_its_outcome() -> None:
    """Minted while the step-up is open, after its approval, and after its refusal are three different facts."""
    facets = []
    for outcome in (None, "approved", "legitimate", "refused", "malicious"):
        world = World().live()
        asked = world.ask(**BOLD)
        assert asked.answer == "step_up"
        if outcome is not None:
            world.engine.record_outcome(asked.decision, outcome, by="anna")  # type: ignore[arg-type]
        facets.append(judge.decision_word(world.state, world.issuance(**BOLD), asked.decision))
    assert facets == ["minted on a step-up", "allowed", "allowed", "minted against a deny", "minted against a deny"]


def test_a_decision_and_its_issuance_count_once() -> None:
    """Asked and minted comes to the risk that minting alone comes to; what was asked is now what was seen."""
    asking, minting = World().live(), World().live()
    for world in (asking, minting):
        world.issue(issuer="elsewhere")  # both know an issuer that does not ask
    decision = asking.ask(**ODD)
    assert asking.risk() > 0
    assert asking.seen_risk() == 0.0
    both, alone = asking.issue(decision=decision.decision, **ODD), minting.issue(**ODD)
    extra = next((r.nats for r in both.reasons if r.code == "decision"), 0.0)
    assert "accumulated" not in codes(both)
    assert both.evidence - extra == pytest.approx(alone.evidence, abs=0.5)
    assert asking.risk() - minting.risk() == pytest.approx(extra, abs=0.5)
    assert asking.seen_risk() == asking.risk()


def test_an_issuance_asked_for_in_vain_still_counts_what_others_asked() -> None:
    """Only the own decision's share is left out: what accumulated from other asks speaks against a mint."""
    world = World().live()
    world.ask(resource="kv/a", **BOLD)
    own = world.ask(resource="kv/b", **BOLD)
    row = world.issue(resource="kv/b", decision=own.decision, **BOLD)
    assert row.evidence > own.weighed.own / 1024


def test_a_decision_forgotten_in_memory_joins_nothing_and_breaks_nothing() -> None:
    """An issuance that names a decision unknown here is one that was never asked for."""
    world = World()
    world.ask()
    world.issue(decision="d-ffff", resource="other")
    assert joined(world) is None
    assert isinstance(world.log.records()[-2], Decided)
