"""Policy documents over HTTP: tried, applied, answered for; and what answers say of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import GRANT, House, issuance

AGREED: dict[str, Any] = {
    "requester": GRANT["requester"],
    "resource": "aws/creds/*",
    "privilege": "write",
    "max_ttl_seconds": 3600,
    "authorised_by": "ana",
    "expires": "2199-01-01T00:00:00Z",
}
SHORT: dict[str, Any] = {"sensitivity": ["critical"], "max_ttl_seconds": 600}
DOCUMENT: dict[str, Any] = {"version": 1, "intents": {"nightly": AGREED}, "limits": {"short": SHORT}}
CRITICAL = {**GRANT, "sensitivity": "critical"}


def applied(house: House, document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    """Tried, then applied: what the server says of it."""
    assert house.ask("POST", "/v1/policy/dry-run", role="operator", json=document).status_code == 200
    answer = house.ask("POST", "/v1/policy", role="operator", json={"document": document, "reason": "change 4711"})
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def test_before_there_is_one_the_policy_is_version_nought(house: House) -> None:
    """And nothing of it is in answers."""
    view = house.ask("GET", "/v1/policy", role="analyst").json()
    assert view == {"version": 0, "document": None, "intents": [], "due": []}
    assert {"intent", "limits", "advice"}.isdisjoint(house.score().json())


def test_a_document_is_tried_applied_and_looked_at(house: House) -> None:
    """By somebody with a name, with a reason; what was written is what is shown."""
    house.live(2)
    tried = house.ask("POST", "/v1/policy/dry-run?days=1", role="operator", json=DOCUMENT).json()
    assert (tried["grants"], tried["hit"], tried["recorded"]) == (25, 0, True)
    assert tried["intents"] == [{"intent": "nightly", "grants": 25, "eased": 0}]
    view = applied(house)
    assert (view["version"], view["by"], view["because"], view["overridden"]) == (1, "operator", "change 4711", None)
    assert (view["digest"], view["recorded"]) == (tried["digest"], True)
    shown = house.ask("GET", "/v1/policy", role="analyst").json()
    assert shown["document"]["intents"] == {"nightly": AGREED}
    assert shown["document"]["limits"] == {"short": SHORT}
    (intent,) = shown["intents"]
    assert (intent["id"], intent["state"], intent["by"]) == ("nightly", "in_force", "operator")
    (past,) = house.ask("GET", "/v1/policy/history", role="analyst").json()["history"]
    assert past["version"] == 1


def test_without_a_dry_run_it_takes_a_reason(house: House) -> None:
    """409, and the reason is recorded by name."""
    body = {"document": DOCUMENT, "reason": "change 4711"}
    refused = house.ask("POST", "/v1/policy", role="operator", json=body)
    assert (refused.status_code, "dry-run" in refused.json()["detail"]) == (409, True)
    done = house.ask("POST", "/v1/policy", role="operator", json={**body, "override": "incident 12"})
    assert done.json()["overridden"] == "incident 12"


def test_two_at_once_do_not_undo_each_other(house: House) -> None:
    """The second, which was written on top of the same version, is told so."""
    applied(house)
    body = {"document": {**DOCUMENT, "note": "mine"}, "reason": "x", "override": "x"}
    refused = house.ask("POST", "/v1/policy", role="operator", json=body)
    assert (refused.status_code, "version 1 is in force" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/policy/dry-run", {**DOCUMENT, "colour": 1}, "colour"),
        ("/v1/policy/dry-run", {"version": 1, "intents": {"a": {**AGREED, "hours": "x"}}}, "intents.a.hours"),
        (
            "/v1/policy",
            {"document": {"version": 1, "limits": {"a": {**SHORT, "x": 1}}}, "reason": "x"},
            "document.limits.a.x",
        ),
        ("/v1/policy", {"document": DOCUMENT}, "reason"),
        ("/v1/policy/intents/nightly/reauthorise", {"reason": ""}, "reason"),
    ],
)
def test_what_is_wrong_with_it_is_named(house: House, path: str, body: Any, field: str) -> None:
    """422, with the field's own path."""
    refused = house.ask("POST", path, role="operator", json=body)
    assert refused.status_code == 422
    assert field in refused.json()["errors"][0]["field"]


@pytest.mark.parametrize("days", ["0", "367", "x"])
def test_how_far_to_look_back_is_bounded(house: House, days: str) -> None:
    """422, like any other field."""
    assert house.ask("POST", f"/v1/policy/dry-run?days={days}", role="operator", json=DOCUMENT).status_code == 422


def test_an_intent_is_answered_for_anew(house: House) -> None:
    """When it is due it is listed and counted; then not any more. An unknown one is a 404."""
    applied(house, {**DOCUMENT, "intents": {"nightly": {**AGREED, "reauthorise_days": 1}}})
    house.clock.now += 86_400.0
    assert house.ask("GET", "/v1/policy", role="analyst").json()["due"] == ["nightly"]
    assert "assayer_intents_due 1.0" in house.ask("GET", "/metrics").text
    path = "/v1/policy/intents/{}/reauthorise"
    done = house.ask("POST", path.format("nightly"), role="operator", json={"reason": "review 12"})
    assert (done.json()["due"], done.json()["intents"][0]["state"]) == ([], "in_force")
    assert house.ask("POST", path.format("none"), role="operator", json={"reason": "x"}).status_code == 404


def test_answers_say_what_limits_and_intents_did(house: House) -> None:
    """Which limit, what would pass, and which intent; the decision that is looked up later says the same."""
    applied(house)
    refused = house.score({**CRITICAL, "id": "a"}).json()
    assert (refused["verdict"], refused["limits"]) == ("deny", ["short"])
    assert refused["reasons"][0]["code"] == "limit_lifetime"
    assert refused["advice"] == {"max_ttl_seconds": 600.0, "because": ["limit short"]}
    assert refused["intent"] == {"id": "nightly", "nats": 1.0}
    passed = house.score({**CRITICAL, "id": "b", "ttl_seconds": refused["advice"]["max_ttl_seconds"]}).json()
    assert "limits" not in passed
    looked_up = house.ask("GET", f"/v1/decisions/{refused['decision_id']}", role="analyst").json()
    assert looked_up["advice"] == refused["advice"]


def test_answers_advise_what_was_seen_to_be_enough(house: House) -> None:
    """From what credentials were used for; asked with the same id again, the advice is the same."""
    for number in range(60):
        house.clock.now += 3_600.0
        mint = issuance(number, time=house.clock.rfc3339())
        use = {"kind": "usage", "id": f"u{number}", "credential": f"c{number}", "time": house.clock.rfc3339()}
        house.ask("POST", "/v1/events", json=[mint, {**use, "action": "s3:GetObject", "resource": "app/x"}])
    house.clock.now += 3_600.0
    answer = house.score({**GRANT, "id": "z"}).json()
    assert answer["advice"]["max_ttl_seconds"] == 60.0
    assert answer["advice"]["narrower"] == {"privilege": "read"}
    assert len(answer["advice"]["because"]) == 2
    assert house.score({**GRANT, "id": "z"}).json() == answer
