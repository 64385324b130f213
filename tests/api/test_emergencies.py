"""The kill switch and broken glasses over HTTP: by somebody with a name, said in every answer, reviewed afterwards."""

from __future__ import annotations

from tests.api.conftest import GRANT, House

WHY = {"reason": "the release is stuck"}
ODD = {**GRANT, "resource": "db/root", "privilege": "admin", "source": {"ip": "185.220.101.47"}}


def test_the_kill_switch_is_in_every_answer_and_metric(house: House) -> None:
    """Engaged, the stopped pass and are told why; released, they are stopped again."""
    house.live(4)
    assert house.score({**ODD, "id": "a"}).json()["verdict"] == "step_up"
    turned = house.ask("POST", "/v1/kill-switch", role="operator", json={"engaged": True, **WHY}).json()
    assert (turned["engaged"], turned["by"], turned["because"], turned["recorded"]) == (
        True,
        "operator",
        WHY["reason"],
        True,
    )
    passed = house.score({**ODD, "id": "b"}).json()
    assert (passed["verdict"], passed["mode"], passed["weighed_verdict"]) == ("allow", "kill_switch", "step_up")
    assert "assayer_kill_switch 1.0" in house.ask("GET", "/metrics").text
    house.ask("POST", "/v1/kill-switch", role="operator", json={"engaged": False, **WHY})
    assert house.ask("GET", "/v1/kill-switch", role="analyst").json() == {"engaged": False}
    assert house.score({**ODD, "id": "c"}).json()["verdict"] == "step_up"


def test_a_broken_glass_is_loud_and_is_reviewed(house: House) -> None:
    """The answer says that it passed and until when; it is listed, counted, and gone from the list once reviewed."""
    house.live(4)
    asked = house.score(
        {**ODD, "id": "a", "break_glass": True, "purpose": "the database is down"}, role="broker"
    ).json()
    assert (asked["verdict"], asked["mode"]) == ("allow", "break_glass")
    assert asked["break_glass"]["passed"]
    assert asked["break_glass"]["until"].endswith("Z")
    (glass,) = house.ask("GET", "/v1/break-glass?reviewed=false", role="analyst").json()["break_glass"]
    assert (glass["id"], glass["purpose"]) == (asked["decision_id"], "the database is down")
    metrics = house.ask("GET", "/metrics").text
    assert "assayer_glasses_broken_total 1.0" in metrics
    assert "assayer_glasses_unreviewed 1.0" in metrics
    reviewed = house.ask(
        "POST", f"/v1/break-glass/{glass['id']}/review", role="analyst", json={"finding": "justified", "note": "4711"}
    ).json()
    assert (reviewed["finding"], reviewed["reviewer"]) == ("justified", "analyst")
    assert house.ask("GET", "/v1/break-glass?reviewed=false", role="analyst").json() == {"break_glass": []}
    assert "assayer_glasses_unreviewed 0.0" in house.ask("GET", "/metrics").text


def test_a_glass_that_is_not_passed_says_why(house: House) -> None:
    """No purpose, no way past."""
    house.live(4)
    asked = house.score({**ODD, "break_glass": True}, role="broker").json()
    assert asked["verdict"] == "step_up"
    assert asked["break_glass"] == {"passed": False, "because": "it gives no purpose"}


def test_an_unknown_glass_is_a_404(house: House) -> None:
    """There is nothing to review."""
    answer = house.ask("POST", "/v1/break-glass/d-0/review", role="analyst", json={"finding": "justified"})
    assert answer.status_code == 404


def test_nobody_answers_for_himself(house: House) -> None:
    """Neither under the requester's own name, nor as one it acts for, nor with a token of that name."""
    house.live(4)
    chained = {**ODD, "id": "a", "on_behalf_of": ["agent:orchestrator"]}
    decision = house.score(chained, role="broker").json()["decision_id"]
    path = f"/v1/decisions/{decision}/outcome"
    for name in (GRANT["requester"], "agent:orchestrator"):
        refused = house.ask("POST", path, role="broker", json={"outcome": "approved", "by": name})
        assert refused.status_code == 403
    own = house.tokens.create(["approver"], name=GRANT["requester"]).secret
    refused = house.ask(
        "POST", path, headers={"Authorization": f"Bearer {own}"}, json={"outcome": "approved", "by": "somebody"}
    )
    assert refused.status_code == 403
    assert house.ask("POST", path, role="approver", json={"outcome": "approved", "by": "alice"}).status_code == 200
