"""From a step-up to a mint: answered by somebody else, asked again within what was approved, and no further."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import GRANT, House
from tests.api.test_authzen import bold, evaluate

REQUESTS = "/access/v1/requests"
BECAUSE = {"because": "incident 4711"}


@pytest.fixture
def lived(house: House) -> House:
    """A house whose requester has habits."""
    house.live(4)
    return house


def submitted(house: House, *, key: str = "k1") -> dict[str, Any]:
    """A task for the bold request; asked for again under one key it is the same."""
    asked = bold(house, 1)
    denied = evaluate(house, asked)["context"]
    offer = denied["access_request"]
    body = {
        **asked,
        "denial": {
            "evaluation_id": denied["decision_id"],
            "expires_at": offer["expires_at"],
            "binding_token": offer["binding_token"],
        },
    }
    path = urlsplit(offer["endpoint"]).path
    answer = house.ask("POST", path, json=body, role="broker", headers={"Idempotency-Key": key})
    assert answer.status_code == 202, answer.text
    again = house.ask("POST", path, json=body, role="broker", headers={"Idempotency-Key": key}).json()
    task: dict[str, Any] = answer.json()["task"]
    assert again["task"]["id"] == task["id"]
    return task


def approved(house: House, task: dict[str, Any]) -> dict[str, Any]:
    """The approval that the broker finds once an approver has given it."""
    assert house.ask("POST", f"/v1/step-ups/{task['id']}/approve", json=BECAUSE, role="approver").status_code == 200
    approval: dict[str, Any] = house.ask("GET", f"{REQUESTS}/{task['id']}", role="broker").json()["result"]["approval"]
    return approval


def with_approval(house: House, number: int, approval: dict[str, Any], **context: Any) -> dict[str, Any]:
    """The bold request again, bringing its approval."""
    asked = bold(house, number)
    brought = {"id": approval["id"], "state": approval["state"]}
    return {**asked, "context": {**asked["context"], **context, "approval": brought}}


def test_what_was_approved_is_allowed_until_its_end_and_nothing_else_is(lived: House) -> None:
    """The same request passes, until `approved_until`; another resource, lifetime, place or requester does not."""
    approval = approved(lived, submitted(lived))
    passed = evaluate(lived, with_approval(lived, 2, approval))
    assert passed["decision"] is True
    assert passed["context"]["approval"]["approved_until"] == approval["approved_until"]
    wrong = [
        {**with_approval(lived, 3, approval), "resource": {"type": "credential", "id": "db/other"}},
        with_approval(lived, 4, approval, ttl_seconds=86_400),
        with_approval(lived, 5, approval, source={"ip": "203.0.113.7"}),
    ]
    assert [evaluate(lived, asked)["decision"] for asked in wrong] == [False] * len(wrong)
    stranger = {**with_approval(lived, 6, approval), "subject": {"type": "workload", "id": "spiffe://prod/app/other"}}
    assert evaluate(lived, stranger)["context"]["approval"]["passed"] is False


def test_an_approval_ends(lived: House) -> None:
    """Past `approved_until` it opens nothing."""
    approval = approved(lived, submitted(lived))
    lived.clock.now += 7 * 86_400.0
    assert evaluate(lived, with_approval(lived, 2, approval))["decision"] is False


def test_risk_that_rose_meanwhile_still_denies(lived: House) -> None:
    """Between the approval and the mint a rule came into force: the approval does not pass it."""
    approval = approved(lived, submitted(lived))
    rule = {
        "selector": {"requester": GRANT["requester"], "resource": "db/root"},
        "reason": "stolen",
        "lifetime_seconds": 600,
        "mode": "enforced",
        "override": "our incident",
    }
    assert lived.ask("POST", "/v1/deny-rules", role="operator", json=rule).status_code == 201
    context = evaluate(lived, with_approval(lived, 2, approval))["context"]
    assert context["verdict"] == "deny"


def test_nobody_approves_his_own(lived: House) -> None:
    """Neither the requester by a token of its name, nor the broker that asked, nor an analyst, nor nobody."""
    task = submitted(lived)
    path = f"/v1/step-ups/{task['id']}/approve"
    own = lived.tokens.create(["approver"], name=GRANT["requester"]).secret
    by_itself = lived.ask("POST", path, json=BECAUSE, headers={"Authorization": f"Bearer {own}"})
    assert by_itself.status_code == 403
    assert [lived.ask("POST", path, json=BECAUSE, role=role).status_code for role in ("broker", "analyst")] == [
        403,
        403,
    ]
    assert lived.ask("POST", path, json=BECAUSE).status_code == 401
    assert lived.ask("GET", f"{REQUESTS}/{task['id']}", role="broker").json()["task"]["status"] == "pending"


def test_a_forged_approval_opens_nothing(lived: House) -> None:
    """A state with another's signature, or a binding token in its place."""
    approval = approved(lived, submitted(lived))
    state = approval["state"]
    other = evaluate(lived, bold(lived, 9))["context"]["access_request"]["binding_token"]
    for forged in (state[:-4] + ("AAAA" if not state.endswith("AAAA") else "BBBB"), other, "x.y.z"):
        assert evaluate(lived, with_approval(lived, 10, {**approval, "state": forged}))["decision"] is False


def test_a_cancelled_request_is_answered_by_nobody(lived: House) -> None:
    """Who took it back needs no answer; an approver who comes late is told."""
    task = submitted(lived)
    assert lived.ask("POST", f"{REQUESTS}/{task['id']}/cancel", json={}, role="broker").status_code in {200, 202}
    late = lived.ask("POST", f"/v1/step-ups/{task['id']}/approve", json=BECAUSE, role="approver")
    assert late.status_code == 409


def test_a_request_that_nobody_answers_expires(lived: House) -> None:
    """It is not waited for for ever."""
    task = submitted(lived)
    lived.clock.now += 86_400.0
    looked = lived.ask("GET", f"{REQUESTS}/{task['id']}", role="broker")
    assert (looked.status_code, looked.json()["type"].rpartition(":")[2]) == (410, "task_expired")
