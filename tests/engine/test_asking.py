"""Asking: what it answers, what it moves (the asked risk alone), and what it never moves."""

from __future__ import annotations

import msgspec
import pytest

from detector.engine import ConflictingRequest
from detector.engine.policy import Policy, Thresholds
from detector.risk import ASKED_CAP
from tests.engine.world import AWAY, DAY, HOUR, ISSUER, PLAIN, SERVICE, World, codes, nats

BOLD = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0}


def settled() -> World:
    """A world in which nothing waits any more to be learnt."""
    world = World().live().wait(2 * HOUR)
    world.ask(trusted=False)
    assert not world.state.memory.lessons
    return world


def test_asking_never_changes_a_baseline() -> None:
    """Hundreds of asks, ordinary and malicious, trusted and not, leave every byte of the baselines as it was."""
    world = settled()
    before = world.state.baselines.snapshot()
    for number in range(400):
        world.wait(7.0)
        odd = BOLD if number % 3 else {}
        world.ask(trusted=number % 2 == 0, resource=f"aws/creds/r{number % 40}", **odd)
    assert world.state.baselines.snapshot() == before


def test_what_is_learnt_is_the_same_whether_or_not_somebody_asked() -> None:
    """Lessons whose quarantine ends between asks are learnt as they would have been without them, byte for byte."""
    asked, unasked = World().live(1), World().live(1)
    for world in (asked, unasked):
        for number in range(60):
            world.wait(300.0)
            if world is asked:
                world.ask(id=f"ask{number}", issuer="elsewhere", **BOLD)
            world.engine.observe(world.issuance(id=f"mint{number}"))
    assert asked.state.baselines.snapshot() == unasked.state.baselines.snapshot()


def test_an_ask_does_not_quicken_the_pulse() -> None:
    """Being asked for often is not being busy: pace, fan-out and refusals count what issuers logged."""
    world = World().live()
    lively = str(world.state.memory.standings[SERVICE].pulse)
    for number in range(50):
        world.ask(resource=f"aws/creds/r{number}")
    assert str(world.state.memory.standings[SERVICE].pulse) == lively


def test_what_fits_is_allowed_and_what_does_not_is_stepped_up_with_reasons() -> None:
    """The requester's own way of asking is allowed; a stranger's way earns a step-up that names what is strange."""
    world = World().live()
    ordinary, strange = world.ask(), world.ask(**BOLD)
    assert (ordinary.answer, ordinary.weighed.reasons) == ("allow", ())
    assert strange.answer == "step_up"
    assert {"site", "privilege", "longer"} <= set(codes(strange))


def test_reasons_are_largest_first_and_say_what_was_usual() -> None:
    """Reasons are ordered by what they weigh; each says what was expected and what was seen."""
    world = World().live()
    reasons = world.ask(**BOLD).weighed.reasons
    assert [r.nats for r in reasons] == sorted((r.nats for r in reasons), reverse=True)
    site = next(r for r in reasons if r.code == "site")
    assert site.because == "comes from where it does not usually come from"
    assert site.expected == "site 10.10.0.0/16 (100%); client none given (100%)"
    assert site.observed == "site 185.220.0.0/16; client curl"


def test_a_decision_records_its_position_its_inputs_and_its_evidence() -> None:
    """The decision in the log holds the position it was made at, the request as asked, and all that was found."""
    world = World().live()
    position = world.engine.position
    request = world.grant(**BOLD)
    decision = world.engine.ask(request, trusted=True).decision
    logged = world.log.records()[-1]
    assert logged == decision
    assert decision.position == position == len(world.log.lines) - 1
    assert decision.request == request
    assert decision.weighed.own > 0
    assert decision.weighed.odd
    assert decision.requester == SERVICE


def test_asking_twice_with_one_id_gives_the_first_decision() -> None:
    """A retry is answered as before, whatever happened in between, and nothing is logged or moved by it."""
    world = World().live()
    request = world.grant(id="same", **BOLD)
    first = world.engine.ask(request, trusted=True)
    world.wait(60.0).issue()
    before = world.engine.digest(), len(world.log.lines)
    again = world.engine.ask(request, trusted=True)
    stamped_anew = world.engine.ask(msgspec.structs.replace(request, time=world.clock.now), trusted=True)
    assert (first.fresh, again.fresh, stamped_anew.fresh) == (True, False, False)
    assert again.decision == stamped_anew.decision == first.decision
    assert (world.engine.digest(), len(world.log.lines)) == before


def test_asking_twice_is_known_after_a_restart() -> None:
    """Idempotence is part of the state: a restarted engine gives the first decision too."""
    world = World().live()
    request = world.grant(id="same", **BOLD)
    first = world.engine.ask(request, trusted=True).decision
    for revived in (world.folded(), world.restarted()):
        again = revived.ask(request, trusted=True)
        assert (again.fresh, again.decision) == (False, first)


@pytest.mark.parametrize(
    "other",
    [
        {"requester": "spiffe://prod/app/svc2"},
        {"issuer": "vault:prod/pki"},
        {"resource": "aws/creds/prod-admin"},
        {"privilege": "admin"},
        {"ttl_seconds": 86_400.0},
        {"source": AWAY},
        {"break_glass": True},
        {"consumer": "somebody"},
        {"attributes": {"scope": "*"}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_an_id_answers_for_one_request_only(other: dict[str, object]) -> None:
    """An allow cannot be had for a modest request and used for a bold one with the same id."""
    world = World().live()
    request = world.grant(id="same")
    assert world.engine.ask(request, trusted=True).decision.answer == "allow"
    with pytest.raises(ConflictingRequest, match="'same'"):
        world.engine.ask(msgspec.structs.replace(request, **other), trusted=True)  # type: ignore[arg-type]


def test_asking_again_after_a_step_up_is_a_step_up_again() -> None:
    """What was only asked is no habit: the same odd request stays as odd, under the same id or a new one."""
    world = World().live()
    answers = []
    for _ in range(20):
        answers.append(world.ask(**BOLD).answer)
        world.wait(30.0)
    assert answers == ["step_up"] * 20


def test_an_honest_retry_loop_adds_nothing() -> None:
    """After a verdict other than allow the same request moves risk neither up nor down."""
    world = World().live()
    world.ask(**BOLD)
    after_one = world.risk()
    assert after_one > 0
    for _ in range(50):
        repeated = world.ask(**BOLD)
        assert repeated.weighed.step == 0
    assert world.risk() == pytest.approx(after_one)


def test_a_retry_loop_never_becomes_a_deny() -> None:
    """A false step-up retried for a day is a step-up at its end."""
    world = World().live()
    for _ in range(24 * 6):
        world.wait(600.0)
        assert world.ask(**BOLD).answer == "step_up"


def test_risk_from_asks_alone_stays_below_enforcement() -> None:
    """Ten thousand malicious asks in a victim's name raise no rule, and its ordinary request is allowed as before."""
    world = settled()
    ordinary = nats(world.ask())
    for number in range(10_000):
        world.engine.ask(world.grant(resource=f"secrets/s{number}", **BOLD), trusted=True)
    assert world.engine.rules() == ()
    assert world.seen_risk() == 0.0
    assert world.risk() <= ASKED_CAP < min(Thresholds().step_up, Thresholds().deny, Policy().rules.raise_at)
    decision = world.ask()
    assert decision.answer == "allow"
    assert nats(decision) == pytest.approx(ordinary, abs=0.1)
    row = world.issue()
    assert row.verdict == "allow"
    assert world.engine.rules() == ()


def test_asks_alone_never_come_to_a_deny() -> None:
    """However odd an ask is, and however many came before, a deny needs evidence that a log bore out."""
    world = World().live()
    answers = {world.ask(resource=f"kv/{number}", **BOLD).answer for number in range(300)}
    assert answers == {"step_up"}


def test_only_a_trusted_ask_moves_risk() -> None:
    """An ask that no broker vouches for is weighed and answered, and moves nothing but its own record."""
    world = settled()
    memory = world.state.memory
    before = world.state.baselines.snapshot(), world.risk(), str(memory.standings), dict(memory.askers)
    for number in range(100):
        decision = world.ask(trusted=False, resource=f"kv/{number}", **BOLD)
        assert (decision.answer, decision.moves_risk) == ("step_up", False)
    assert (world.state.baselines.snapshot(), world.risk(), str(memory.standings), dict(memory.askers)) == before


def test_an_untrusted_ask_is_idempotent_and_found_by_its_id() -> None:
    """A stranger's retry is answered alike, and the decision can be looked up."""
    world = World().live()
    request = world.grant(id="same", **BOLD)
    first, again = (world.engine.ask(request, trusted=False) for _ in range(2))
    assert again.decision is first.decision
    assert world.engine.decision(first.decision.decision) == first.decision
    with pytest.raises(ConflictingRequest):
        world.engine.ask(msgspec.structs.replace(request, privilege="read"), trusted=False)


def test_what_a_stranger_asked_never_answers_a_broker() -> None:
    """A broker's ask with an id that a stranger used first is a fresh one, even for another request."""
    world = World().live()
    world.engine.ask(world.grant(id="same", **BOLD), trusted=False)
    asked = world.engine.ask(world.grant(id="same"), trusted=True)
    assert asked.fresh
    assert asked.decision.answer == "allow"


def test_a_stranger_cannot_spend_the_requests_first_say() -> None:
    """A stranger's refused ask does not make the broker's ask for the same a repetition that adds nothing."""
    world = World().live()
    world.ask(trusted=False, **BOLD)
    assert world.ask(**BOLD).weighed.step > 0


def test_an_answer_that_cannot_be_logged_is_an_answer_all_the_same() -> None:
    """With a log that takes no more an ask is answered, its future fails, and no state moves."""
    world = World().live()
    world.log.full = True
    before = world.engine.digest()
    asked = world.engine.ask(world.grant(**BOLD), trusted=True)
    assert asked.decision.answer == "step_up"
    assert asked.durable is not None
    assert "disk is full" in str(asked.durable.exception())
    assert (world.engine.digest(), world.engine.decision(asked.decision.decision)) == (before, None)
    world.log.full = False
    assert world.folded().digest() == world.engine.digest()


def test_waiting_usages_do_not_stand_between_a_full_log_and_an_answer() -> None:
    """A use whose time to wait is up cannot be logged either; the ask is answered none the less."""
    world = World().live()
    assert world.engine.observe(world.usage("unheard-of")) == ()
    world.wait(HOUR).log.full = True
    before = world.engine.digest()
    assert world.ask().answer == "allow"
    assert world.engine.digest() == before
    world.log.full = False
    world.ask()
    assert world.state.memory.joins.waiting == 0


@pytest.mark.parametrize(
    ("mode", "answer"), [("observe", "allow"), ("shadow", "allow"), ("enforce", "step_up")], ids=str
)
def test_a_mode_softens_the_answer_and_never_the_record(mode: str, answer: str) -> None:
    """Observing and shadowing answer allow; what was really found stands in the record."""
    world = World(Policy(mode=mode, model=PLAIN)).live()  # type: ignore[arg-type]
    decision = world.ask(**BOLD)
    assert (decision.answer, decision.weighed.verdict, decision.mode) == (answer, "step_up", mode)
    assert decision.weighed.reasons


def test_an_issuers_own_mode_and_thresholds_come_first() -> None:
    """One issuer may only watch, or be stricter, while all others are as the policy says."""
    policy = Policy(
        model=PLAIN,
        issuer_modes={"watched": "shadow"},
        issuer_thresholds={"strict": Thresholds(step_up=0.01, deny=14.0), "lenient": Thresholds(step_up=400.0)},
    )
    world = World(policy)
    for issuer in (ISSUER, "watched", "strict", "lenient"):
        world.live(1, issuer=issuer, requester=f"team/{issuer}/svc")
    answers = {
        issuer: world.ask(issuer=issuer, requester=f"team/{issuer}/svc", **BOLD)
        for issuer in (ISSUER, "watched", "strict", "lenient")
    }
    assert {issuer: decision.answer for issuer, decision in answers.items()} == {
        ISSUER: "step_up",
        "watched": "allow",
        "strict": "step_up",
        "lenient": "allow",
    }
    assert answers["watched"].weighed.verdict == "step_up"
    assert answers["lenient"].weighed.verdict == "allow"


def test_what_a_broker_never_says_is_not_held_against_anybody() -> None:
    """The log names a consumer, the broker's asks never do: leaving it out says nothing, until other asks name one."""
    world = World().live(consumer="svc/cart")
    bare = nats(world.ask())
    assert "consumer" not in codes(world.ask())
    world.ask(requester="another", consumer="svc/cart")
    assert "consumer" in codes(world.ask())
    assert nats(world.ask()) > bare + 2.0


@pytest.mark.parametrize("days", [1, 30, 120, 400, 500, 830, 4_000])
def test_a_habit_of_long_ago_does_not_accuse(days: int) -> None:
    """A requester that was silent for days or years and does what it always did is allowed: forgotten is not broken."""
    world = World().live().wait(days * DAY)
    decision = world.ask()
    assert (decision.answer, nats(decision) < 4.0) == ("allow", True)


def test_an_answer_says_what_it_rests_on() -> None:
    """How much of the requester had been learnt, and whether anything of its issuer had."""
    world = settled()
    known, new = world.ask(), world.ask(requester="nobody/ever", issuer="vault:prod/awz")
    assert (known.learnt, known.issuer_known) == (world.learnt(), True)
    assert (new.learnt, new.issuer_known) == (0, False)
