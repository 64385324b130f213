"""What others are told of: once, with a reason, and only where enforcement is on and somebody known has spoken."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from detector.engine import announcing, judge
from detector.engine.agenda import Agenda, LeaseIndex
from detector.engine.announcing import KEEPS, MEDIUM, level_of
from detector.engine.joins import SKEW_SECONDS, TASK_GRACE_SECONDS, Lease
from detector.engine.policy import Policy
from detector.engine.recalls import STALE_SECONDS, Recalls
from detector.engine.recent import Recent
from detector.engine.records import Announced, Observed, Weighed
from detector.features.facets import UNMINTED
from detector.risk import LEAST_STEP
from detector.rules import Selector
from tests.engine.world import AWAY, HOUR, HOUSE, ISSUER, SERVICE, World

BOLD: dict[str, Any] = {"source": AWAY, "resource": "kv/all", "privilege": "admin", "ttl_seconds": 43_200.0}


def _with(policy: Policy, **changed: Any) -> Policy:
    return dataclasses.replace(policy, **changed)


def told(world: World, *, code: str | None = None) -> list[Announced]:
    """Everything announced so far, what is due now included."""
    world.engine.announce()
    found = [record for record in world.log.records() if isinstance(record, Announced)]
    return [record for record in found if code in {None, record.code}]


def revoked(world: World) -> dict[str | None, set[str]]:
    """The credentials announced, with the kinds they were announced in."""
    found: dict[str | None, set[str]] = {}
    for record in told(world):
        if record.credential is not None:
            found.setdefault(record.credential, set()).add(record.kind)
    return found


def levels(world: World) -> list[tuple[str | None, str | None]]:
    """The steps of risk announced."""
    return [(record.before, record.after) for record in told(world, code="risk")]


BOTH = {"credential_change", "session_revoked"}


def hold(world: World, name: str, *, hours: float = 9.0, **more: Any) -> str:
    """An ordinary mint whose credential happens to live so long."""
    event = msgspec.structs.replace(world.issuance(id=name, **more), expires_at=world.clock.now + hours * HOUR)
    world.engine.observe(event)
    return f"c-{name}"


def robbed(policy: Policy | None = None) -> World:
    """A requester with habits, one honest credential of nine hours, and a thief whose risk is past every threshold."""
    world = World(policy).live(2)
    hold(world, "honest")
    world.steal()
    return world


# -- credentials -----------------------------------------------------------------------------------


def test_a_use_that_is_denied_takes_its_credential_with_it() -> None:
    """In both kinds, with whose it is, why, and the use that did it; what else its requester holds is let be."""
    world = World().live(2)
    hold(world, "kept")
    bad = hold(world, "bad")
    standing = world.state.memory.standings[SERVICE]
    standing.risk.observed, standing.risk.stamp = 18.0, world.clock.now
    row = world.use(bad, source=AWAY, action="iam:CreateUser", resource="iam/admin")
    assert row.verdict == "deny"
    assert revoked(world) == {bad: BOTH}
    one, _ = told(world, code="usage_denied")
    assert (one.requester, one.issuer, one.issuance, one.cause) == (SERVICE, ISSUER, "bad", row.id)
    assert one.because.startswith("its use was denied: ")
    assert one.codes == tuple(reason.code for reason in row.reasons)


def test_a_use_that_is_only_stepped_up_revokes_nothing() -> None:
    """Have a look is not revoke: it may move the risk level, and that is all."""
    world = World().live(2)
    credential = hold(world, "credential")
    row = world.use(credential, source=AWAY, action="iam:CreateUser", resource="iam/admin")
    assert row.verdict == "step_up"
    assert revoked(world) == {}


def test_a_requester_that_is_denied_loses_what_it_holds() -> None:
    """What it minted before, honest or not, for the thief may hold it all; what has expired is not worth a word."""
    world = World().live(2)
    hold(world, "long")
    world.issue(id="short", ttl_seconds=60.0)
    world.wait(120.0)
    world.steal()
    asked = world.ask(**BOLD)
    assert asked.answer == "deny"
    found = revoked(world)
    assert found["c-long"] == BOTH
    assert "c-short" not in found
    assert all(record.expires is None or record.expires > world.clock.now - HOUR for record in told(world))


def test_what_is_minted_after_a_deny_is_not_meant_by_it() -> None:
    """Only what was held when it was denied: what comes later is judged by itself."""
    world = World().live(2)
    held = hold(world, "held")
    standing = world.state.memory.standings[SERVICE]
    standing.risk.observed, standing.risk.stamp = 18.0, world.clock.now
    assert world.ask(**BOLD).answer == "deny"
    world.wait(SKEW_SECONDS + 1)
    event = msgspec.structs.replace(world.issuance(id="later"), expires_at=world.clock.now + HOUR)
    journal = world.engine._journal
    facets = judge.prepare_grant(world.state, event.grant, world.clock.now)
    plain = Weighed(own=0, evidence=0, step=0, risk=0.0, verdict="allow")
    journal.append(Observed(event=event, weighed=plain), world.clock.now, facets)
    assert revoked(world) == {held: BOTH}


def test_a_credential_is_announced_once_in_each_kind() -> None:
    """However often its requester is denied, and after a restart from a snapshot as well."""
    world = robbed()
    for _ in range(5):
        world.wait(60.0).ask(**BOLD)
        told(world)
    said = [(record.kind, record.credential) for record in told(world) if record.credential]
    assert len(said) == len(set(said))
    again = world.restarted()
    again.announce()
    assert again.position == world.engine.position


def test_what_a_rule_covers_is_announced_when_it_is_enforced_and_nothing_else() -> None:
    """A rule is narrow, and so is what follows from it: its requester's other credentials stay."""
    world = World().live(2)
    hold(world, "other")
    hold(world, "meant", resource="aws/creds/billing")
    rule, _ = world.engine.propose_rule(
        Selector(requester=SERVICE, resource="aws/creds/billing"),
        by="anna",
        reason="billing is out of bounds",
        lifetime_seconds=HOUR,
        goal="enforced",
        override="incident 4711",
    )
    assert revoked(world) == {"c-meant": BOTH}
    (first, _) = told(world, code="rule")
    assert first.cause == rule.id
    assert first.because == "a deny rule was enforced on its requester: billing is out of bounds"


def test_a_scope_that_leases_do_not_show_takes_only_what_was_flagged() -> None:
    """A rule about a client covers a credential whose mint was flagged, not every one of the requester."""
    world = World().live(2)
    hold(world, "other")
    assert world.issue(id="odd", **{**BOLD, "resource": "aws/creds/billing"}).verdict == "step_up"
    client = world.state.memory.standings[SERVICE].abuse[-1].values["client"]
    world.engine.propose_rule(
        Selector(requester=SERVICE, client=client),
        by="anna",
        reason="curl",
        lifetime_seconds=HOUR,
        goal="enforced",
        override="incident 4711",
    )
    assert revoked(world) == {"c-odd": BOTH}


def test_an_analysts_word_announces_and_a_brokers_does_not() -> None:
    """Malicious, said by whom is entitled to judge, takes the requester's credentials; a refusal is not that word."""
    for trust, count in (("broker", 0), ("analyst", 1)):
        world = World().live(2)
        hold(world, "held")
        asked = world.ask(**BOLD)
        world.engine.record_outcome(asked.decision, "malicious", by="anna", trust=trust)  # type: ignore[arg-type]
        assert len(revoked(world)) == count
        assert [record.cause for record in told(world, code="labelled")] == [asked.decision] * 2 * count


def test_a_good_word_in_time_takes_a_deny_back() -> None:
    """What was due because its requester was denied is not announced once somebody answered for it."""
    world = World().live(2)
    hold(world, "held")
    standing = world.state.memory.standings[SERVICE]
    standing.risk.observed, standing.risk.stamp = 18.0, world.clock.now
    asked = world.ask(**BOLD)
    assert asked.answer == "deny"
    world.engine.record_outcome(asked.decision, "legitimate", by="anna")
    assert revoked(world) == {}


def test_a_task_that_ended_takes_its_credentials_after_a_while() -> None:
    """Its last uses may trail: not before the grace is over, and then whoever minted for it."""
    world = World().live(1)
    hold(world, "a", task="deploy-71")
    hold(world, "b", task="deploy-71", requester="spiffe://prod/app/other")
    hold(world, "c", task="deploy-72")
    world.happens("task_completed", "deploy-71")
    world.wait(TASK_GRACE_SECONDS - 1)
    assert revoked(world) == {}
    world.wait(2.0)
    assert revoked(world) == {"c-a": BOTH, "c-b": BOTH}
    assert {record.because for record in told(world)} == {"its task deploy-71 had ended"}


def test_a_task_that_takes_too_long_takes_its_credentials() -> None:
    """From its first grant on; 0, the default, lets tasks take their time. Later grants of it are late at once."""
    timed = World(_with(HOUSE, task_timeout_seconds=HOUR))
    free = World()
    for world in (timed, free):
        hold(world, "a", task="deploy-71")
        world.wait(HOUR + 1)
    assert revoked(free) == {}
    assert revoked(timed) == {"c-a": BOTH}
    hold(timed, "b", task="deploy-71")
    assert "c-b" in revoked(timed)


def test_what_is_left_follows_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many at once, those that live longest first; none is forgotten."""
    monkeypatch.setattr(announcing, "MOST_AT_ONCE", 3)
    world = World().live(1)
    for hours in range(1, 9):
        hold(world, f"h{hours}", hours=hours)
    world.engine.propose_rule(
        Selector(requester=SERVICE), by="anna", reason="out", lifetime_seconds=HOUR, goal="enforced", override="4711"
    )
    world.engine.announce()
    first = [record.credential for record in world.log.records() if isinstance(record, Announced)]
    assert first == [name for hours in (8, 7, 6) for name in (f"c-h{hours}",) * 2]
    world.engine.announce()
    world.engine.announce()
    assert set(revoked(world)) == {f"c-h{hours}" for hours in range(1, 9)}


# -- where nothing is said ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["observe", "shadow"])
def test_where_nothing_is_enforced_nothing_is_announced(mode: str) -> None:
    """Observing and shadowing act on nobody, so they tell nobody either."""
    world = robbed(_with(HOUSE, mode=mode))
    world.ask(**BOLD)
    world.wait(60.0)
    assert told(world) == []


def test_under_the_kill_switch_nothing_is_announced() -> None:
    """Nor afterwards, of what was denied before and became stale meanwhile."""
    world = robbed()
    world.engine.turn_kill_switch(engaged=True, by="anna", because="drill")
    before = len([record for record in world.log.records() if isinstance(record, Announced)])
    world.ask(**BOLD)
    world.use("c-honest", source=AWAY, action="iam:CreateUser")
    assert len(told(world)) == before
    world.wait(STALE_SECONDS + 1)
    world.engine.turn_kill_switch(engaged=False, by="anna", because="over")
    assert [record for record in told(world)[before:] if record.credential] == []


def test_behind_a_broken_glass_nothing_is_revoked() -> None:
    """An emergency passes enforcement, and what was minted in it goes on working."""
    world = robbed()
    told(world)
    before = len(told(world))
    world.ask(**BOLD, break_glass=True, purpose="the database is down")
    late = world.issue(**BOLD, break_glass=True, purpose="the database is down")
    assert late.verdict == "deny"
    assert [record for record in told(world)[before:] if record.credential] == []


def test_an_untrusted_caller_announces_nothing() -> None:
    """Whatever somebody without a token sends in a victim's name: no level moves, no credential is revoked."""
    world = World().live(2, task="deploy-71")
    victim = hold(world, "victim", task="deploy-71")
    for _ in range(30):
        world.wait(20.0)
        world.ask(trusted=False, **BOLD)
        world.issue(trusted=False, credential=victim, **BOLD)
        world.use(victim, trusted=False, source=AWAY, action="iam:CreateUser")
    world.happens("task_completed", "deploy-71", trusted=False)
    world.wait(TASK_GRACE_SECONDS + 1)
    assert told(world) == []


def test_asks_alone_announce_nothing() -> None:
    """A broker that was taken over can ask in anybody's name all day: no level moves by that."""
    world = World().live(2)
    hold(world, "held")
    for number in range(40):
        world.wait(30.0).ask(**{**BOLD, "resource": f"kv/x{number}"})
    assert told(world) == []


def test_a_credential_that_nobody_was_seen_minting_is_let_be() -> None:
    """Whose it is, is not known, nor whether it is alive."""
    world = robbed()
    before = len(told(world))
    world.engine.observe(world.usage("stranger", source=AWAY, action="iam:CreateUser"))
    world.engine.settle()
    assert "stranger" not in revoked(world)
    assert len(told(world)) == before


# -- risk levels ---------------------------------------------------------------------------------------


def at_risk(world: World, nats: float) -> None:
    """Set a requester's observed risk, as rows would have, and let an ordinary row look at it."""
    risk = world.state.memory.standings[SERVICE].risk
    risk.observed, risk.stamp = nats - LEAST_STEP, world.clock.now
    world.issue()
    world.engine.announce()


def test_a_level_is_told_when_it_is_crossed_and_once() -> None:
    """LOW is where everybody begins; each step names the level before."""
    world = World().live(1)
    for nats in (1.0, 4.5, 4.6, 9.0, 9.1, 4.6):
        at_risk(world, nats)
    assert levels(world) == [("LOW", "MEDIUM"), ("MEDIUM", "HIGH"), ("HIGH", "MEDIUM")]
    risen = told(world, code="risk")[0]
    assert risen.because.startswith("its risk rose to ")
    assert risen.requester == SERVICE


def test_risk_that_wavers_about_a_threshold_is_no_news() -> None:
    """A level ends well below where it began."""
    world = World().live(1)
    threshold = MEDIUM * HOUSE.rules.raise_at
    for nats in (threshold + 0.1, threshold - 0.1) * 10:
        at_risk(world, nats)
    assert levels(world) == [("LOW", "MEDIUM")]
    assert level_of(KEEPS * threshold, "MEDIUM", HOUSE.rules.raise_at) == "MEDIUM"
    assert level_of(KEEPS * threshold - 0.1, "MEDIUM", HOUSE.rules.raise_at) == "LOW"


def test_a_level_falls_with_time_alone() -> None:
    """Nothing needs to happen for that but a look; a restart does not forget it."""
    world = World().live(1)
    at_risk(world, 9.0)
    assert levels(world) == [("LOW", "HIGH")]
    for _ in range(200):
        world.wait(600.0).engine.announce()
    assert levels(world) == [("LOW", "HIGH"), ("HIGH", "MEDIUM"), ("MEDIUM", "LOW")]
    assert world.state.memory.recalls.levels == {}
    other = World().live(1)
    at_risk(other, 9.0)
    told(other)
    revived = other.restarted()
    other.wait(40 * HOUR)
    revived.announce()
    assert revived.state.memory.recalls.levels == {}


# -- the fold ------------------------------------------------------------------------------------------


def test_what_was_due_survives_a_restart() -> None:
    """A deny that was logged, and not yet announced when the process died, is announced by the next one."""
    world = robbed()
    world.ask(**BOLD)
    due = world.restarted(cut=len(world.log.lines) - 1)
    due.announce()
    again = world.restarted()
    again.announce()
    ours = revived_credentials(world)
    assert ours
    assert credentials(due) == credentials(again) == ours


def revived_credentials(world: World) -> set[str]:
    """What the live engine announces."""
    told(world)
    return credentials(world.engine)


def credentials(engine: Any) -> set[str]:
    """The credentials that an engine has announced, by its memory."""
    recent = engine.state.memory.recalls.told
    return {key.partition(" ")[2] for key in (*recent.young, *recent.old)}


def test_what_became_stale_is_not_announced_after_a_restart() -> None:
    """Folding a year of denies announces none of them anew, whatever enforcement is now."""
    world = robbed(_with(HOUSE, mode="shadow"))
    world.wait(STALE_SECONDS + 1)
    engine = world.folded()
    engine.announce()
    assert credentials(engine) == set()
    assert engine.state.agenda.next(world.clock.now) is None


def test_what_nobody_looked_after_in_time_is_not_announced() -> None:
    """A process that slept does not wake up to revoke what was denied long ago."""
    world = World().live(2)
    hold(world, "held")
    standing = world.state.memory.standings[SERVICE]
    standing.risk.observed, standing.risk.stamp = 18.0, world.clock.now
    assert world.ask(**BOLD).answer == "deny"
    world.wait(STALE_SECONDS + 1)
    assert revoked(world) == {}


def test_a_log_that_is_full_loses_no_announcement() -> None:
    """What it does not take now stays due, and is announced once it takes more."""
    world = robbed()
    told(world)
    hold(world, "late", requester="spiffe://prod/app/other", task="deploy-71")
    world.happens("task_completed", "deploy-71")
    world.wait(TASK_GRACE_SECONDS + 1)
    world.log.full = True
    world.engine.announce()
    assert "c-late" not in credentials(world.engine)
    world.log.full = False
    assert revoked(world)["c-late"] == BOTH


def test_the_index_forgets_with_the_joins() -> None:
    """Credentials are listed for as long as their leases are remembered, the newest first, and no longer."""
    leases: Recent[Lease] = Recent(10)
    index = LeaseIndex()
    for number in range(95):
        lease = Lease(f"i{number}", SERVICE, ISSUER, UNMINTED, float(number), task="t")
        leases.put(f"c{number}", lease)
        index.add(leases, f"c{number}", lease)
    listed = index.of(f"requester {SERVICE}")
    assert listed == [f"c{number}" for number in range(94, 79, -1)]
    assert set(listed) == {*leases.young, *leases.old}
    again = LeaseIndex()
    again.refill(leases)
    assert again.of("task t") == listed
    index.drop("task t", {"c94", "c81"})
    assert index.of("task t") == [name for name in listed if name not in {"c94", "c81"}]
    assert index.of("task t") != index.of(f"requester {SERVICE}")


def test_what_is_remembered_of_announcements_is_bounded() -> None:
    """Every part has a limit, and errands that nobody can attend to any more are forgotten."""
    recalls = Recalls()
    parts = {name: getattr(recalls, name) for name in Recalls.__struct_fields__}
    assert {name for name, part in parts.items() if not isinstance(part, Recent)} == {"levels"}
    world = World()
    world.state.memory.recalls.levels = {f"r{number}": None for number in range(3)}  # type: ignore[misc]
    agenda = Agenda()
    for number in range(50_000):
        agenda.add(float(number), announcing.Errand("ended", f"t{number}"), float(number))
    assert len(agenda._due) <= STALE_SECONDS + 2
