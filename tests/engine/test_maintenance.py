"""Declared maintenance: what it explains counts for less within its scope and time, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from detector.engine.decide import Deciding, decide
from detector.engine.maintenance import EXPLAINED, MOST_SECONDS, MOST_WINDOWS, SHARE, UNTIL_TOLD_SECONDS
from detector.engine.records import Observed
from detector.engine.words import ASPECTS
from detector.evidence import GRANT_CODES, QUANTA, USE_CODES, in_nats
from tests.engine.world import AWAY, DAY, HOME, HOUR, ISSUER, RESOURCE, SERVICE, World, codes

NIGHT: dict[str, Any] = {"ttl_seconds": 43_200.0, "actions": ("reindex",)}
"""What maintenance looks like: for longer, and doing other things."""


def declared(subject: str = SERVICE, *, world: World | None = None, **more: Any) -> World:
    """A world in which maintenance of a subject has just been declared."""
    world = World().live() if world is None else world
    world.happens("maintenance_declared", subject, **more)
    return world


def shares(world: World, **asked: Any) -> dict[str, float]:
    """What each facet of an ask says, in nats."""
    deciding: Deciding = decide(world.state, world.grant(**asked), world.clock.now, trusted=True)
    return dict(zip(GRANT_CODES, deciding.judged.shares, strict=True))


def odd(world: World) -> dict[str, int]:
    """What was remembered as odd of the latest row."""
    weighed = next(record.weighed for record in reversed(world.log.records()) if isinstance(record, Observed))
    assert weighed is not None
    return weighed.odd


def test_what_maintenance_explains_counts_for_less() -> None:
    """By the share that is named, never below nothing; all else as it was, and what fits says what it said."""
    plain, quiet = shares(declared("nobody"), **NIGHT), shares(declared(), **NIGHT)
    surprising = {code for code in EXPLAINED if plain.get(code, 0.0) > 0.0}
    assert {"actions", "longer"} < surprising
    for code, nats in plain.items():
        assert quiet[code] == pytest.approx(SHARE * nats if code in surprising else nats)


def test_it_says_so() -> None:
    """The reasons name it, with what it took off, beside what is left; without it the same work was stepped up."""
    plain, quiet = declared("nobody").ask(**NIGHT), declared().ask(**NIGHT)
    assert (plain.answer, quiet.answer) == ("step_up", "allow")
    (reason,) = (reason for reason in quiet.weighed.reasons if reason.code == "maintenance")
    assert f"during declared maintenance of {SERVICE}" in reason.because
    less = in_nats(plain.weighed.evidence - quiet.weighed.evidence)
    assert (reason.nats, reason.observed) == (0.0, f"{less:.2f} nats less")
    assert "maintenance" not in codes(plain)


@pytest.mark.parametrize("subject", [SERVICE, ISSUER, RESOURCE, "prod"])
def test_its_subject_is_any_of_what_a_request_is_made_of(subject: str) -> None:
    """Its requester, issuer, resource or environment."""
    assert "maintenance" in codes(declared(subject).ask(**NIGHT))
    assert "maintenance" not in codes(declared(f"{subject}-2").ask(**NIGHT))


def test_raw_names_stand_for_canonical_ones() -> None:
    """Maintenance of one run of a role is maintenance of the role; of a subject that is not given, of nothing."""
    role = "arn:aws:sts::1:assumed-role/deploy/run-"
    world = World().live(requester=f"{role}1")
    declared(f"{role}7", world=world)
    assert "maintenance" in codes(world.ask(requester=f"{role}9", **NIGHT))
    world = declared("-")
    assert "maintenance" not in codes(world.ask(source=type(HOME)(), **NIGHT))


def test_it_ends_when_it_says() -> None:
    """And begins when it was declared for."""
    world = World().live()
    declared(world=world, time=world.clock.now + HOUR, until=world.clock.now + 2 * HOUR)
    assert "maintenance" not in codes(world.ask(**NIGHT))
    assert "maintenance" in codes(world.wait(HOUR).ask(**NIGHT))
    assert "maintenance" not in codes(world.wait(HOUR).ask(**NIGHT))


@pytest.mark.parametrize(("until", "length"), [(None, UNTIL_TOLD_SECONDS), (30 * DAY, MOST_SECONDS), (-5.0, 0.0)])
def test_no_window_is_endless(until: float | None, length: float) -> None:
    """One that does not say until when is short, none is longer than a day, one that ends before it begins is none."""
    world = World().live()
    declared(world=world, until=None if until is None else world.clock.now + until)
    found = world.state.memory.joins.windows.get(SERVICE) or ()
    assert [window.until - world.clock.now for window in found] == ([length] if length else [])


def test_of_several_windows_the_one_that_ends_last_counts() -> None:
    """Whichever subject it is of, and in whatever order they were declared."""
    for subjects in ((SERVICE, ISSUER), (ISSUER, SERVICE)):
        world = World().live()
        for subject, hours in zip(subjects, (5, 1), strict=True):
            declared(subject, world=world, until=world.clock.now + hours * HOUR)
        declared(subjects[0], world=world, until=world.clock.now + HOUR)
        (reason,) = (reason for reason in world.ask(**NIGHT).weighed.reasons if reason.code == "maintenance")
        assert f"of {subjects[0]}" in reason.because
        assert "maintenance" in codes(world.wait(4 * HOUR).ask(**NIGHT))


def test_windows_are_bounded() -> None:
    """However many are declared of one subject."""
    world = World().live(1)
    for _ in range(3 * MOST_WINDOWS):
        declared(world=world.wait(60.0))
    windows = world.state.memory.joins.windows.get(SERVICE)
    assert windows is not None
    assert len(windows) == MOST_WINDOWS


def test_whoever_is_not_trusted_declares_nothing() -> None:
    """Else a thief would."""
    assert "maintenance" not in codes(declared(trusted=False).ask(**NIGHT))


# -- never a bypass ---------------------------------------------------------------------------------


def test_an_attack_from_elsewhere_is_stepped_up_all_the_same() -> None:
    """Also of the very requester that is under maintenance, doing what it always did."""
    decided = declared().ask(source=AWAY)
    assert decided.answer == "step_up"
    world = declared(until=None)
    assert world.steal(hours=2).verdict in {"step_up", "deny"}


def test_an_escalated_privilege_from_an_unknown_network_is_stepped_up_all_the_same() -> None:
    """Where it comes from and what it never had are not what maintenance explains."""
    assert declared().ask(source=AWAY, privilege="admin", **NIGHT).answer == "step_up"
    plain, quiet = (shares(declared(who), source=AWAY, privilege="admin") for who in ("nobody", SERVICE))
    for code in ("privilege", "network", "site", "client"):
        assert quiet[code] == plain[code]


def test_another_requester_is_outside() -> None:
    """Somebody else who asks for the same meanwhile is judged as ever."""
    other = "spiffe://prod/app/other"
    asked = {"requester": other, "source": AWAY, "privilege": "admin", **NIGHT}
    plain, quiet = declared("nobody").ask(**asked), declared().ask(**asked)
    assert plain.weighed == quiet.weighed
    assert quiet.answer == "step_up"


def test_a_flagged_row_within_it_is_still_held_and_remembered() -> None:
    """What a thief showed there counts against whoever asks for it afterwards."""
    world = declared()
    world.steal(hours=2)
    standing = world.state.memory.standings[SERVICE]
    flagged = {key.partition("=")[0] for key, oddity in standing.odd.items() if oddity.flagged}
    assert {"site", "privilege"} <= flagged
    assert world.risk() > 0.0


def test_what_was_said_within_it_is_remembered_for_what_it_said() -> None:
    """So that the issuer is under less pressure too, and repeating it says no more than repeating anything."""
    plain, quiet = declared("nobody"), declared()
    for world in (plain, quiet):
        world.issue(**NIGHT)
    before, after = (odd(world)["actions=reindex"] for world in (plain, quiet))
    assert after == pytest.approx(SHARE * before, abs=1)
    assert "actions=reindex" in quiet.state.memory.standings[SERVICE].odd
    assert shares(quiet, **NIGHT)["actions"] < SHARE * before / QUANTA


def test_uses_are_explained_too() -> None:
    """More of them, later, and of another kind; not where they come from, nor what they were denied."""
    found = []
    for subject in ("nobody", SERVICE):
        world = declared(subject)
        credential = world.issue().credential
        found.append(world.wait(800.0).use(credential, action="s3:Reindex", source=AWAY))
    plain, quiet = found
    assert quiet.evidence < plain.evidence
    assert quiet.verdict == "step_up"
    assert "maintenance" in [reason.code for reason in quiet.reasons]


def test_only_what_is_named_is_explained() -> None:
    """Where from, in whose name, with what proof, how it ended and what was decided: none of it, of grants or uses."""
    never = {
        code
        for told, members in ASPECTS.items()
        for code in members
        if "come from" in told or "used from" in told or "in a name" in told or "end unusually" in told
    }
    assert never.isdisjoint(EXPLAINED)
    assert {"decision", "privilege", "power", "state", "user", "refusals", "renewal"}.isdisjoint(EXPLAINED)
    assert set(EXPLAINED) <= {*GRANT_CODES, *USE_CODES}
