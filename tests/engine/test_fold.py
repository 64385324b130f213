"""State is a fold over the log: recorded evidence is applied, never found anew; now is the append stamp."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from detector.engine import Engine
from detector.engine.encoding import decode, encode
from detector.engine.policy import DAY, Policy, Thresholds
from detector.engine.records import Configured, Decided, Observed, Weighed
from detector.engine.state import State
from detector.evidence import EvidenceModel
from detector.store import MemorySnapshots
from detector.verdict import Reason
from tests.engine.world import AWAY, HOUR, ISSUER, PLAIN, SERVICE, Hand, Paper, World

BOLD = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0}


def eventful() -> World:
    """A world in which every kind of record was written."""
    world = World().live(1)
    world.engine.observe(world.usage("held"))
    asked = world.ask(**BOLD)
    world.ask(trusted=False, **BOLD)
    world.engine.record_outcome(asked.decision, "refused", by="anna")
    world.issue(decision=asked.decision, **BOLD)
    world.steal()
    world.happens("task_completed", "t1")
    world.issue(outcome="refused")
    world.wait(HOUR).use(world.issue().credential, source=AWAY)
    rule = world.engine.rules()[0]
    world.engine.enforce_rule(rule.id, by="anna", override="it is ours")
    world.ask(**BOLD)
    world.engine.withdraw_rule(rule.id, by="anna", reason="false alarm")
    world.engine.observe(world.usage("held too"))
    return world


def test_folding_the_log_gives_the_live_state() -> None:
    """Every kind of record, written as JSON and read back, folds to the same state, byte for byte."""
    world = eventful()
    kinds = {type(record).__name__ for record in world.log.records()}
    assert kinds == {
        *("Configured", "Recalibrated", "Decided", "Observed", "Released", "RuleChanged", "OutcomeRecorded"),
        "Announced",
    }
    assert world.folded().snapshot() == world.engine.snapshot()


def test_a_snapshot_and_the_tail_give_the_live_state_wherever_it_was_cut() -> None:
    """A restart reads a snapshot taken at any position and the log after it: the state is the same."""
    world = eventful()
    digest = world.engine.digest()
    assert {world.restarted(cut=cut).digest() for cut in range(1, len(world.log.lines) + 1)} == {digest}


def test_a_restarted_engine_goes_on_alike() -> None:
    """What happens after a restart is judged as it would have been without one."""
    world = eventful()
    others = [world.folded(), world.restarted(cut=40)]
    for number in range(20):
        world.wait(600.0)
        odd = BOLD if number % 4 == 3 else {}
        issuance, request = world.issuance(id=f"i{number}", **odd), world.grant(id=f"a{number}", **odd)
        usage = world.usage(f"c-i{number - 1}", id=f"u{number}")
        for event in (issuance, usage):
            rows = world.engine.observe(event)
            assert [other.observe(event) for other in others] == [rows, rows]
        asked = world.engine.ask(request, trusted=True).decision
        assert [other.ask(request, trusted=True).decision for other in others] == [asked, asked]
    assert {other.digest() for other in others} == {world.engine.digest()}


def test_folding_follows_the_recorded_evidence() -> None:
    """Recorded evidence that was changed in a copy of the log is what the copy's fold applies."""
    world = World().live().wait(2 * HOUR)
    position = len(world.log.lines)
    world.issue(**BOLD)
    stamp, line = world.log.lines[position]
    record = decode(line)
    assert isinstance(record, Observed)
    assert record.weighed is not None
    quiet = msgspec.structs.replace(record.weighed, own=0, evidence=0, step=0, verdict="allow", reasons=(), odd={})
    copy = Paper([*world.log.lines[:position], (stamp, encode(msgspec.structs.replace(record, weighed=quiet)))])
    folded = Engine(policy=world.policy, log=copy, clock=world.clock)
    assert world.seen_risk() > 5.0
    assert folded.state.memory.standings[SERVICE].risk.observed == 0.0
    assert (len(folded.state.memory.flagged), len(world.state.memory.flagged)) == (0, 1)


def test_a_new_model_changes_no_old_decision() -> None:
    """With other weights, thresholds and no mercy, what was decided before keeps its evidence, and risk its level."""
    world = World().live()
    asked = world.ask(**BOLD)
    world.issue(decision=asked.decision, **BOLD)
    risk = world.risk()
    deaf = Policy(model=EvidenceModel(name="deaf", elsewhere=0.0), thresholds=Thresholds(step_up=0.1, deny=0.2))
    changed = Engine(policy=deaf, log=Paper(world.log.lines), clock=world.clock)
    assert changed.decision(asked.decision) == asked
    assert changed.state.memory.standings[SERVICE].risk.level(world.clock.now) == risk
    assert changed.ask(world.grant(resource="another/thing"), trusted=True).decision.weighed.own == 0


def test_policy_changes_only_by_a_logged_event() -> None:
    """A start with another policy writes it down; a start with the same writes nothing."""
    world = World()
    stricter = Policy(model=PLAIN, thresholds=Thresholds(step_up=3.0, deny=9.0))
    log = Paper(world.log.lines)
    for policy, records in ((world.policy, 1), (stricter, 2), (stricter, 2), (world.policy, 3)):
        engine = Engine(policy=policy, log=log, clock=world.clock)
        assert len(log.lines) == records
        assert engine.state.policy == policy
    assert [r.policy.thresholds.step_up for r in log.records() if isinstance(r, Configured)] == [6.0, 3.0, 6.0]


def test_each_decision_folds_under_the_policy_of_its_time() -> None:
    """Quarantines that an earlier policy set are folded as they were, whatever policy a restart brings."""
    world = World().live(1)
    later = Policy(model=PLAIN, quarantine_seconds=30 * DAY)
    first = Engine(policy=later, log=(log := Paper(world.log.lines)), clock=world.clock)
    world.wait(HOUR)
    first.observe(world.issuance(id="patient"))
    second = Engine(policy=later, log=Paper(log.lines), clock=world.clock)
    assert second.digest() == first.digest()
    assert [lesson.release > world.clock.now + DAY for lesson in first.state.memory.lessons][-1]


def test_the_stamp_never_goes_back() -> None:
    """A clock that is set back neither reorders the log nor undoes fading: now is at least the last stamp."""
    world = World().live(1)
    world.issue(**BOLD)
    world.wait(-10 * DAY)
    row = world.issue()
    world.ask()
    stamps = [stamp for stamp, _ in world.log.lines]
    assert stamps == sorted(stamps)
    assert row.verdict == "allow"
    assert world.folded().digest() == world.engine.digest()


def test_the_stamp_never_goes_back_on_a_clock_that_runs() -> None:
    """With a clock that moves at every look, one call that writes several records writes them in order."""
    ticks = itertools.count(1_772_409_600.0, 0.25)
    log = Paper()
    engine = Engine(policy=Policy(model=PLAIN), log=log, clock=lambda: next(ticks))
    world = World()
    for number in range(12):
        for use in range(3):
            engine.observe(world.usage(f"c{number}", id=f"u{number}.{use}"))
        engine.observe(world.usage(f"lost{number}"))
        engine.observe(world.issuance(id=f"i{number}", credential=f"c{number}", **(BOLD if number > 5 else {})))
        for _ in range(400):
            next(ticks)
        engine.ask(world.grant(), trusted=True)
    stamps = [stamp for stamp, _ in log.lines]
    assert stamps == sorted(stamps)
    folded = Engine(policy=Policy(model=PLAIN), log=Paper(log.lines), clock=Hand(stamps[-1]))
    assert folded.digest() == engine.digest()


@pytest.mark.parametrize("days", [-3_650.0, -30.0, 30.0, 3_650.0])
def test_an_events_own_time_is_no_clock(days: float) -> None:
    """An event from long ago or from the future is taken at the log's time: nothing fades by it."""
    world = World().live()
    world.issue(**BOLD)
    risk, stamp = world.risk(), world.state.memory.stamp
    far = world.clock.now + days * DAY
    world.issue(time=far, requester="another")
    world.use("c1", time=far, trusted=False)
    world.ask(time=far, requester="another")
    assert world.state.memory.stamp == stamp
    assert world.risk() == risk
    assert world.folded().digest() == world.engine.digest()


def test_positions_are_the_logs() -> None:
    """The state's position is the log's last, and each decision's own is the one before its record."""
    world = eventful()
    assert world.engine.position == world.log.head()
    for entry in world.log.read():
        if isinstance(entry.record, Decided):
            assert entry.record.position == entry.position - 1


def test_evidence_is_whole_quanta_and_is_compared_as_such() -> None:
    """What is stored and compared is whole quanta of 1/1024 nat: one short of a threshold is short of it."""
    world = World().live()
    found = world.ask(**BOLD).weighed
    for edge, verdict in ((found.evidence, "step_up"), (found.evidence + 1, "allow")):
        exact = World(Policy(model=PLAIN, thresholds=Thresholds(step_up=edge / 1024, deny=1e9))).live()
        assert exact.ask(**BOLD).weighed.verdict == verdict
    for record in world.log.records():
        weighed = getattr(record, "weighed", None)
        if weighed is not None:
            assert all(isinstance(quanta, int) for quanta in (weighed.own, weighed.evidence, weighed.step))


def test_a_refusal_without_a_reason_cannot_be_constructed() -> None:
    """Neither made, nor copied, nor read from a log."""
    plain = Weighed(own=0, evidence=0, step=0, risk=0.0, verdict="allow")
    for verdict in ("step_up", "deny"):
        with pytest.raises(ValueError, match=f"a {verdict} needs a reason"):
            Weighed(own=9, evidence=9, step=9, risk=0.5, verdict=verdict)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="needs a reason"):
            msgspec.structs.replace(plain, verdict=verdict)
    why = (Reason("resource", "asks for a new resource", 1.0, "a", "b"),)
    told = Weighed(own=9, evidence=9, step=9, risk=0.5, verdict="deny", reasons=why)
    with pytest.raises(msgspec.ValidationError, match="needs a reason"):
        msgspec.json.decode(msgspec.json.encode(told).replace(b'"reasons"', b'"unread"'), type=Weighed)


@pytest.mark.parametrize("step_up", [1e-6, 0.3])
def test_many_small_shares_are_told_too(step_up: float) -> None:
    """A threshold so low that no single share is worth telling still gives a reason with every refusal."""
    world = World(Policy(model=EvidenceModel(elsewhere=0.02), thresholds=Thresholds(step_up=step_up, deny=1e9))).live()
    decision = world.ask(resource="kv/all", **BOLD)
    assert max(reason.nats for reason in decision.weighed.reasons) < 0.25
    assert (decision.answer, len(decision.weighed.reasons)) == ("step_up", 1)


def test_weighing_is_pure() -> None:
    """Preparing and weighing asks, mints and uses, odd ones and strangers' too, changes no byte of the state."""
    from detector.engine import judge

    world = eventful()
    state, now = world.state, world.clock.now + 5.0
    before = state.digest()
    for odd in ({}, BOLD, {"requester": "nobody/knows/me"}, {"issuer": "new"}, {"task": "t9", "renewal_of": "held"}):
        grant = world.grant(**odd)
        word = judge.decision_word(state, world.issuance(**odd), None)
        facets = judge.prepare_grant(state, grant, now, decision=word)
        first = judge.weigh_ask(state, facets, now)
        assert judge.weigh_ask(state, facets, now) == first
        judge.weigh_grant(state, facets, now, decision=None)
        for usage in (world.usage("held", source=AWAY), world.usage(None)):
            judge.weigh_use(state, judge.prepare_use(state, usage, now), now)
    assert state.digest() == before


def test_a_snapshot_of_another_version_or_of_other_facets_is_refused_and_the_log_is_folded() -> None:
    """A snapshot this program cannot read is named and set aside: the log has everything."""
    world = eventful()
    said: list[str] = []
    version, memory, baselines = msgspec.msgpack.decode(world.engine.snapshot())
    older = baselines.replace(b"\xa8resource", b"\xa8reSource")
    for bad in (
        msgspec.msgpack.encode((version + 1, memory, baselines)),
        msgspec.msgpack.encode((version, memory, older)),
        msgspec.msgpack.encode((version, b"\xc1", baselines)),
        b"nonsense",
        b"",
    ):
        snapshots = MemorySnapshots()
        snapshots.save(world.engine.position, bad)
        revived = world.folded(snapshots=snapshots, warn=said.append)
        assert revived.digest() == world.engine.digest()
    assert len(said) == 5
    assert all("more of the log is folded" in text for text in said)


def test_reviving_gives_the_saved_bytes() -> None:
    """A state that was saved and revived saves to the same bytes."""
    snapshot = eventful().engine.snapshot()
    assert State.revive(snapshot).snapshot() == snapshot


def test_an_observation_that_cannot_be_logged_changes_nothing() -> None:
    """With a log that takes no more an observation fails loudly and may be sent again once there is room."""
    from detector.engine.ports import LogUnavailable

    world = World().live(1)
    asked, issuance = world.ask(), world.issuance()
    before = world.engine.digest()
    world.log.full = True
    with pytest.raises(LogUnavailable):
        world.engine.observe(issuance)
    with pytest.raises(LogUnavailable):
        world.engine.record_outcome(asked.decision, "approved", by="anna")
    assert world.engine.digest() == before
    world.log.full = False
    assert world.engine.observe(issuance)[0].issuer == ISSUER
