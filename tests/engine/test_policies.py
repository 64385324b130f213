"""Policy documents in the engine: intents ease, limits bind, and neither reaches further than it says."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from detector.engine.policing import EASE
from detector.engine.policy import Thresholds
from detector.engine.policy_life import PolicyConflict
from detector.engine.policy_memory import DRY_RUN_SECONDS, MOST_DRY_RUNS, MOST_PAST
from detector.engine.records import Announced
from detector.evidence import QUANTA, in_nats
from detector.policies import Document, read
from detector.rules import Selector
from detector.wiring.history import dry_run
from tests.engine.world import AWAY, DAY, HOUR, HOUSE, RESOURCE, SERVICE, World, codes, nats

AGREED: dict[str, Any] = {
    "requester": SERVICE,
    "resource": "aws/creds/*",
    "privilege": "admin",
    "max_ttl_seconds": 3600,
    "authorised_by": "ana",
    "expires": "2026-12-01T00:00:00Z",
}
SHORT: dict[str, Any] = {"sensitivity": ["critical"], "max_ttl_seconds": 600}
ODD: dict[str, Any] = {"resource": "aws/creds/new", "privilege": "admin"}


def document(version: int = 1, *, intents: Any = None, limits: Any = None) -> Document:
    """A policy document."""
    return read({"version": version, "intents": intents or {}, "limits": limits or {}})


def applied(world: World, *, intents: Any = None, limits: Any = None) -> World:
    """The same world under the next document."""
    version = world.state.memory.documents.version + 1
    new = document(version, intents=intents, limits=limits)
    world.engine.apply_policy(new, by="ana", because="agreed on", override="a test")
    return world


def barely_odd(above: float) -> World:
    """A world in which `ODD` comes to `above` nats more than a step-up."""
    found = nats(World().live().ask(**ODD))
    policy = dataclasses.replace(HOUSE, thresholds=Thresholds(step_up=found - above, deny=14.0))
    return World(policy).live()


# -- intents ----------------------------------------------------------------------------------------


def test_an_intent_eases_what_lies_within_it() -> None:
    """A step-up by less than the ease is an allow, which says by whose leave; evidence and risk are as without it."""
    plain = applied(barely_odd(0.5 * EASE)).ask(**ODD)
    eased = applied(barely_odd(0.5 * EASE), intents={"agreed": AGREED}).ask(**ODD)
    assert (plain.answer, eased.answer) == ("step_up", "allow")
    assert (eased.weighed.intent, eased.weighed.eased) == ("agreed", EASE * QUANTA)
    assert eased.weighed.step_up_at == plain.weighed.step_up_at + EASE * QUANTA
    for part in ("own", "evidence", "step", "risk", "odd", "reasons"):
        assert getattr(eased.weighed, part) == getattr(plain.weighed, part)


def test_an_intent_eases_by_so_much_and_no_more() -> None:
    """What is odder than that is stepped up all the same."""
    decided = applied(barely_odd(1.5 * EASE), intents={"agreed": AGREED}).ask(**ODD)
    assert (decided.answer, decided.weighed.intent) == ("step_up", "agreed")


@pytest.mark.parametrize(
    "other",
    [
        {"requester": "spiffe://prod/app/other"},
        {"resource": "kv/*"},
        {"privilege": "read"},
        {"max_ttl_seconds": 60},
        {"expires": "2026-03-03T00:00:00Z"},
    ],
)
def test_outside_its_scope_an_intent_does_nothing(other: dict[str, Any]) -> None:
    """Nor once it has expired."""
    decided = applied(barely_odd(0.5 * EASE), intents={"agreed": {**AGREED, **other}}).ask(**ODD)
    assert (decided.answer, decided.weighed.intent, decided.weighed.eased) == ("step_up", "", 0)


def test_its_mint_is_eased_as_its_ask_was() -> None:
    """A broker that never asks is not told of what was agreed on either."""
    plain, eased = barely_odd(0.9 * EASE), applied(barely_odd(0.9 * EASE), intents={"agreed": AGREED})
    assert (plain.issue(**ODD).verdict, eased.issue(**ODD).verdict) == ("step_up", "allow")


def test_an_intent_never_eases_a_deny() -> None:
    """Neither one for what had accumulated, nor one by a rule, nor a hard limit."""
    world = applied(World().live(), intents={"agreed": {**AGREED, "max_ttl_seconds": 86_400}}, limits={"short": SHORT})
    world.steal(hours=4)
    assert world.ask(source=AWAY, **ODD).answer == "deny"
    quiet = applied(World().live(), intents={"agreed": AGREED}, limits={"short": SHORT})
    rule = Selector(requester=SERVICE, resource=RESOURCE)
    quiet.engine.propose_rule(rule, by="ana", reason="x", lifetime_seconds=HOUR, goal="enforced", override="x")
    decided = quiet.ask()
    assert (decided.answer, decided.weighed.intent, codes(decided)) == ("deny", "agreed", ["deny_rule"])
    decided = quiet.ask(resource="aws/creds/x", sensitivity="critical")
    assert (decided.answer, decided.weighed.limits) == ("deny", ("short",))


def test_an_intent_is_due_until_somebody_answers_for_it() -> None:
    """Then it does nothing, and is listed; answered for, it eases again."""
    world = applied(barely_odd(0.5 * EASE), intents={"agreed": {**AGREED, "reauthorise_days": 1}})
    world.clock.now += 1.0
    assert world.engine.vitals().intents_due == 0
    world.wait(DAY)
    assert world.state.memory.documents.due(world.clock.now) == ["agreed"]
    assert world.engine.vitals().intents_due == 1
    assert world.ask(**ODD).weighed.intent == ""
    world.engine.reauthorise("agreed", by="bo", because="still needed")
    assert world.ask(**ODD).weighed.intent == "agreed"
    assert world.state.memory.documents.authorised["agreed"].by == "bo"
    with pytest.raises(KeyError):
        world.engine.reauthorise("nobody", by="bo", because="x")


def test_another_version_does_not_reauthorise_what_it_leaves_as_it_was() -> None:
    """Nobody answers for an intent by changing something else; who changes it does."""
    world = applied(World(), intents={"agreed": AGREED, "other": AGREED})
    at = world.clock.now
    applied(world.wait(DAY), intents={"agreed": AGREED, "other": {**AGREED, "max_ttl_seconds": 60}})
    authorised = world.state.memory.documents.authorised
    assert (authorised["agreed"].at, authorised["other"].at) == (at, at + DAY)
    applied(world)
    assert world.state.memory.documents.authorised == {}


# -- hard limits ------------------------------------------------------------------------------------


def test_a_broken_limit_is_a_verdict_of_its_own() -> None:
    """With its reason first, at no nats, and advice that would pass; taken, the same request passes."""
    world = applied(World().live(sensitivity="critical", ttl_seconds=600.0), limits={"short": SHORT})
    asked = {"sensitivity": "critical", "ttl_seconds": 900.0}
    decided = world.ask(**asked)
    assert (decided.answer, decided.weighed.limits) == ("deny", ("short",))
    first = decided.weighed.reasons[0]
    assert (first.code, first.nats, first.expected, first.observed) == (
        "limit_lifetime",
        0.0,
        "at most 600 s (limit short)",
        "900 s",
    )
    assert decided.advice is not None
    taken = world.ask(**{**asked, "ttl_seconds": decided.advice.max_ttl_seconds})
    assert (taken.answer, taken.weighed.limits, taken.advice) == ("allow", (), None)


def test_the_limits_own_verdict_counts_and_never_softens_another() -> None:
    """A step-up where the limit says so; what is denied anyway stays denied."""
    asking = {"sensitivity": ["critical"], "attested": True, "verdict": "step_up"}
    world = applied(World().live(), limits={"proved": asking})
    decided = world.ask(sensitivity="critical")
    assert (decided.answer, codes(decided)[0], decided.weighed.otherwise) == ("step_up", "limit_attestation", "allow")
    world.steal(hours=4)
    stolen = world.ask(source=AWAY, sensitivity="critical", **ODD)
    assert (stolen.answer, stolen.weighed.limits, stolen.weighed.otherwise) == ("deny", ("proved",), None)
    both = applied(world, limits={"proved": asking, "short": SHORT}).ask(sensitivity="critical")
    assert (both.answer, both.weighed.limits) == ("deny", ("proved", "short"))


@pytest.mark.parametrize("mode", ["observe", "shadow"])
def test_where_nothing_is_enforced_limits_are_recorded_only(mode: Any) -> None:
    """The broker is told to go on; the record says what it would have been."""
    world = applied(World(dataclasses.replace(HOUSE, mode=mode)).live(), limits={"short": SHORT})
    decided = world.ask(sensitivity="critical")
    assert (decided.answer, decided.weighed.verdict, decided.weighed.limits) == ("allow", "deny", ("short",))


def test_under_the_kill_switch_and_through_a_glass_limits_are_recorded_only() -> None:
    """An emergency goes past them, aloud."""
    world = applied(World().live(), limits={"short": SHORT})
    through = world.ask(sensitivity="critical", break_glass=True, purpose="the database is down")
    assert (through.answer, through.mode, through.weighed.limits) == ("allow", "break_glass", ("short",))
    world.engine.turn_kill_switch(engaged=True, by="ana", because="x")
    halted = world.ask(sensitivity="critical")
    assert (halted.answer, halted.mode, halted.weighed.limits) == ("allow", "kill_switch", ("short",))


def test_a_broken_limit_is_no_sign_of_abuse() -> None:
    """It moves no risk, is held against nobody, and what was minted all the same teaches as it would have."""
    plain, limited = applied(World().live()), applied(World().live(), limits={"short": SHORT})
    for world in (plain, limited):
        for _ in range(5):
            world.wait(HOUR).issue(sensitivity="critical")
        world.wait(DAY).issue()
    assert limited.risk() == plain.risk()
    assert limited.learnt() == plain.learnt()
    assert limited.state.baselines.snapshot() == plain.state.baselines.snapshot()
    assert limited.state.memory.standings == plain.state.memory.standings


def test_breaking_a_limit_first_hides_nothing_afterwards() -> None:
    """Who was denied by a limit is asked about again at full weight: it was no refusal that an honest retry repeats."""
    world = applied(World().live(), limits={"short": SHORT})
    world.ask(sensitivity="critical")
    before = world.risk()
    world.ask(source=AWAY, privilege="admin", sensitivity="critical", ttl_seconds=60.0)
    assert world.risk() > before + 1.0


def test_a_mint_that_breaks_a_limit_is_a_finding() -> None:
    """Whoever minted it without asking. That one credential should work no more; its requester's others go on."""
    world = applied(World().live(), limits={"short": SHORT})
    world.issue(credential="short")
    row = world.issue(sensitivity="critical", credential="long")
    assert (row.verdict, row.reasons[0].code) == ("deny", "limit_lifetime")
    world.ask(sensitivity="critical")
    world.wait(1.0).issue(credential="later")
    announced = [record for record in world.log.records() if isinstance(record, Announced) and record.credential]
    told = {(record.code, record.credential) for record in announced}
    assert told == {("minted_denied", "long")}


def test_the_sensitivity_of_a_name_is_not_talked_down() -> None:
    """What is called critical by its name is held to its limits, whatever the request says of it."""
    world = applied(World().live(), limits={"short": SHORT})
    assert world.ask(resource="aws/creds/prod-admin", sensitivity="low").weighed.limits == ("short",)


# -- how a document comes into force ----------------------------------------------------------------


def tried(world: World, new: Document) -> None:
    """A dry-run of it, recorded."""
    found = dry_run(world.log, new, world.policy, since=0.0)
    world.engine.take_dry_run(new, found, by="ana")


def test_a_document_needs_a_dry_run_of_its_own() -> None:
    """Of this very document, of late; or somebody who says why not."""
    world, new = World().live(1), document(limits={"short": SHORT})
    for other in (None, document(limits={"short": {**SHORT, "max_ttl_seconds": 601}})):
        if other is not None:
            tried(world, other)
        with pytest.raises(PolicyConflict, match="dry-run"):
            world.engine.apply_policy(new, by="ana", because="x")
    tried(world, new)
    world.wait(DRY_RUN_SECONDS + 1.0)
    with pytest.raises(PolicyConflict, match="too long ago"):
        world.engine.apply_policy(new, by="ana", because="x")
    tried(world, new)
    world.engine.apply_policy(new, by="ana", because="x", override="not needed")
    (latest,) = world.state.memory.documents.past
    assert (latest.version, latest.by, latest.because, latest.overridden) == (1, "ana", "x", "")


def test_an_override_is_by_name_and_recorded() -> None:
    """Who let it go without a dry-run, and why, stays on the record."""
    world = applied(World(), limits={"short": SHORT})
    (latest,) = world.state.memory.documents.past
    assert (latest.by, latest.overridden) == ("ana", "a test")


@pytest.mark.parametrize("version", [1, 3, 9])
def test_a_version_follows_the_one_in_force(version: int) -> None:
    """Two who change the document at once do not undo each other unseen."""
    world = applied(World())
    with pytest.raises(PolicyConflict, match="version 1 is in force, so this one must be 2"):
        world.engine.apply_policy(document(version), by="bo", because="x", override="x")


def test_what_contradicts_itself_does_not_come_into_force() -> None:
    """Whoever overrides: it would do something else than its writer thinks."""
    late = {**AGREED, "from": "2026-12-02T00:00:00Z"}
    with pytest.raises(PolicyConflict, match=r"intents\.agreed\.expires: must be after from"):
        applied(World(), intents={"agreed": late})


def test_what_is_remembered_of_documents_is_bounded() -> None:
    """However often one is changed or tried."""
    world = World()
    for number in range(MOST_PAST + 5):
        tried(world, document(number + 1))
        applied(world)
    documents = world.state.memory.documents
    assert (len(documents.past), len(documents.dry_runs)) == (MOST_PAST, MOST_DRY_RUNS)
    assert documents.past[-1].version == MOST_PAST + 5


def test_a_restart_knows_what_is_in_force() -> None:
    """From the log, and from a snapshot: the same answer."""
    world = applied(barely_odd(0.5 * EASE), intents={"agreed": AGREED}, limits={"short": SHORT})
    request = world.grant(**ODD)
    for engine in (world.folded(), world.restarted()):
        assert engine.digest() == world.engine.digest()
        assert engine.ask(request, trusted=True).decision.weighed.intent == "agreed"


# -- dry-runs ---------------------------------------------------------------------------------------


def test_a_dry_run_counts_what_a_document_would_have_done() -> None:
    """Whom each limit had hit, what an intent had eased; an ask and its mint count once, what teaches nothing not."""
    world = barely_odd(0.5 * EASE)
    began = world.clock.now
    asked = world.ask(**ODD)
    world.issue(id=asked.request.id, **ODD)
    world.ask(sensitivity="critical", ttl_seconds=900.0)
    world.issue(resource="aws/creds/other", sensitivity="critical", ttl_seconds=60.0)
    world.ask(trusted=False, sensitivity="critical", ttl_seconds=900.0)
    found = dry_run(world.log, document(intents={"agreed": AGREED}, limits={"short": SHORT}), world.policy, since=began)
    assert (found.grants, found.hit, found.requesters, found.eased) == (3, 1, 1, 1)
    (limit,), (intent,) = found.limits, found.intents
    assert (limit.limit, limit.grants, limit.requesters, limit.resources) == (
        "short",
        1,
        ((SERVICE, 1),),
        ((RESOURCE, 1),),
    )
    assert (intent.intent, intent.grants, intent.eased) == ("agreed", 3, 1)
    critical = next(level for level in found.levels if level.sensitivity == "critical")
    assert (critical.grants, critical.denied, critical.stepped_up, critical.eased) == (2, 1, 0, 0)
    assert found.position == len(world.log.lines)
    assert "of 3 grants 1 would have been denied and 0 stepped up" in found.words()


def test_a_dry_run_foretells_what_is_then_decided() -> None:
    """Under the document the same requests are decided as it had said, and a dry-run afterwards says the same again."""
    new = document(intents={"agreed": AGREED}, limits={"short": SHORT})
    asks = [ODD, {"sensitivity": "critical", "ttl_seconds": 900.0}, {}, {"sensitivity": "critical"}]
    before = barely_odd(0.5 * EASE)
    began = before.clock.now
    for ask in asks:
        before.ask(**ask)
    foretold = dry_run(before.log, new, before.policy, since=began)
    after = applied(barely_odd(0.5 * EASE), intents={"agreed": AGREED}, limits={"short": SHORT})
    decided = [after.ask(**ask) for ask in asks]
    assert sum(d.weighed.otherwise is not None for d in decided) == foretold.hit == 2
    plainly = [d for d in decided if d.weighed.intent and d.weighed.verdict == "allow"]
    assert sum(in_nats(d.weighed.evidence) >= in_nats(d.weighed.step_up_at) - EASE for d in plainly) == foretold.eased
    again = dry_run(after.log, new, after.policy, since=began)
    assert (again.hit, again.eased, again.grants) == (foretold.hit, foretold.eased, foretold.grants)
