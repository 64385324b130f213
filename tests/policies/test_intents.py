"""Intents compiled: within what was agreed on, and not a step beyond."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.events import GrantRequest
from detector.features.rhythm import DAY
from detector.policies import Intents, Wildcard, compiled, read, state
from tests.engine.world import HOUR, MONDAY

AGREED: dict[str, Any] = {
    "requester": "arn:aws:sts::1:assumed-role/deploy/run-1",
    "issuer": "sts",
    "resource": "kv/backup/*",
    "task": "backup-*",
    "privilege": "write",
    "max_ttl_seconds": 900,
    "authorised_by": "ana",
    "expires": "2026-12-01T00:00:00Z",
}
ASKED: dict[str, Any] = {
    "id": "r",
    "time": MONDAY,
    "issuer": "sts",
    "requester": "arn:aws:sts::1:assumed-role/deploy/run-8",
    "resource": "kv/backup/eu",
    "task": "backup-7",
    "privilege": "write",
    "ttl_seconds": 900.0,
}
ROLE = "arn:aws:sts::1:assumed-role/deploy"


def folded(name: str) -> str:
    """Who a session's name stands for."""
    return name.rpartition("/")[0] if name.startswith("arn") else name


def covered(now: float = MONDAY, *, requester: str = ROLE, agreed: dict[str, Any] | None = None, **asked: Any) -> bool:
    """Whether a request that differs in these lies within an intent that was authorised when the week began."""
    document = read({"version": 1, "intents": {"nightly": {**AGREED, **(agreed or {})}}})
    intents = Intents(document.intents, authorised={"nightly": MONDAY}, fold=folded)
    grant = GrantRequest(**{**ASKED, **asked})
    return intents.covering(requester, grant, grant.resource, now) is not None


def test_what_was_agreed_on_is_covered() -> None:
    """Whichever session asks: raw names of the document stand for canonical ones."""
    assert covered()
    assert covered(privilege="read", ttl_seconds=60.0)


@pytest.mark.parametrize(
    "asked",
    [
        {"issuer": "vault"},
        {"resource": "kv/backups"},
        {"resource": "kv/other"},
        {"task": "deploy-7"},
        {"task": None},
        {"privilege": "admin"},
        {"privilege": None},
        {"ttl_seconds": 901.0},
        {"ttl_seconds": None},
    ],
)
def test_what_differs_or_is_left_out_is_not(asked: dict[str, Any]) -> None:
    """In any one thing that the intent names."""
    assert not covered(**asked)


def test_nobody_else_is_covered() -> None:
    """The intent is its requester's."""
    assert not covered(requester="arn:aws:sts::1:assumed-role/other")


@pytest.mark.parametrize(
    ("actions", "inside"), [(("read",), True), (("list", "read"), True), (("read", "delete"), False), ((), False)]
)
def test_actions_are_those_that_are_named(actions: tuple[str, ...], inside: bool) -> None:
    """All of them, and at least one."""
    assert covered(agreed={"actions": ["read", "list"]}, actions=actions) == inside


def test_it_ends() -> None:
    """When it expires, when its window closes, and when nobody answered for it in time; it begins when it says."""
    assert covered(MONDAY + 89 * DAY)
    assert not covered(MONDAY + 90 * DAY)
    assert not covered(MONDAY + 7 * DAY, agreed={"reauthorise_days": 7})
    assert not covered(MONDAY + 2 * DAY, agreed={"until": "2026-03-04T00:00:00Z"})
    assert not covered(MONDAY, agreed={"from": "2026-03-03T00:00:00Z"})
    assert covered(MONDAY + DAY, agreed={"from": "2026-03-03T00:00:00Z"})
    assert not covered(MONDAY + DAY, agreed={"expires": "2026-03-03T00:00:00Z"})


def test_one_that_nobody_authorised_does_nothing() -> None:
    """However well it fits."""
    document = read({"version": 1, "intents": {"nightly": AGREED}})
    intents = Intents(document.intents, authorised={}, fold=folded)
    grant = GrantRequest(**ASKED)
    assert intents.covering(ROLE, grant, grant.resource, MONDAY) is None


@pytest.mark.parametrize(
    ("hour", "inside"), [(21.9, False), (22.0, True), (23.5, True), (24.0, True), (27.9, True), (28.0, False)]
)
def test_hours_go_past_midnight(hour: float, inside: bool) -> None:
    """They begin on their day, end before the hour they name, and belong to the day they began on."""
    assert covered(MONDAY + hour * HOUR, agreed={"hours": "22:00-04:00", "weekdays": ["mon"]}) == inside


def test_days_are_days() -> None:
    """Of the week, in UTC."""
    assert covered(MONDAY, agreed={"weekdays": ["mon", "wed"]})
    assert not covered(MONDAY + DAY, agreed={"weekdays": ["mon", "wed"]})
    assert not covered(MONDAY - 1.0, agreed={"hours": "09:00-17:00"})
    assert covered(MONDAY + 9 * HOUR, agreed={"hours": "09:00-17:00"})


@pytest.mark.parametrize(
    ("agreed", "days", "found"),
    [
        ({}, 0, "in_force"),
        ({}, 90, "due"),
        ({"from": "2026-03-03T00:00:00Z"}, 0, "not_yet"),
        ({"until": "2026-03-03T00:00:00Z"}, 1, "over"),
        ({}, 300, "expired"),
    ],
)
def test_its_state_says_why_it_does_nothing(agreed: dict[str, Any], days: int, found: str) -> None:
    """And it does something in one of them only."""
    intent = read({"version": 1, "intents": {"nightly": {**AGREED, **agreed}}}).intents["nightly"]
    now = MONDAY + days * DAY
    assert state(intent, MONDAY, now) == found
    assert compiled("nightly", intent, MONDAY, folded).in_force(now) == (found == "in_force")


@given(st.text("ab/*", max_size=7), st.text("ab/", max_size=9))
def test_a_star_is_any_characters(pattern: str, name: str) -> None:
    """As a regular expression would have it, without one."""
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
    assert Wildcard(pattern).matches(name) == expected


def test_no_pattern_makes_matching_slow() -> None:
    """What would take a backtracking matcher for ever is told at once."""
    assert not Wildcard("a*a*a*a*a*a*a*a*b").matches("a" * 20_000)
