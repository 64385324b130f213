"""Outcomes: what an approver or an analyst says counts once, for or against."""

from __future__ import annotations

import pytest

from detector.engine.records import Decided
from detector.risk import CAP
from tests.engine.world import AWAY, HOUR, World

BOLD = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0}


def stepped_up(world: World, **more: object) -> Decided:
    """A decision that was a step-up."""
    decision = world.ask(**{**BOLD, **more})
    assert decision.answer == "step_up"
    return decision


def say(world: World, decision: Decided, *outcomes: str) -> None:
    """Record outcomes, one after the other."""
    for outcome in outcomes:
        world.engine.record_outcome(decision.decision, outcome, by="anna")  # type: ignore[arg-type]


@pytest.mark.parametrize("outcome", ["approved", "legitimate"])
def test_what_was_cleared_is_taken_back(outcome: str) -> None:
    """An approval takes the ask's share of risk away and turns none of it into risk that was seen."""
    world = World().live()
    say(world, stepped_up(world), outcome)
    assert (world.risk(), world.seen_risk()) == (0.0, 0.0)


def test_approving_false_step_ups_all_day_never_locks_a_requester_out() -> None:
    """Asked risk that is approved away never reappears as observed risk, however often that happens."""
    world = World().live()
    for number in range(30):
        stepped_up(world, resource=f"kv/other{number}")
        say(world, stepped_up(world, resource=f"kv/{number}"), "approved")
        world.wait(60.0)
    assert world.seen_risk() == 0.0


@pytest.mark.parametrize("outcome", ["refused", "malicious"])
def test_what_was_refused_counts_as_seen(outcome: str) -> None:
    """Somebody entitled said no: what was only asked is now risk that logs bear out."""
    world = World().live()
    decision = stepped_up(world)
    asked = world.risk()
    say(world, decision, outcome)
    assert world.seen_risk() == pytest.approx(min(decision.weighed.step / 1024, CAP))
    assert world.risk() >= asked


@pytest.mark.parametrize("outcome", ["refused", "malicious", "approved", "legitimate"])
def test_an_outcome_told_twice_counts_once(outcome: str) -> None:
    """A client that retries moves nothing further."""
    world = World().live()
    stepped_up(world, resource="kv/other")
    decision = stepped_up(world)
    say(world, decision, outcome)
    once = world.risk(), world.seen_risk()
    say(world, decision, *[outcome] * 5)
    assert (world.risk(), world.seen_risk()) == once


@pytest.mark.parametrize(("first", "second"), [("refused", "malicious"), ("approved", "legitimate")])
def test_a_second_voice_of_the_same_mind_adds_nothing(first: str, second: str) -> None:
    """The approver refused and the analyst agrees: one fact."""
    world = World().live()
    decision = stepped_up(world)
    say(world, decision, first)
    once = world.risk(), world.seen_risk()
    say(world, decision, second)
    assert (world.risk(), world.seen_risk()) == once


def test_an_analyst_may_correct_an_approver() -> None:
    """The latest word stands: refused and then legitimate is cleared, and the other way round."""
    world = World().live()
    decision = stepped_up(world)
    say(world, decision, "refused", "legitimate")
    assert world.risk() == pytest.approx(0.0)
    say(world, decision, "malicious")
    assert world.seen_risk() == pytest.approx(min(decision.weighed.step / 1024, CAP))


def test_an_unknown_decision_has_no_outcome() -> None:
    """An outcome for a decision nobody made is an error of the caller."""
    with pytest.raises(KeyError, match="d-nothing"):
        World().engine.record_outcome("d-nothing", "approved", by="anna")


def test_an_approved_mint_teaches_at_once() -> None:
    """Approved before the mint or after it, what was stepped up is habit from then on and moves no risk."""
    for first in ("approval", "mint"):
        world = World().live().wait(HOUR)
        world.ask()
        decision, learnt = stepped_up(world), world.learnt()
        if first == "approval":
            say(world, decision, "approved")
            world.issue(decision=decision.decision, **BOLD)
        else:
            world.issue(decision=decision.decision, **BOLD)
            assert world.learnt() == learnt
            say(world, decision, "approved")
        assert world.learnt() == learnt + 1
        again = world.ask(**BOLD)
        assert again.weighed.own < 0.7 * decision.weighed.own
        assert first == "mint" or world.seen_risk() == 0.0


def test_a_malicious_mint_never_teaches() -> None:
    """Called malicious before the mint, after it, while flagged or while in quarantine: it is never learnt."""
    for first, odd in (("label", BOLD), ("mint", BOLD), ("label", {}), ("mint", {})):
        world = World().live().wait(HOUR)
        decision, learnt = world.ask(**odd), world.learnt()
        if first == "label":
            say(world, decision, "malicious")
        world.issue(decision=decision.decision, id="bad", credential="bad", **odd)
        if first == "mint":
            say(world, decision, "malicious")
        uses = world.state.baselines.uses.habits[world.grant().requester].events
        world.use("bad")
        for _ in range(20):
            world.wait(24 * HOUR).ask(requester="another")
        assert not world.state.memory.lessons
        assert not world.state.memory.flagged
        assert world.learnt() == learnt
        assert world.state.baselines.uses.habits[world.grant().requester].events == uses


def test_the_uses_of_a_malicious_mint_do_not_teach_either() -> None:
    """What was done with a credential that was abuse is not how it is used."""
    world = World().live().wait(2 * HOUR)
    decision = world.ask()
    row = world.issue(decision=decision.decision)
    before = world.state.baselines.uses.habits[world.grant().requester].events
    world.use(row.credential)
    world.wait(60.0)
    say(world, decision, "malicious")
    world.wait(2 * HOUR).ask(requester="another")
    assert world.state.baselines.uses.habits[world.grant().requester].events == before


def test_outcomes_survive_a_restart() -> None:
    """Told before a restart, an outcome told again afterwards still counts once."""
    world = World().live()
    decision = stepped_up(world)
    say(world, decision, "refused")
    for revived in (world.folded(), world.restarted()):
        digest = revived.digest()
        assert digest == world.engine.digest()
        before = str(revived.state.memory.standings)
        revived.record_outcome(decision.decision, "refused", by="anna")
        assert str(revived.state.memory.standings) == before


class TestUnequalWords:
    """An analyst's and an approver's in full; a broker's about its own step-up; a machine's about this one mint."""

    @pytest.mark.parametrize(("trust", "learnt"), [("analyst", 1), ("approver", 1), ("broker", 0), ("automatic", 0)])
    def test_only_a_judge_teaches_sooner(self, trust: str, learnt: int) -> None:
        """What a broker or a proof cleared waits out its quarantine, as if nobody had said anything."""
        world = World().live()
        decision = stepped_up(world)
        world.wait(1.0).issue(requester="somebody else")  # whatever was due has been learnt by now
        before = world.learnt()
        world.issue(decision=decision.decision, **BOLD)
        world.engine.record_outcome(decision.decision, "approved", by="x", trust=trust)  # type: ignore[arg-type]
        assert world.learnt() - before == learnt

    @pytest.mark.parametrize(
        ("trust", "share"), [("analyst", 1.0), ("approver", 1.0), ("broker", 0.5), ("automatic", 0.0)]
    )
    def test_a_refusal_weighs_what_its_speaker_does(self, trust: str, share: float) -> None:
        """Half for a broker: one that was taken over must not lock its requesters out so easily."""
        world = World().live()
        decision = stepped_up(world)
        world.engine.record_outcome(decision.decision, "refused", by="x", trust=trust)  # type: ignore[arg-type]
        assert world.seen_risk() == pytest.approx(min(share * decision.weighed.step / 1024, CAP))

    def test_a_lesser_word_never_takes_the_place_of_a_weightier_one(self) -> None:
        """The analyst said malicious; the broker's approval a minute later changes nothing."""
        world = World().live()
        decision = stepped_up(world)
        world.engine.record_outcome(decision.decision, "malicious", by="ana", trust="analyst")
        seen = world.seen_risk()
        for trust in ("broker", "automatic", "approver"):
            world.engine.record_outcome(decision.decision, "approved", by="x", trust=trust)  # type: ignore[arg-type]
        assert world.seen_risk() == seen
        assert world.state.memory.outcomes.get(decision.decision) == ("malicious", "analyst")

    def test_a_weightier_word_takes_the_place_of_a_lesser_one(self) -> None:
        """The broker said refused, the analyst that it was legitimate: nothing is held against the requester."""
        world = World().live()
        decision = stepped_up(world)
        world.engine.record_outcome(decision.decision, "refused", by="x", trust="broker")
        assert world.seen_risk() > 0.0
        world.engine.record_outcome(decision.decision, "legitimate", by="ana", trust="analyst")
        assert (world.risk(), world.seen_risk()) == (0.0, 0.0)

    def test_who_approves_his_own_theft_as_a_broker_gains_no_habit(self) -> None:
        """A day of approved abuse through a stolen broker: no baseline holds it, and the next ask is stepped up."""
        world = World().live()
        for _ in range(8):
            decision = world.wait(HOUR).ask(**BOLD)
            world.issue(decision=decision.decision, **BOLD)
            world.engine.record_outcome(decision.decision, "approved", by="broker", trust="broker")
        habits = world.state.baselines.grants.habits[decision.requester]
        assert not any("185.220.101.0/24" in counts for counts in habits.counts)
        assert world.ask(**BOLD).answer != "allow"
