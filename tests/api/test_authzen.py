"""OpenID AuthZEN Authorization API 1.0, clause by clause, and the way from a step-up to a mint."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from tests.api.conftest import GRANT, House

ODD = {"ip": "185.220.101.47"}


def evaluation(house: House, number: int, **context: Any) -> dict[str, Any]:
    """The ordinary request as an evaluation; `context` says what is different."""
    del house
    plain = {name: GRANT[name] for name in ("issuer", "privilege", "ttl_seconds", "source", "task")}
    return {
        "subject": {"type": "workload", "id": GRANT["requester"]},
        "action": {"name": "write"},
        "resource": {"type": "credential", "id": GRANT["resource"]},
        "context": {**plain, "id": f"e{number}", **context},
    }


def bold(house: House, number: int) -> dict[str, Any]:
    """What is stepped up."""
    asked = evaluation(house, number, source=ODD, privilege="admin")
    return {**asked, "resource": {"type": "credential", "id": "db/root"}}


def evaluate(house: House, body: Any, **more: Any) -> Any:
    """One evaluation's answer, which is always 200."""
    answer = house.ask("POST", "/access/v1/evaluation", json=body, role="broker", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def lived(house: House) -> House:
    """A house whose requester has habits."""
    house.live(4)
    return house


def test_a_decision_is_always_200_with_a_boolean(lived: House) -> None:
    """`decision` is a boolean, and a denial is no transport error: 200 all the same."""
    assert evaluate(lived, evaluation(lived, 1))["decision"] is True
    assert evaluate(lived, bold(lived, 2))["decision"] is False


def test_a_step_up_is_false_with_a_way_on(lived: House) -> None:
    """A broker that ignores `context` must not read a step-up as allow; one that reads it learns what to do."""
    context = evaluate(lived, bold(lived, 1))["context"]
    (obligation,) = [one for one in context["obligations"] if one["type"] == "step-up"]
    assert obligation["properties"]["acr_value"]
    assert (
        context["access_request"]["endpoint"].endswith("/access/v1/requests") or context["access_request"]["endpoint"]
    )
    assert context["access_request"]["binding_token"].count(".") == 2
    assert set(context["reason_admin"]) & {"403", "en"}


def test_unknown_fields_are_ignored_and_the_request_id_is_echoed(lived: House) -> None:
    """Extensions do not break; "X-Request-ID" comes back as it was sent."""
    body = {**evaluation(lived, 1), "colour": "red"}
    answer = lived.ask(
        "POST", "/access/v1/evaluation", json=body, role="broker", headers={"X-Request-ID": "bfe9eb29-ab87"}
    )
    assert (answer.json()["decision"], answer.headers["X-Request-ID"]) == (True, "bfe9eb29-ab87")


@pytest.mark.parametrize("missing", ["subject", "action", "resource"])
def test_what_is_required_is_required(lived: House, missing: str) -> None:
    """A request without subject, action or resource is a 400 that names it."""
    body = {name: value for name, value in evaluation(lived, 1).items() if name != missing}
    answer = lived.ask("POST", "/access/v1/evaluation", json=body, role="broker")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(missing)


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_each_evaluations_semantic(lived: House, semantic: str, decisions: list[bool]) -> None:
    """All; until the first denial; until the first permission. What is not reached is not asked."""
    members = [evaluation(lived, 1), bold(lived, 2), evaluation(lived, 3), bold(lived, 4)]
    before = lived.engine.position
    answer = lived.ask(
        "POST",
        "/access/v1/evaluations",
        role="broker",
        json={"evaluations": members, "options": {"evaluations_semantic": semantic}},
    ).json()
    assert [one["decision"] for one in answer["evaluations"]] == decisions
    assert lived.engine.position == before + len(decisions)


def test_defaults_are_inherited_and_one_bad_member_spoils_no_other(lived: House) -> None:
    """Top-level keys are defaults; a member's own go over them; an error is that member's denial."""
    whole = evaluation(lived, 1)
    members = [
        {"context": whole["context"]},
        {"subject": {"type": "workload"}},
        {"context": {**whole["context"], "id": "e3"}},
    ]
    body = {name: whole[name] for name in ("subject", "action", "resource")} | {"evaluations": members}
    answer = lived.ask("POST", "/access/v1/evaluations", role="broker", json=body).json()
    assert [one["decision"] for one in answer["evaluations"]] == [True, False, True]
    assert "error" in answer["evaluations"][1]["context"]


def test_without_evaluations_it_is_a_single_one(lived: House) -> None:
    """Absent or empty, it behaves as the evaluation endpoint."""
    for body in (evaluation(lived, 1), {**evaluation(lived, 2), "evaluations": []}):
        answer = lived.ask("POST", "/access/v1/evaluations", role="broker", json=body).json()
        assert answer["decision"] is True


def test_the_metadata_document_says_where_everything_is(lived: House) -> None:
    """`policy_decision_point` and `access_evaluation_endpoint` are required; the endpoints are below the first."""
    found = lived.ask("GET", "/.well-known/authzen-configuration").json()
    point = found["policy_decision_point"]
    assert found["access_evaluation_endpoint"] == f"{point}/access/v1/evaluation"
    assert found["access_evaluations_endpoint"] == f"{point}/access/v1/evaluations"
    assert "urn:openid:authzen:capability:access-request" in found["capabilities"]


def test_a_broker_without_a_token_is_let_in_only_on_this_machine(lived: House) -> None:
    """As for `/v1/score`."""
    here = lived.ask("POST", "/access/v1/evaluation", json=evaluation(lived, 1))
    away = lived.ask("POST", "/access/v1/evaluation", json=evaluation(lived, 2), address="10.20.30.40")
    assert (here.status_code, away.status_code) == (200, 401)


def test_a_binding_token_that_was_tampered_with_opens_nothing(lived: House) -> None:
    """Unsigned, signed by somebody else, or for another decision: refused, and nothing is waited for."""
    offer = evaluate(lived, bold(lived, 1))["context"]["access_request"]
    token = offer["binding_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = [
        jwt.encode(claims, key="", algorithm="none"),
        jwt.encode(claims, key="x" * 32, algorithm="HS256"),
        token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB"),
    ]
    body = {name: bold(lived, 1)[name] for name in ("subject", "action", "resource")}
    for wrong in forged:
        answer = lived.ask(
            "POST",
            offer["endpoint"].partition("8181")[2] or offer["endpoint"],
            role="broker",
            json={**body, "requested_access": {}, "denial": {"binding_token": wrong}},
        )
        assert answer.status_code in {400, 401, 403, 422}, answer.text
