"""The deny list over HTTP: what a broker is told, and who is told at all."""

from __future__ import annotations

from typing import Any

import pytest

from detector.engine.redaction import Redaction
from tests.api.conftest import ELSEWHERE, GRANT, House

STREAM = "/v1/deny-rules/stream"
RULE = {
    "selector": {"requester": GRANT["requester"], "network": "185.220.101.0/24"},
    "reason": "incident 7",
    "lifetime_seconds": 600,
    "mode": "enforced",
    "override": "it is our incident",
}


def told(house: House, since: int | None = None, **more: Any) -> Any:
    """The list, or what changed of it."""
    params = {} if since is None else {"since": since}
    answer = house.ask("GET", STREAM, params=params, **more)
    assert answer.status_code == 200
    return answer.json()


def test_a_broker_is_told_what_is_enforced_and_how_to_match_it(house: House) -> None:
    """Selector, end, folds in their order, modes, kill switch; then what changed; then what is gone."""
    empty = told(house)
    assert (empty["full"], empty["new"], empty["kill_switch"]) == (True, [], False)
    assert [set(fold) for fold in empty["fold"]] == [{"pattern", "replacement"}] * len(
        house.engine.state.policy.identity
    )
    assert empty["modes"] == {"general": "enforce", "issuers": {}, "requesters": {}}
    rule = house.ask("POST", "/v1/deny-rules", role="operator", json=RULE).json()
    changed = told(house, empty["position"])
    assert changed["full"] is False
    assert changed["new"] == [{"id": rule["id"], "selector": RULE["selector"], "expires": rule["expires"]}]
    house.ask("POST", f"/v1/deny-rules/{rule['id']}/withdraw", role="operator", json={"reason": "clean"})
    gone = told(house, changed["position"])
    assert (gone["new"], gone["deleted"]) == ([], [rule["id"]])
    assert told(house)["new"] == []


def test_the_kill_switch_is_told_at_the_next_look(house: House) -> None:
    """And that it is off again."""
    for engaged in (True, False):
        house.ask("POST", "/v1/kill-switch", role="operator", json={"engaged": engaged, "reason": "a test"})
        assert told(house)["kill_switch"] is engaged


def test_rules_name_requesters_so_a_token_is_needed_once_a_broker_has_one(house: House) -> None:
    """Whoever shares the pod with the thief is told nothing; before that, this machine alone is trusted, as to ask."""
    assert told(house)["full"]
    assert house.ask("GET", STREAM, address=ELSEWHERE).status_code == 401
    assert told(house, role="broker", address=ELSEWHERE)["full"]
    assert house.ask("GET", STREAM).status_code == 401
    assert house.score().status_code == 200
    for role in ("ingest", "analyst", "operator", "approver"):
        assert house.ask("GET", STREAM, role=role).status_code == 403


@pytest.mark.parametrize("since", ["-1", "soon", "1.5", ""])
def test_a_position_that_is_none_is_named(house: House, since: str) -> None:
    """422, the field first."""
    answer = house.ask("GET", STREAM, params={"since": since})
    assert answer.status_code == 422
    assert "since" in answer.json()["errors"][0]["field"]


def test_an_answer_names_the_request_that_it_is_to(house: House) -> None:
    """So that a broker can tell it from another's; also in a batch, where nothing else would."""
    assert house.score().json()["request"] == GRANT["id"]
    batch = house.ask("POST", "/v1/score/batch", json=[{**GRANT, "id": name} for name in ("b", "a")])
    assert [member["request"] for member in batch.json()] == ["b", "a"]


def test_an_answer_names_the_id_that_was_asked_under_also_where_the_log_must_not(house: House) -> None:
    """An id that could be made of what is redacted is a mark in the log; the broker knows it, and compares."""
    house.engine._redaction = Redaction(["purpose"], b"key")
    name = "0123456789abcdef" * 2
    answer = house.score({**GRANT, "id": name}).json()
    assert answer["request"] == name
    (member,) = house.ask("POST", "/v1/score/batch", json=[{**GRANT, "id": name}]).json()
    assert (member["request"], member["decision_id"]) == (name, answer["decision_id"])
    kept = house.ask("GET", f"/v1/decisions/{answer['decision_id']}", role="analyst").json()
    assert kept["request"] != name
