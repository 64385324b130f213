"""Who gets in: every route, every role, no token, this machine and any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from detector.api.openapi import document
from detector.api.tokens import ROLES
from tests.api.conftest import ELSEWHERE, GRANT, HERE, House, issuance

PROBES = ["GET /healthz", "GET /readyz", "GET /metrics", "GET /docs", "GET /openapi.json"]
PUBLIC = ["GET /.well-known/ssf-configuration", "GET /ssf/jwks.json"]
PUBLIC += ["GET /.well-known/authzen-configuration", "GET /access/v1/jwks"]
RULE = {"selector": {"requester": "nobody"}, "reason": "a test", "lifetime_seconds": 60}

ALLOWED: dict[str, set[str]] = {
    "POST /v1/score": {"broker"},
    "POST /v1/score/batch": {"broker"},
    "POST /v1/events": {"ingest"},
    "POST /access/v1/evaluation": {"broker"},
    "POST /access/v1/evaluations": {"broker"},
    "POST /access/v1/requests": {"broker"},
    "GET /access/v1/requests/{task}": {"broker"},
    "POST /access/v1/requests/{task}/cancel": {"broker"},
    "POST /access/v1/requests/{task}/answer": {"broker"},
    "GET /v1/step-ups": {"approver", "analyst", "operator"},
    "GET /v1/step-ups/{task}": {"approver", "analyst", "operator"},
    "POST /v1/step-ups/{task}/approve": {"approver", "operator"},
    "POST /v1/step-ups/{task}/deny": {"approver", "operator"},
    "POST /v1/step-ups/{task}/revoke": {"approver", "operator"},
    "GET /v1/decisions/{decision_id}": {"analyst", "operator"},
    "POST /v1/decisions/{decision_id}/outcome": {"analyst", "operator", "approver", "broker"},
    "GET /v1/requesters/{name}": {"analyst", "operator"},
    "GET /v1/issuers/{name}": {"analyst", "operator"},
    "GET /v1/deny-rules": {"analyst", "operator"},
    "POST /v1/deny-rules": {"operator"},
    "GET /v1/deny-rules/stream": {"broker"},
    "GET /v1/deny-rules/{rule_id}": {"analyst", "operator"},
    "POST /v1/deny-rules/{rule_id}/enforce": {"operator"},
    "POST /v1/deny-rules/{rule_id}/shadow": {"operator"},
    "POST /v1/deny-rules/{rule_id}/withdraw": {"operator"},
    "GET /v1/kill-switch": {"analyst", "operator"},
    "POST /v1/kill-switch": {"operator"},
    "GET /v1/break-glass": {"analyst", "operator"},
    "POST /v1/break-glass/{glass}/review": {"analyst", "operator"},
    "GET /v1/policy": {"analyst", "operator"},
    "POST /v1/policy": {"operator"},
    "GET /v1/policy/history": {"analyst", "operator"},
    "POST /v1/policy/dry-run": {"operator"},
    "POST /v1/policy/intents/{intent}/reauthorise": {"operator"},
    "GET /v1/log/checkpoint": {"auditor", "analyst", "operator"},
    "GET /v1/log/proof/{decision_id}": {"auditor", "analyst", "operator"},
    "GET /v1/log/growth": {"auditor", "analyst", "operator"},
    "GET /v1/log/entries": {"auditor", "operator"},
    "POST /v1/log/rotate-key": {"operator"},
    **{f"{method} /ssf/stream": {"receiver"} for method in ("GET", "POST", "PATCH", "PUT", "DELETE")},
    "GET /ssf/status": {"receiver"},
    "POST /ssf/status": {"receiver"},
    "POST /ssf/subjects:add": {"receiver"},
    "POST /ssf/subjects:remove": {"receiver"},
    "POST /ssf/verify": {"receiver"},
    "POST /ssf/poll/{stream_id}": {"receiver"},
    "GET /v1/report": {"auditor", "operator"},
    **{route: set(ROLES) for route in (*PROBES, *PUBLIC)},
}
"""Route to the roles that may use it: the matrix, written down once more to be compared."""

TOKENLESS_HERE = {
    *("POST /v1/score", "POST /v1/score/batch", "POST /v1/events", "GET /v1/deny-rules/stream"),
    *(route for route in ALLOWED if " /access/" in route),
    *PROBES,
    *PUBLIC,
}
"""What this machine may use without a token, as long as there is none."""

EVALUATION = {
    "subject": {"type": "workload", "id": "ci/deploy"},
    "resource": {"type": "secret", "id": "aws/creds/app"},
    "action": {"name": "write"},
}

BODIES: dict[str, Any] = {
    "POST /access/v1/evaluation": EVALUATION,
    "POST /access/v1/evaluations": {"evaluations": [EVALUATION]},
    "POST /access/v1/requests": {**EVALUATION, "denial": {"expires_at": "2026-03-02T00:10:00Z", "binding_token": "x"}},
    "POST /access/v1/requests/{task}/answer": {"method": "second_broker"},
    "POST /v1/step-ups/{task}/approve": {"because": "a test"},
    "POST /v1/step-ups/{task}/deny": {"because": "a test"},
    "POST /v1/step-ups/{task}/revoke": {"because": "a test"},
    "POST /v1/score": GRANT,
    "POST /v1/score/batch": [GRANT],
    "POST /v1/events": [issuance(1)],
    "POST /v1/decisions/{decision_id}/outcome": {"outcome": "approved", "by": "alice"},
    "POST /v1/deny-rules": RULE,
    "POST /v1/deny-rules/{rule_id}/withdraw": {"reason": "a test"},
    "POST /v1/kill-switch": {"engaged": False, "reason": "a test"},
    "POST /v1/break-glass/{glass}/review": {"finding": "justified"},
    "POST /v1/policy": {"document": {"version": 1}, "reason": "a test"},
    "POST /v1/policy/dry-run": {"version": 1},
    "POST /v1/policy/intents/{intent}/reauthorise": {"reason": "a test"},
}


def knock(house: House, route: str, **more: Any) -> int:
    """The status of one request on a route, with a body that fits and an id that need not exist."""
    method, template = route.split()
    path = template.format_map(
        {
            "decision_id": "d-1",
            "name": "somebody",
            "rule_id": "r-1",
            "glass": "d-1",
            "stream_id": "s-1",
            "intent": "i",
            "task": "t",
        }
    )
    if route in BODIES:
        more["json"] = BODIES[route]
    return house.ask(method, path, **more).status_code


def test_the_matrix_names_every_route_there_is() -> None:
    """A route that is not in the matrix is a route whose access nobody has thought about."""
    served = {f"{verb.upper()} {path}" for path, verbs in document()["paths"].items() for verb in verbs}
    assert served == set(ALLOWED)


@pytest.mark.parametrize("address", [HERE, ELSEWHERE])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ALLOWED)
def test_a_role_opens_its_routes_and_no_other(house: House, route: str, role: str, address: str) -> None:
    """403 for a role that may not; anything but 401 and 403 for one that may. The address changes nothing."""
    status = knock(house, route, role=role, address=address)
    assert (status == 403) is (role not in ALLOWED[route])
    assert status != 401


@pytest.mark.parametrize("route", ALLOWED)
def test_without_a_token_this_machine_may_ask_tell_and_probe(house: House, route: str) -> None:
    """Analyst and operator routes need a token here too: a stolen runner may share the pod."""
    status = knock(house, route)
    assert (status == 401) is (route not in TOKENLESS_HERE)


@pytest.mark.parametrize("address", [ELSEWHERE, "2001:db8::1", "unknown"])
@pytest.mark.parametrize("route", ALLOWED)
def test_without_a_token_no_other_machine_gets_in(house: House, route: str, address: str) -> None:
    """Not even to the probes; only what holds no secret is for anybody."""
    assert (knock(house, route, address=address) == 401) is (route not in PUBLIC)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_every_spelling_of_this_machine_is_this_machine(house: House, address: str) -> None:
    """IPv4, IPv6, and IPv4 inside IPv6."""
    assert knock(house, "GET /healthz", address=address) == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_came_through_a_proxy_is_not_from_this_machine(house: House, header: str) -> None:
    """A proxy beside us would make the whole world local; claiming to be local helps nobody elsewhere."""
    headers = {header: "127.0.0.1"}
    assert knock(house, "POST /v1/score", headers=headers) == 401
    assert knock(house, "POST /v1/score", headers=headers, address=ELSEWHERE) == 401
    assert knock(house, "POST /v1/score", headers=headers, role="broker") == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8181", "169.254.169.254", "127.0.0.1.evil.example"])
def test_a_rebound_name_is_refused_without_a_token(house: House, host: str) -> None:
    """A page that points its own name at 127.0.0.1 still says its name."""
    assert knock(house, "POST /v1/score", headers={"Host": host}) == 403
    assert knock(house, "POST /v1/score", headers={"Host": host}, role="broker") == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:8181", "LOCALHOST:1", "127.0.0.1", "[::1]:8181", "[::1]"])
def test_names_of_this_machine_are_answered(house: House, host: str) -> None:
    """As brokers spell them."""
    assert knock(house, "POST /v1/score", headers={"Host": host}) == 200


def test_another_sites_page_may_not_ask(house: House) -> None:
    """A browser names the page it runs; our own page is let in."""
    assert knock(house, "POST /v1/score", headers={"Origin": "https://evil.example"}) == 403
    assert knock(house, "POST /v1/score", headers={"Origin": "null"}) == 403
    assert knock(house, "POST /v1/score", headers={"Origin": "http://127.0.0.1:3000"}) == 403
    assert knock(house, "POST /v1/score", headers={"Origin": "http://127.0.0.1:8181"}) == 200


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_can_send_is_no_request(house: House, media: str) -> None:
    """Only JSON makes a browser ask first, and we never say yes."""
    assert house.ask("POST", "/v1/score", content=b"{}", headers={"Content-Type": media}).status_code == 415
    preflight = house.ask("OPTIONS", "/v1/score", headers={"Origin": "https://evil.example"})
    assert not [name for name in preflight.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("value", "why"),
    [("Basic dXNlcjpwYXNz", "malformed"), ("Bearer", "malformed"), ("Bearer asy_000000000000_x", "unknown")],
)
def test_a_wrong_token_never_counts_as_none(house: House, value: str, why: str) -> None:
    """Here too: a broker whose token is wrong must learn of it. The metric has one word for it."""
    answer = house.ask("POST", "/v1/score", json=GRANT, headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert house.metric("assayer_auth_failures_total", why=why) == 1


def test_every_refusal_is_counted(house: House) -> None:
    """At the door or at the route: an analyst's route without a token, a wrong role, another machine, another host."""
    knock(house, "GET /v1/deny-rules")
    knock(house, "POST /v1/deny-rules", role="analyst")
    knock(house, "POST /v1/score", role="analyst")
    knock(house, "POST /v1/score", address=ELSEWHERE)
    knock(house, "POST /v1/score", headers={"Host": "evil.example"})
    counted = {why: house.metric("assayer_auth_failures_total", why=why) for why in ("missing", "role", "host")}
    assert counted == {"missing": 2, "role": 2, "host": 1}


def test_a_broker_may_say_how_a_step_up_ended_and_no_more(house: House) -> None:
    """Legitimate and malicious are an analyst's words."""
    decision = house.score().json()["decision_id"]
    path = f"/v1/decisions/{decision}/outcome"

    def say(outcome: str, role: str) -> int:
        return house.ask("POST", path, json={"outcome": outcome, "by": "x"}, role=role).status_code

    assert [say(outcome, "broker") for outcome in ("approved", "legitimate", "malicious")] == [200, 403, 403]
    assert [say(outcome, "analyst") for outcome in ("legitimate", "malicious")] == [200, 200]


def moves(house: House, **more: Any) -> bool:
    """Whether a request, asked now, may move its requester's risk."""
    made = house.score({**GRANT, "id": f"m{house.engine.position}"}, **more).json()["decision_id"]
    decided = house.engine.decision(made)
    assert decided is not None
    return decided.moves_risk


def test_tokenless_asks_are_trusted_until_the_first_broker_has_a_token(make_house: Callable[..., House]) -> None:
    """Asking in a victim's name from the same pod moves nothing once brokers are known; it is answered all the same."""
    house = make_house()
    house.secret("analyst")
    assert moves(house)
    made = house.tokens.create(["broker"])
    assert not moves(house)
    assert moves(house, headers={"Authorization": f"Bearer {made.secret}"})
    house.tokens.revoke(made.token.id)
    assert not moves(house)


def test_tokenless_events_teach_until_the_first_feeder_has_a_token(house: House) -> None:
    """What anybody in the pod could send must not teach once feeders are known."""

    def teaches(number: int, **more: Any) -> bool:
        house.ask("POST", "/v1/events", json=[issuance(number)], **more)
        newest = max(house.log.read(), key=lambda entry: entry.position)
        return bool(newest.record.teaches)

    assert teaches(1)
    house.secret("ingest")
    assert not teaches(2)
    assert teaches(3, role="ingest")


def test_wrong_guesses_from_an_address_do_not_shut_out_its_broker(house: House) -> None:
    """Failures are limited, and only who fails pays: the thief and the broker share an address."""
    wrong = {"Authorization": "Bearer asy_000000000000_wrong"}
    statuses = {house.ask("POST", "/v1/score", json=GRANT, headers=wrong).status_code for _ in range(80)}
    assert statuses == {401, 429}
    assert house.score(role="broker").status_code == 200
    assert house.score().status_code == 200
