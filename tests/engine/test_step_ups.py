"""An approval lets pass what was approved, once, and only while nothing has got worse; nobody gains by his own."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from detector.engine import tasks as held
from detector.engine.access import Unavailable, scope_of
from detector.engine.asking_records import AccessRequested, AccessSettled, Presented
from detector.engine.encoding import decode, encode
from detector.engine.recheck import Recheck
from detector.engine.records import Decided, Observed, Trust
from detector.engine.state import State
from detector.events import GrantRequest, Source
from detector.evidence import quantise
from detector.rules import by_hand
from tests.engine.world import AWAY, HOUR, HOUSE, QUARANTINE, World, codes

BOLD: dict[str, Any] = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0}
MINUTE = 60.0


def stepped_up(world: World, **more: Any) -> Decided:
    """An ask that is stepped up."""
    asked = world.ask(**{**BOLD, **more})
    assert asked.answer == "step_up"
    return asked


def requested(world: World, asked: Decided, **more: Any) -> str:
    """Ask for somebody's answer to it."""
    plain: dict[str, Any] = {
        "task": f"t-{asked.decision}",
        "decision": asked.decision,
        "requester": asked.requester,
        "issuer": asked.request.issuer,
        "resource": asked.request.resource,
        "scope": world.engine.scope(asked.request),
        "evidence": asked.weighed.evidence,
        "methods": ("human", "workload_proof"),
        "by": "vault",
        "expires": world.clock.now + HOUR,
        "ttl_seconds": asked.request.ttl_seconds,
    }
    record = AccessRequested(**{**plain, **more})
    world.engine.request_access(record)
    return record.task


def approved(world: World, task: str, **more: Any) -> str:
    """Somebody approves it, for half an hour and one decision."""
    plain: dict[str, Any] = {
        "task": task,
        "status": "approved",
        "by": "ana",
        "method": "human",
        "approval": f"a-{task}",
        "until": world.clock.now + HOUR / 2,
        "uses": 1,
        "margin": quantise(2.0),
    }
    record = AccessSettled(**{**plain, **more})
    world.engine.settle_access(record)
    return record.approval


def given(world: World, asked: Decided, **more: Any) -> str:
    """An approval of a decision."""
    return approved(world, requested(world, asked), **more)


def refusal(asked: Decided) -> str | None:
    """Why the approval that it came with did not pass."""
    assert asked.presented is not None
    return asked.presented.refused


def test_an_approval_lets_its_request_pass_once() -> None:
    """What was stepped up is allowed until the approval ends, adds nothing to risk, and does so a single time."""
    world = World().live()
    approval = given(world, stepped_up(world))
    until, risk = world.clock.now + HOUR / 2, world.wait(MINUTE).risk()
    passed = world.ask(approval=approval, **BOLD)
    assert (passed.answer, passed.weighed.verdict, passed.weighed.step) == ("allow", "allow", 0)
    assert passed.presented == Presented(approval=approval, until=until)
    assert passed.weighed.evidence >= passed.weighed.step_up_at
    assert codes(passed), "why it was odd is still told"
    assert world.risk() == risk
    again = world.ask(approval=approval, **BOLD)
    assert (again.answer, refusal(again)) == ("step_up", "approval_expired")


@pytest.mark.parametrize(
    "other",
    [
        {"requester": "spiffe://prod/app/svc2"},
        {"issuer": "vault:prod/other"},
        {"resource": "aws/creds/billing"},
        {"actions": ("write", "delete")},
        {"privilege": "write"},
        {"ttl_seconds": 43_201.0},
        {"ttl_seconds": None},
        {"consumer": "somebody"},
        {"task": "t9"},
        {"on_behalf_of": ("agent:planner",)},
        {"purpose": "another one"},
        {"authentication_method": "token"},
        {"attested": False},
        {"renewal_of": "c1"},
        {"sensitivity": "low"},
        {"attributes": {"policies": ["root"]}},
        {"source": Source(ip="185.220.102.47", environment="prod", user_agent="curl/8.5.0")},
        {"source": msgspec.structs.replace(AWAY, environment="dev")},
        {"source": msgspec.structs.replace(AWAY, workload="w2")},
        {"source": msgspec.structs.replace(AWAY, user_agent="python")},
    ],
    ids=str,
)
def test_it_is_good_for_nothing_else(other: dict[str, Any]) -> None:
    """Whoever, whatever, from wherever else: each field of a request is part of what was approved."""
    world = World().live()
    approval = given(world, stepped_up(world))
    asked = world.ask(**{**BOLD, "approval": approval, **other})
    assert refusal(asked) == "out_of_scope"
    assert world.ask(approval=approval, **BOLD).answer == "allow", "and trying has not used it up"


@pytest.mark.parametrize(
    "same",
    [
        {"ttl_seconds": 60.0},
        {"source": msgspec.structs.replace(AWAY, ip="185.220.101.12")},
        {"id": "another"},
    ],
    ids=str,
)
def test_a_shorter_life_and_a_neighbouring_address_are_within_it(same: dict[str, Any]) -> None:
    """The lifetime may be shorter, the address another of the same network, the asking another one."""
    world = World().live()
    approval = given(world, stepped_up(world))
    assert world.ask(**{**BOLD, "approval": approval, **same}).answer == "allow"


def test_every_field_of_a_request_is_in_the_scope_or_left_out_on_purpose() -> None:
    """A field that is added to requests is part of what is approved from then on, without anybody thinking of it."""
    plain = World().grant()
    values: dict[str, Any] = {
        "actions": ("x",),
        "privilege": "read",
        "source": Source(region="r"),
        "on_behalf_of": ("x",),
        "break_glass": True,
        "attested": True,
        "sensitivity": "low",
        "attributes": {"x": 1},
        "unknown": {"x": 1},
        "time": 1.0,
        "ttl_seconds": 1.0,
    }
    outside = {
        name
        for name in GrantRequest.__struct_fields__
        if scope_of(msgspec.structs.replace(plain, **{name: values.get(name, "x")}), str) == scope_of(plain, str)
    }
    assert outside == {"id", "time", "ttl_seconds", "approval", "unknown"}


def test_an_approval_ends() -> None:
    """By its time, by being taken back, and by a weightier word against the decision that it was given for."""
    for end in ("time", "revoked", "malicious", "refused"):
        world = World().live()
        asked = stepped_up(world)
        task = requested(world, asked)
        approval = approved(world, task)
        if end == "time":
            world.wait(HOUR / 2)
        elif end == "revoked":
            world.engine.settle_access(AccessSettled(task=task, status="revoked", by="ana"))
        else:
            world.engine.record_outcome(asked.decision, end, by="bo")  # type: ignore[arg-type]
        later = world.ask(approval=approval, **BOLD)
        assert (later.answer != "allow", refusal(later)) == (True, "approval_expired"), end


def test_an_unknown_approval_and_an_unknown_caller_get_nothing() -> None:
    """One that was never given, one that was not to be believed, and one that a stranger brings."""
    world = World().live()
    approval = given(world, stepped_up(world))
    for brought in ("a-0", ""):
        assert refusal(world.ask(approval=brought, **BOLD)) == "approval_unverifiable"
    assert refusal(world.ask(trusted=False, approval=approval, **BOLD)) == "approval_unverifiable"
    assert world.ask(approval=approval, **BOLD).answer == "allow"


def test_what_is_only_asked_for_is_not_approved() -> None:
    """While it waits, after it was denied, after it was cancelled: the request is stepped up as before."""
    for status in (None, "denied", "cancelled"):
        world = World().live()
        task = requested(world, stepped_up(world))
        if status is not None:
            world.engine.settle_access(AccessSettled(task=task, status=status, by="ana", method="human"))
        asked = world.ask(approval=f"a-{task}", **BOLD)
        assert (asked.answer != "allow", refusal(asked)) == (True, "approval_unverifiable")


def test_risk_that_rose_meanwhile_still_denies() -> None:
    """A thief at work since, a rule in force since: the approval is good, and does not help."""
    stolen = World().live()
    approval = given(stolen, stepped_up(stolen), until=stolen.clock.now + 2 * HOUR)
    stolen.wait(MINUTE).steal(hours=4)
    denied = stolen.ask(approval=approval, **BOLD)
    assert (denied.answer, refusal(denied)) == ("deny", "policy_denied")

    ruled = World().live()
    approval = given(ruled, stepped_up(ruled))
    selector = {"requester": "spiffe://prod/app/svc1", "privilege": "admin"}
    ruled.engine.propose_rule(
        by_hand(**selector), by="op", reason="x", lifetime_seconds=HOUR, goal="enforced", override="now"
    )
    denied = ruled.ask(approval=approval, **BOLD)
    assert (denied.answer, refusal(denied), denied.rule_bit) == ("deny", "policy_denied", True)


def test_evidence_that_came_since_is_not_covered() -> None:
    """An approval stands a margin more evidence than it was given for, and not a quantum more."""
    world = World().live()
    asked = stepped_up(world)
    now = world.ask(**BOLD).weighed.evidence
    for short, answer in ((0, "allow"), (1, "step_up")):
        task = requested(world, asked, task=f"t{short}", evidence=now - 100 - short)
        approval = approved(world, task, approval=f"a{short}", margin=100)
        later = world.ask(approval=approval, **BOLD)
        assert later.answer == answer
        assert refusal(later) == (None if answer == "allow" else "out_of_scope")


def test_it_is_not_used_where_it_is_not_needed() -> None:
    """What is allowed anyhow, or only weighed, spends no approval."""
    world = World().live()
    approval = given(world, stepped_up(world))
    shadow = World(dataclasses.replace(HOUSE, mode="shadow")).live()
    assert shadow.ask(approval="a-0", **BOLD).answer == "allow"
    world.engine.turn_kill_switch(engaged=True, by="op", because="drill")
    assert world.ask(approval=approval, **BOLD).answer == "allow"


@pytest.mark.parametrize(("trust", "teaches"), [("approver", True), ("broker", False), ("automatic", False)])
def test_a_machines_word_teaches_nothing_sooner(trust: Trust, teaches: bool) -> None:
    """What a person approved is taken in at once; what a machine answered for waits as what was flagged does."""
    world = World().live()
    approval = given(world, stepped_up(world), trust=trust)
    passed = world.ask(approval=approval, **BOLD)
    learnt = world.learnt()
    row = world.issue(decision=passed.decision, **{**BOLD, "ttl_seconds": 600.0})
    assert world.learnt() - learnt == int(teaches)
    assert codes(row).count("decision") == 0
    world.wait(QUARANTINE + 1).issue()
    assert world.learnt() - learnt == int(teaches), "an hour later it has taught no more than that"
    assert world.seen_risk() == 0.0, "and it is held against nobody"


def test_a_mint_that_outlives_its_approval_is_a_finding() -> None:
    """However ordinary else: the broker was told until when; a minute's skew of clocks is let pass."""
    for late, verdict in ((30.0, False), (90.0, True)):
        world = World().live()
        approval = given(world, stepped_up(world))
        passed = world.ask(approval=approval, **BOLD)
        assert passed.presented is not None
        left = passed.presented.until - world.clock.now
        row = world.issue(decision=passed.decision, **{**BOLD, "ttl_seconds": left + late})
        assert ("decision" in codes(row)) is verdict
        if verdict:
            assert row.verdict != "allow"
            (told,) = [reason for reason in row.reasons if reason.code == "decision"]
            assert "outlives its approval" in told.observed


def test_one_approval_is_one_mint() -> None:
    """The mint belongs to the decision that passed; another one on the first decision was never asked for."""
    world = World().live()
    first = stepped_up(world, id="r")
    passed = world.ask(id="r", approval=given(world, first), **BOLD)
    assert passed.answer == "allow"
    mints = [world.issuance(id=name, **BOLD) for name in ("r", "s")]
    for mint in mints:
        world.engine.observe(mint)
    noted = [record for record in world.log.records() if isinstance(record, Observed) and record.event.id in {"r", "s"}]
    assert [record.decision for record in noted] == [passed.decision, None]


def test_asking_again_with_the_same_approval_is_the_same_ask() -> None:
    """A broker that lost the answer asks again and may mint; without the approval its id is the first decision's."""
    world = World().live()
    first = stepped_up(world, id="r")
    approval = given(world, first)
    passed = world.ask(id="r", approval=approval, **BOLD)
    assert world.ask(id="r", approval=approval, **BOLD) == passed
    assert world.ask(id="r", **BOLD) == first
    assert world.state.memory.tasks.get(f"t-{first.decision}").used == 1  # type: ignore[union-attr]


def test_several_uses_are_as_many_and_no_more() -> None:
    """An approval of two decisions lets two pass."""
    world = World().live()
    approval = given(world, stepped_up(world), uses=2)
    answers = [world.ask(approval=approval, **BOLD).answer for _ in range(3)]
    assert answers == ["allow", "allow", "step_up"]


def test_the_log_alone_gives_the_same_requests_and_approvals() -> None:
    """Folded from the start or from any snapshot: pending, answered, used, expired; deciding again finds the same."""
    world = World().live(1)
    asked = [stepped_up(world, id=f"r{number}") for number in range(5)]
    names = [requested(world, one, key=one.decision, body="b") for one in asked]
    approval = approved(world, names[0])
    world.engine.settle_access(AccessSettled(task=names[1], status="denied", by="ana", method="human"))
    world.engine.settle_access(AccessSettled(task=names[2], status="cancelled", by="vault"))
    world.wait(MINUTE).ask(approval=approval, **BOLD)
    world.wait(2 * HOUR).issue()
    found = {name: world.engine.access_request(name).state(world.clock.now) for name in names}  # type: ignore[union-attr]
    assert list(found.values()) == ["approved", "denied", "cancelled", "expired", "expired"]
    digest = world.engine.digest()
    assert {world.restarted(cut=cut).digest() for cut in range(60, len(world.log.lines) + 1)} == {digest}
    again = Recheck(State(world.policy))
    assert [one for entry in world.log.read() for one in again.see(entry)] == []
    assert again.state.digest() == digest


def test_a_forged_pass_is_found_when_the_log_is_decided_again() -> None:
    """A record that says a request passed on an approval that nobody gave comes to something else."""
    world = World().live(1)
    stepped_up(world)
    position = len(world.log.lines) - 1
    stamp, line = world.log.lines[position]
    record = decode(line)
    assert isinstance(record, Decided)
    forged = msgspec.structs.replace(
        record, request=msgspec.structs.replace(record.request, approval="a-0"), presented=Presented("a-0", 9e9)
    )
    world.log.lines[position] = (stamp, encode(forged))
    again = Recheck(State(world.policy))
    assert [one.what for entry in world.log.read() for one in again.see(entry)]


def test_one_requester_does_not_fill_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its share no further request of it is taken; another's is."""
    monkeypatch.setattr("detector.engine.access.MOST_OF_ONE", 3)
    world = World().live()
    asked = stepped_up(world)
    for number in range(3):
        requested(world, asked, task=f"t{number}")
    with pytest.raises(Unavailable, match="this requester"):
        requested(world, asked, task="t3")
    requested(world, asked, task="t4", requester="another")
    world.engine.settle_access(AccessSettled(task="t0", status="cancelled", by="vault"))
    requested(world, asked, task="t5")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many may wait; those that ended are forgotten, the first first, with all that led to them."""
    monkeypatch.setattr("detector.engine.access.MOST_PENDING", 5)
    monkeypatch.setattr(held, "MOST_ENDED", 4)
    world = World().live(1)
    asked = stepped_up(world)
    kept = world.state.memory.tasks
    for number in range(5):
        requested(world, asked, task=f"t{number}", requester=f"q{number}", decision=f"d{number}", key=f"k{number}")
    with pytest.raises(Unavailable, match="5 access requests"):
        requested(world, asked, task="t5", requester="q5")
    approval = approved(world, "t0")
    world.wait(HOUR + 1).issue()
    assert (len(kept.pending), kept.open, world.engine.vitals().access_pending) == (0, {}, 0)
    for number in range(5, 9):
        requested(world, asked, task=f"t{number}", requester="q", decision=f"d{number}", key=f"k{number}")
        world.engine.settle_access(AccessSettled(task=f"t{number}", status="cancelled", by="vault"))
    assert list(kept.ended) == ["t5", "t6", "t7", "t8"]
    assert len(kept.index) == 8
    assert refusal(world.ask(approval=approval, **BOLD)) == "approval_unverifiable"


def test_no_record_pays_for_all_that_expired() -> None:
    """A thousand expired requests leave a few at a time, and none of them counts as waiting meanwhile."""
    world = World().live(1)
    asked = stepped_up(world)
    for number in range(1_000):
        requested(world, asked, task=f"t{number}", requester=f"q{number}", decision=f"d{number}")
    world.wait(HOUR + 1).issue()
    kept = world.state.memory.tasks
    assert len(kept.pending) == 1_000 - held.SWEEP
    assert world.engine.vitals().access_pending == 0


def test_a_settled_request_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends once; what has ended cannot end otherwise, and only an approved one can be taken back."""
    world = World().live()
    task = requested(world, stepped_up(world))
    with pytest.raises(ValueError, match="it is pending"):
        world.engine.settle_access(AccessSettled(task=task, status="revoked", by="ana"))
    approved(world, task)
    for status in ("approved", "denied", "cancelled"):
        with pytest.raises(ValueError, match="it is approved"):
            world.engine.settle_access(AccessSettled(task=task, status=status, by="bo"))
    with pytest.raises(KeyError):
        world.engine.settle_access(AccessSettled(task="t-0", status="denied", by="bo"))


def test_a_late_answer_is_none() -> None:
    """What has expired can no longer be approved."""
    world = World().live()
    task = requested(world, stepped_up(world))
    world.wait(HOUR)
    with pytest.raises(ValueError, match="it is expired"):
        approved(world, task)


def test_an_answer_to_a_decision_that_is_forgotten_is_good_all_the_same() -> None:
    """Memory holds the latest decisions; an access request holds what it needs of its own."""
    world = World().live()
    asked = stepped_up(world)
    task = requested(world, asked)
    world.state.memory.decisions.drop(asked.decision)
    assert world.ask(approval=approved(world, task), **BOLD).answer == "allow"
