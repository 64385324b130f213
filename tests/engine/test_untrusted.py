"""What an untrusted caller sends is judged and recorded. It neither teaches nor moves risk nor joins anything."""

from __future__ import annotations

import pytest

from detector.engine.joins import HELD, OVERHEARD
from detector.engine.state import State
from detector.features.facets import GRANT_FACETS
from tests.engine.world import AWAY, HOUR, ISSUER, SERVICE, World

BOLD = {"source": AWAY, "privilege": "admin", "ttl_seconds": 43_200.0}


def told(state: State) -> tuple[object, ...]:
    """All of the state but the place in the log and what is remembered of strangers."""
    memory, joins = state.memory, state.memory.joins
    return (
        state.baselines.snapshot(),
        str(memory.standings),
        str(memory.askers),
        [str(recent) for recent in (memory.decisions, memory.asked, memory.refused, memory.minted, memory.condemned)],
        [str(recent) for recent in (joins.leases, joins.ids, joins.tasks, joins.changes, joins.gone, joins.revoked)],
        [str(joins.strangers), str(joins.held), joins.waiting],
        [str(memory.lessons), str(memory.flagged), str(memory.hits), str(memory.rules)],
    )


def world_at_rest() -> World:
    """A warm world with one live credential and one open decision, in which nothing waits to be learnt."""
    world = World().live().wait(2 * HOUR)
    world.issue(id="mine", credential="mine", task="t1", time=world.clock.now)
    world.ask(id="open")
    world.wait(2 * HOUR).ask(id="at-rest")
    return world


def test_everything_a_stranger_sends_changes_nothing_but_that_it_was_said() -> None:
    """Forged mints, uses, changes and asks of every kind: the state that answers are made of stands still."""
    world = world_at_rest()
    before = told(world.state)
    engine = world.engine
    for forged in (
        world.issuance(credential="mine", requester="thief"),
        world.issuance(id="open", credential="c9"),
        world.issuance(decision=engine.ask(world.grant(id="open2", resource="z"), trusted=False).decision.decision),
        world.issuance(outcome="refused", task="t2", **BOLD),
        world.issuance(renewal_of="mine", credential="c8", task="t1", requester="thief"),
        world.usage("mine", source=AWAY, action="iam:AttachRolePolicy", outcome="denied"),
        world.usage("not yet minted"),
        world.usage(None, requester=SERVICE),
    ):
        assert len(engine.observe(forged, trusted=False)) == 1
    for change, subject in (
        ("revoked", "mine"),
        ("task_completed", "t1"),
        ("policy_changed", SERVICE),
        ("decommissioned", SERVICE),
        ("rotated", "mine"),
        ("maintenance_declared", SERVICE),
    ):
        world.happens(change, subject, trusted=False)
    for odd in ({}, BOLD):
        assert len(engine.observe(world.grant(**odd), trusted=False)) == 1
    assert told(world.state) == before


def test_strangers_events_are_recorded_as_such() -> None:
    """The log keeps what was said and that nobody vouched for it, and a fold of it is the same state."""
    world = world_at_rest()
    world.issue(trusted=False, **BOLD)
    world.happens("revoked", "mine", trusted=False)
    assert [record.teaches for record in world.log.records()[-2:]] == [False, False]  # type: ignore[union-attr]
    assert world.folded().digest() == world.engine.digest()


def test_a_forged_mint_cannot_take_a_credential_over() -> None:
    """A use of the victim's credential is the victim's, whoever claims to have minted it."""
    world = world_at_rest()
    world.issue(trusted=False, credential="mine", requester="thief")
    assert world.use("mine").requester == SERVICE


def test_a_forged_mint_cannot_complete_a_decision() -> None:
    """The broker's mint finds its decision although a stranger claimed it first, by name, id and content."""
    world = World().live()
    asked = world.ask(id="one")
    for forged in ({"decision": asked.decision}, {"id": "one"}, {}):
        world.issue(trusted=False, **forged)
    world.issue(id="two")
    assert world.state.memory.minted.get(asked.decision) == "two"


def test_a_forged_id_does_not_make_the_real_event_a_duplicate() -> None:
    """Somebody who guesses an event's id and sends it first cannot have the real one dropped."""
    world = World()
    world.issue(trusted=False, id="i1", credential="forged")
    world.engine.observe(world.usage("c1", id="u1"), trusted=False)
    world.happens("revoked", "nothing", id="l1", trusted=False)
    world.issue(id="i1", credential="c1")
    assert world.use("c1", id="u1").issuance == "i1"
    world.happens("revoked", "c1", id="l1")
    lease = world.state.memory.joins.leases.get("c1")
    assert lease is not None
    assert lease.ended is not None


def test_a_strangers_duplicate_is_dropped_too() -> None:
    """A stranger that sends one event many times fills no log with it."""
    world = World()
    issuance = world.issuance()
    assert len(world.engine.observe(issuance, trusted=False)) == 1
    lines = len(world.log.lines)
    assert world.engine.observe(issuance, trusted=False) == ()
    assert len(world.log.lines) == lines


def test_forged_uses_do_not_crowd_out_real_ones() -> None:
    """A stranger's uses of unknown credentials do not wait, so they take no place from uses that may."""
    world = World()
    for number in range(50):
        row = world.use(f"forged{number}", trusted=False)
        assert row.issuance is None
    assert world.state.memory.joins.waiting == 0 < HELD
    assert world.engine.observe(world.usage("c1")) == ()


def test_a_forged_use_does_not_make_a_credential_a_stranger() -> None:
    """A stranger's use of a credential yet to be minted does not stop its real uses from waiting for the mint."""
    world = World()
    world.use("c1", trusted=False)
    assert world.engine.observe(world.usage("c1")) == ()
    assert len(world.engine.observe(world.issuance(credential="c1"))) == 2


def test_a_forged_mint_releases_nothing() -> None:
    """Uses that wait go on waiting for the mint that somebody vouches for."""
    world = World()
    world.engine.observe(world.usage("c1"))
    assert len(world.engine.observe(world.issuance(credential="c1"), trusted=False)) == 1
    assert world.state.memory.joins.waiting == 1


def test_a_flood_of_strangers_asks_makes_no_broker_forgotten() -> None:
    """Brokers' decisions are remembered beside strangers', whose own memory is small."""
    world = World()
    asked = world.ask(id="one")
    for number in range(2 * OVERHEARD + 10):
        world.engine.ask(world.grant(id=f"s{number}"), trusted=False)
    assert len(world.state.memory.overheard) <= 2 * OVERHEARD
    assert world.engine.ask(world.grant(id="one", time=0.0), trusted=True).decision == asked
    world.issue()
    assert asked.decision in world.state.memory.minted


def test_a_stranger_makes_no_requester_known() -> None:
    """Invented names cost no memory: a requester is made by what is vouched for."""
    world = World()
    for number in range(20):
        world.ask(trusted=False, requester=f"invented{number}")
        world.issue(trusted=False, requester=f"made-up{number}")
    assert world.state.memory.standings == {}
    assert world.engine.requester("invented1") is None


def test_a_strangers_mint_says_nothing_of_a_decision() -> None:
    """The row of an untrusted mint is not held against what was decided."""
    world = World().live()
    asked = world.ask(**BOLD)
    row = world.issue(trusted=False, decision=asked.decision, **BOLD)
    observed = [reason.observed for reason in row.reasons if reason.code == "decision"]
    assert observed in ([], ["never asked for"])
    assert GRANT_FACETS[-1] == "decision"


def test_an_outcome_of_a_strangers_ask_moves_nothing() -> None:
    """Whatever is said of an ask that no broker vouched for, the named requester's risk stands still."""
    world = World().live()
    asked = world.ask(trusted=False, **BOLD)
    for outcome in ("refused", "malicious", "approved", "legitimate"):
        world.engine.record_outcome(asked.decision, outcome, by="anna")  # type: ignore[arg-type]
        assert world.risk() == 0.0


@pytest.mark.parametrize("issuer", [ISSUER, "another"])
def test_a_stranger_raises_no_rule(issuer: str) -> None:
    """However bold the forged mints, no rule is raised against the name they use, nor counted as hit."""
    world = World().live()
    for number in range(50):
        world.issue(trusted=False, issuer=issuer, resource=f"kv/{number}", **BOLD)
    assert world.engine.rules() == ()
    world.steal()
    (rule, *_) = world.engine.rules()
    hits = world.engine.hits(rule.id)
    world.ask(trusted=False, source=AWAY, resource=str(rule.selector.resource), privilege="admin", ttl_seconds=43_200.0)
    assert world.engine.hits(rule.id) == hits
