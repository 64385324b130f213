"""Looking and changing: decisions, requesters, issuers, deny rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from detector.api.limits import Limits
from detector.rules import Selector
from tests.api.conftest import GRANT, House, issuance
from tests.api.test_score import StuckLog

RULE: dict[str, Any] = {
    "selector": {"requester": GRANT["requester"], "resource": GRANT["resource"]},
    "reason": "stolen runner",
    "lifetime_seconds": 600,
    "mode": "enforced",
    "override": "incident 4711",
}


def made(house: House, **change: Any) -> dict[str, Any]:
    """A rule that an operator wrote."""
    answer = house.ask("POST", "/v1/deny-rules", role="operator", json={**RULE, **change})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/deny-rules/{answer.json()['id']}"
    body: dict[str, Any] = answer.json()
    return body


def test_a_decision_can_be_read_again_with_all_that_replays_it(house: House) -> None:
    """The answer as it was given, and the log's own record."""
    asked = house.score().json()
    seen = house.ask("GET", f"/v1/decisions/{asked['decision_id']}", role="analyst").json()
    assert {name: seen[name] for name in asked} == asked
    assert seen["record"]["request"]["resource"] == GRANT["resource"]
    assert seen["record"]["weighed"]["evidence"] == asked["evidence"] * 1024


def test_a_decision_the_engine_has_forgotten_is_found_in_the_log(
    make_house: Callable[..., House], tmp_path: Any
) -> None:
    """The engine keeps the latest ones, the log all of them."""
    from detector.store import SqliteLog

    log = SqliteLog(tmp_path / "log")
    house = make_house(log=log)
    asked = house.score().json()["decision_id"]
    del house.engine.state.memory.decisions.young[asked]
    assert house.engine.decision(asked) is None
    assert house.ask("GET", f"/v1/decisions/{asked}", role="analyst").json()["decision_id"] == asked


@pytest.mark.parametrize(
    "path", ["/v1/decisions/d-none", "/v1/requesters/no/body", "/v1/issuers/no:where", "/v1/deny-rules/r-0"]
)
def test_what_is_not_there_is_404(house: House, path: str) -> None:
    """Named, as a problem."""
    answer = house.ask("GET", path, role="analyst")
    assert answer.status_code == 404
    assert path.rpartition("/")[2] in answer.json()["detail"]


def test_an_outcome_is_recorded_with_who_said_it(house: House) -> None:
    """The speaker's word, and the token it came with."""
    decision = house.score().json()["decision_id"]
    path = f"/v1/decisions/{decision}/outcome"
    told = house.ask("POST", path, role="analyst", json={"outcome": "malicious", "by": "alice"})
    assert told.json() == {"decision_id": decision, "outcome": "malicious", "by": "alice", "recorded": True}
    newest = list(house.log.read())[-1].record
    assert (newest.outcome, newest.by) == ("malicious", "alice (analyst)")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "outcome"),
        ({"outcome": "approved"}, "by"),
        ({"outcome": "fine", "by": "x"}, "outcome"),
        ({"outcome": "approved", "by": ""}, "by"),
        ({"outcome": "approved", "by": "x", "extra": 1}, "extra"),
        ({"outcome": 7, "by": "x"}, "outcome"),
    ],
)
def test_an_outcome_that_does_not_fit_names_the_field(house: House, body: dict[str, Any], field: str) -> None:
    """422 by field."""
    decision = house.score().json()["decision_id"]
    answer = house.ask("POST", f"/v1/decisions/{decision}/outcome", role="analyst", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "spelled", ["spiffe://prod/app/svc1", "spiffe%3A%2F%2Fprod%2Fapp%2Fsvc1", "spiffe:%2F%2Fprod/app%2fsvc1"]
)
def test_a_requesters_name_may_be_plain_or_percent_encoded(house: House, spelled: str) -> None:
    """Names hold slashes and colons, and curl users type them as they are."""
    house.ask("POST", "/v1/events", json=[issuance(number) for number in range(3)])
    seen = house.ask("GET", f"/v1/requesters/{spelled}", role="analyst")
    assert seen.status_code == 200
    assert seen.json()["requester"] == GRANT["requester"]


@pytest.mark.parametrize("spelled", ["vault:prod/aws", "vault%3Aprod%2Faws"])
def test_an_issuers_name_too(house: House, spelled: str) -> None:
    """As a requester's."""
    house.live(days=1)
    assert house.ask("GET", f"/v1/issuers/{spelled}", role="analyst").json()["issuer"] == GRANT["issuer"]


def test_names_with_other_scripts_and_odd_characters_are_found(house: House) -> None:
    """A question mark, a hash, a percent sign, a space, other scripts: percent-encoded they are a name like any."""
    from urllib.parse import quote

    name = "équipe/β?x=1#frag 100%/ü"
    house.ask("POST", "/v1/events", json=[issuance(1, requester=name, time=house.clock.rfc3339())])
    seen = house.ask("GET", f"/v1/requesters/{quote(name, safe='')}", role="analyst")
    assert seen.json()["requester"] == name


def test_an_enforced_rule_denies_what_it_names_and_nothing_else(house: House) -> None:
    """The answer names the rule; another resource of the same requester is not its business."""
    rule = made(house)
    denied = house.score().json()
    assert denied["verdict"] == "deny"
    assert denied["deny_rule"] == {
        "id": rule["id"],
        "stage": "enforced",
        "denied": True,
        "rule": f"/v1/deny-rules/{rule['id']}",
    }
    other = house.score({**GRANT, "id": "other", "resource": "aws/creds/app-read"}).json()
    assert other["verdict"] == "allow"
    assert "deny_rule" not in other


def test_a_rule_starts_in_shadow_and_is_switched_by_hand(house: House) -> None:
    """Shadow says what it would have done; enforced bites; shadow again; withdrawn for good."""
    rule = made(house, mode="shadow")
    path = f"/v1/deny-rules/{rule['id']}"
    verdicts = []
    for number, switch in enumerate(["shadow", "enforce", "shadow"]):
        assert house.ask("POST", f"{path}/{switch}", role="operator").json()["recorded"]
        verdicts.append(house.score({**GRANT, "id": f"s{number}"}).json()["verdict"])
    assert verdicts == ["allow", "deny", "allow"]
    seen = house.ask("GET", path, role="analyst").json()
    assert (seen["hits"], seen["shadow_hits"]) == (1, 2)
    assert seen["backtest"]["within"]
    gone = house.ask("POST", f"{path}/withdraw", role="operator", json={"reason": "the runner is clean"})
    assert gone.json()["state"] == "withdrawn"
    again = house.ask("POST", f"{path}/enforce", role="operator")
    assert again.status_code == 409
    assert "withdrawn" in again.json()["detail"]


def test_rules_are_listed_and_filtered_by_state(house: House) -> None:
    """All of them, or those in one state."""
    first, second = made(house), made(house, mode="shadow")
    house.ask("POST", f"/v1/deny-rules/{first['id']}/withdraw", role="operator", json={"reason": "x"})

    def ids(query: str) -> set[str]:
        listed = house.ask("GET", f"/v1/deny-rules{query}", role="analyst").json()["deny_rules"]
        return {rule["id"] for rule in listed}

    assert ids("") == {first["id"], second["id"]}
    assert ids("?state=withdrawn") == {first["id"]}
    assert ids("?state=shadow") == {second["id"]}
    assert ids("?state=expired") == set()
    wrong = house.ask("GET", "/v1/deny-rules?state=sleeping", role="analyst")
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "state"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lifetime_seconds": None}, "lifetime_seconds"),
        ({"lifetime_seconds": 0}, "lifetime_seconds"),
        ({"lifetime_seconds": 1e12}, "lifetime_seconds"),
        ({"lifetime_seconds": "1h"}, "lifetime_seconds"),
        ({"selector": {}}, "selector.requester"),
        ({"selector": {"requester": ""}}, "selector.requester"),
        ({"selector": {"requester": "x", "colour": "red"}}, "selector.colour"),
        ({"selector": {"requester": "x", "network": "10.0.0.0/8"}}, "selector.network"),
        ({"selector": {"requester": "x", "network": "10.0.0.7"}}, "selector.network"),
        ({"selector": {"requester": "x", "privilege": "root"}}, "selector.privilege"),
        ({"reason": ""}, "reason"),
        ({"mode": "maybe"}, "mode"),
    ],
)
def test_a_rule_that_could_do_harm_cannot_be_made(house: House, change: dict[str, Any], field: str) -> None:
    """Without end, without a requester, without a reason: 422 by field."""
    answer = house.ask("POST", "/v1/deny-rules", role="operator", json={**RULE, **change})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    missing = {name: value for name, value in RULE.items() if name != "lifetime_seconds"}
    assert house.ask("POST", "/v1/deny-rules", role="operator", json=missing).status_code == 422


def test_a_change_of_rules_says_whether_it_is_durable(make_house: Callable[..., House]) -> None:
    """With the disk stuck the rule is in force and the answer says recorded:false."""
    log = StuckLog()
    house = make_house(log=log, limits=Limits(durable_deadline_seconds=0.02))
    log.is_stuck = True
    assert made(house)["recorded"] is False
    assert house.score().json()["verdict"] == "deny"
    log.let_go()


def test_a_rule_has_ended_when_the_log_says_so(house: House) -> None:
    """Its state is told by the log's time, by which it denies or not, also where the machine's clock was set back."""
    rule = house.ask("POST", "/v1/deny-rules", role="operator", json={**RULE, "lifetime_seconds": 3_600}).json()
    house.clock.now += 7_200
    house.score()
    house.clock.now -= 7_200
    assert house.ask("GET", f"/v1/deny-rules/{rule['id']}", role="analyst").json()["state"] == "expired"


def test_others_have_their_turn_while_many_rules_are_listed(house: House) -> None:
    """A list of thousands is made with stops for breath."""
    house.engine._backtester = None
    for number in range(6_000):
        house.engine.propose_rule(Selector(requester=f"r{number}"), by="me", reason="x", lifetime_seconds=60.0)

    async def story() -> tuple[int, int]:
        listing = asyncio.create_task(house.asking("GET", "/v1/deny-rules", role="analyst"))
        turns = 0
        while not listing.done():
            await asyncio.sleep(0)
            turns += 1
        return turns, len((await listing).json()["deny_rules"])

    turns, listed = house.run(story())
    assert listed == 6_000
    assert turns > 12, "a list made in one breath takes a handful of turns"
