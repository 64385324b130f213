"""The deny list as a broker keeps it: what it takes in, whom it stops, and when it no longer does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.client import denylist
from detector.client.denylist import DenyList, read
from detector.client.folding import MOST_FOLDS, Fold, Folding
from detector.client.requests import prepared
from tests.client.sidecars import FOLD, REQUEST, RULE, telling

NOW = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


def known(*rules: dict[str, Any], before: DenyList | None = None, now: float = NOW, **more: Any) -> DenyList:
    """What is known once this was told."""
    return (before or DenyList()).taking(read(json.dumps(telling(*rules, **more)).encode()), now=now)


def stopped(known: DenyList, *, now: float = NOW, **change: Any) -> str | None:
    """The rule that stops a request."""
    asked = prepared({**REQUEST, **change}, make_id=lambda: "made")
    rule = known.blocking(asked.grant, now=now)
    return None if rule is None else rule.id


def ruled(name: str, *, expires: str = "2100-01-01T00:00:00Z", **selector: str) -> dict[str, Any]:
    """A rule against the requester of `REQUEST`, or another."""
    named = {"requester": "arn:aws:sts::1:assumed-role/deploy", **selector}
    return {"id": name, "selector": named, "expires": expires}


def test_a_rule_stops_what_it_names_and_nothing_else() -> None:
    """Its requester under any session name, from its network; neither from elsewhere, nor anybody else."""
    one = known(RULE)
    assert stopped(one) == "r-1"
    assert stopped(one, requester="arn:aws:sts::1:assumed-role/deploy/never-seen") == "r-1"
    assert stopped(one, source={"ip": "185.220.101.200"}) == "r-1"
    assert stopped(one, source={"ip": "185.220.102.47"}) is None
    assert stopped(one, source={}) is None
    assert stopped(one, requester="arn:aws:sts::1:assumed-role/other/run-1") is None


def test_every_named_value_must_be_the_requests_own() -> None:
    """One that differs, or that the request leaves out, and the rule does not match."""
    one = known(ruled("r", privilege="admin", environment="prod"))
    assert stopped(one, privilege="admin", source={"environment": "prod"}) == "r"
    assert stopped(one, privilege="admin", source={"environment": "dev"}) is None
    assert stopped(one, privilege="admin") is None
    assert stopped(one, source={"environment": "prod"}) is None


def test_a_rule_ends_by_the_brokers_own_clock() -> None:
    """However long nobody has been heard, it holds until then, and no moment longer."""
    one = known(ruled("r", expires="2026-03-02T12:00:00Z"))
    assert stopped(one, now=NOW + 12 * 3600 - 0.001) == "r"
    assert stopped(one, now=NOW + 12 * 3600) is None
    assert one.age(NOW + 7_200) == 7_200
    assert stopped(one, now=NOW + 7_200) == "r"


def test_the_kill_switch_lets_everything_through() -> None:
    """As it does on the server, as long as nothing else was told."""
    on = known(RULE, kill_switch=True)
    assert stopped(on) is None
    assert stopped(known(before=on, full=False, position=8)) == "r-1"


@pytest.mark.parametrize(
    ("modes", "denies"),
    [
        ({"general": "enforce"}, True),
        ({"general": "shadow"}, False),
        ({"general": "observe"}, False),
        ({"general": "enforce", "issuers": {"vault:prod/aws": "shadow"}}, False),
        ({"general": "observe", "issuers": {"vault:prod/aws": "enforce"}}, True),
        ({"general": "enforce", "issuers": {"vault:other": "shadow"}}, True),
        ({"general": "enforce", "requesters": {"arn:aws:sts::1:assumed-role/deploy": "observe"}}, False),
        (
            {
                "general": "observe",
                "issuers": {"vault:prod/aws": "observe"},
                "requesters": {"arn:aws:sts::1:assumed-role/deploy": "enforce"},
            },
            True,
        ),
    ],
)
def test_no_rule_denies_where_the_operator_does_not_enforce(modes: dict[str, Any], *, denies: bool) -> None:
    """A broker alone must not be stricter than its sidecar was."""
    assert (stopped(known(RULE, modes=modes)) == "r-1") is denies


def test_changes_are_taken_one_by_one() -> None:
    """New, changed and gone; what is not told stays."""
    one = known(ruled("a", resource="aws/creds/app"), ruled("b", resource="kv/b"))
    two = known(ruled("c", resource="kv/c"), before=one, full=False, position=8, deleted=["b"])
    assert set(two.rules) == {"a", "c"}
    three = known(ruled("a", resource="kv/z"), before=two, full=False, position=9)
    assert stopped(three) is None
    assert stopped(three, resource="kv/z") == "a"
    four = known(before=three, full=False, position=10, deleted=["a", "c", "never heard of"])
    assert (four.rules, four.found) == ({}, {})
    assert set(known(RULE, before=three).rules) == {"r-1"}


def test_a_rule_that_names_what_is_not_understood_matches_nothing() -> None:
    """Half of it would deny what it was not made for; it is counted. So is what the server keeps as a mark only."""
    nobody = {**RULE, "selector": {"network": "185.220.101.0/24"}}
    one = known(ruled("new", phase_of_moon="full"), nobody, ruled("kept", region="redacted:hmac-sha256:1f"))
    assert stopped(one) is None
    assert stopped(one, source={"region": "redacted:hmac-sha256:1f"}) is None
    assert one.left_out == 3


def test_a_list_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its bound those stay that end last, and the rest is counted; ended ones take no room."""
    monkeypatch.setattr(denylist, "MOST_RULES", 3)
    rules = [ruled(f"r{number}", expires=f"21{number:02d}-01-01T00:00:00Z") for number in range(5)]
    one = known(*rules, ruled("ended", expires="2020-01-01T00:00:00Z"))
    assert set(one.rules) == {"r2", "r3", "r4"}
    assert one.left_out == 2
    assert stopped(one) == "r4"


@pytest.mark.parametrize(
    "change",
    [
        {"position": -1},
        {"position": "7"},
        {"new": [{"id": "r"}]},
        {"new": [{**RULE, "expires": "soon"}]},
        {"new": [{**RULE, "expires": "2100-01-01T00:00:00"}]},
        {"new": [{**RULE, "selector": {"requester": 7}}]},
        {"new": [{**RULE, "id": ""}]},
        {"kill_switch": None},
        {"fold": [{"pattern": "(", "replacement": ""}]},
        {"fold": [{"pattern": "a", "replacement": r"\2"}]},
        {"fold": FOLD * (MOST_FOLDS + 1)},
        {"modes": {"general": "off"}},
    ],
)
def test_what_cannot_be_true_is_not_taken(change: dict[str, Any]) -> None:
    """It raises, and who holds a list holds it still."""
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's words or ours
        known(**change)


def test_a_log_that_went_back_is_not_followed() -> None:
    """Changes since a later position than theirs are of another log; a whole list is taken."""
    one = known(RULE, position=100)
    with pytest.raises(ValueError, match="position"):
        known(before=one, full=False, position=99)
    assert known(before=one, position=3).rules == {}


@given(st.text(max_size=60), st.lists(st.sampled_from(["a", "b+", r"\d+$", "^x", "-[0-9a-f]+"]), max_size=4))
def test_folding_twice_is_folding_once(raw: str, patterns: list[str]) -> None:
    """And a name never becomes nothing."""
    fold = Folding([Fold(pattern, "") for pattern in patterns]).name
    once = fold(raw)
    assert fold(once) == once
    assert bool(once) is bool(raw)
