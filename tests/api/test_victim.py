"""Whoever shares the pod may call `score` and `events` in a victim's name: he locks nobody out and teaches nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import GRANT, House, issuance

BOLD: dict[str, Any] = {
    **GRANT,
    "resource": "db/root",
    "privilege": "admin",
    "ttl_seconds": 43_200,
    "source": {"ip": "185.220.101.47", "user_agent": "curl/8.5.0"},
}
FEW, MANY = 5, 200


@pytest.fixture
def lived(house: House) -> House:
    """A victim with four days of habits, at a sidecar whose broker and log shipper have tokens."""
    house.live(4)
    house.secret("broker")
    house.secret("ingest")
    house.clock.now += 7_200.0
    house.score({**GRANT, "id": "settles"}, role="broker")  # whatever was due has been learnt by now
    return house


def everything_else(house: House) -> tuple[Any, ...]:
    """All that is remembered of the victim, and every rule."""
    seen = house.ask("GET", f"/v1/requesters/{GRANT['requester']}", role="analyst").json()
    rules = house.ask("GET", "/v1/deny-rules", role="analyst").json()
    return (house.engine.state.baselines.snapshot(), seen["risk"], seen["baseline"], seen["live_credentials"], rules)


def test_a_flood_of_asks_changes_nothing_for_the_victim(lived: House) -> None:
    """Bold ones, broken glasses, the same id as the victim's next one: his own answer is what it would have been."""
    before = lived.score({**GRANT, "id": "victims-last"}, role="broker").json()
    expected = everything_else(lived)
    for number in range(MANY):
        lived.score({**BOLD, "id": f"x{number}", "resource": f"db/{number % 17}"})
    lived.score({**BOLD, "id": "glass", "break_glass": True, "purpose": "an emergency, honestly"})
    lived.score({**BOLD, "id": "victims-next"})
    assert everything_else(lived) == expected
    own = lived.score({**GRANT, "id": "victims-next"}, role="broker").json()
    assert (own["verdict"], own["evidence"]) == ("allow", before["evidence"])
    assert lived.ask("GET", "/v1/break-glass", role="analyst").json() == {"break_glass": []}


def test_a_flood_of_events_teaches_nothing(lived: House) -> None:
    """Mints, refusals, uses, ends of tasks and revocations in his name: neither habit nor risk nor credential moves."""
    expected = everything_else(lived)
    forged: list[dict[str, Any]] = []
    for number in range(MANY):
        forged.append(
            issuance(10_000 + number, **{k: v for k, v in BOLD.items() if k != "id"}, credential=f"forged{number}")
        )
        forged.append(
            {"kind": "usage", "time": GRANT["time"], "credential": f"forged{number}", "action": "iam:PassRole"}
        )
        forged.append({"kind": "usage", "time": GRANT["time"], "credential": f"c{number}", "action": "iam:PassRole"})
        forged.append({"kind": "lifecycle", "time": GRANT["time"], "change": "revoked", "subject": f"c{number}"})
        forged.append(
            {"kind": "lifecycle", "time": GRANT["time"], "change": "decommissioned", "subject": GRANT["requester"]}
        )
    batches = [forged[at : at + 100] for at in range(0, len(forged), 100)]
    taken = [lived.ask("POST", "/v1/events", json=batch).json()["accepted"] for batch in batches]
    assert sum(taken) == len(forged)
    lived.clock.now += 14 * 86_400.0
    lived.score({**GRANT, "id": "later"}, role="broker")
    after = everything_else(lived)
    assert after[0] == expected[0]
    assert after[1]["nats"] == 0.0
    assert after[4] == expected[4]


@pytest.mark.parametrize("trusted", [False, True])
def test_the_same_flood_from_the_broker_itself_would_be_seen(house: House, trusted: bool) -> None:
    """So that the tests above can fail: with the broker's token the asks move risk, without they do not."""
    house.live(4)
    house.secret("broker")
    for number in range(FEW):
        house.score({**BOLD, "id": f"x{number}", "resource": f"db/{number}"}, role="broker" if trusted else None)
    seen = house.ask("GET", f"/v1/requesters/{GRANT['requester']}", role="analyst").json()
    assert (seen["risk"]["nats"] > 0.0) == trusted


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/decisions/{decision}/outcome", {"outcome": "approved", "by": "me"}),
        (
            "POST",
            "/v1/deny-rules",
            {"selector": {"requester": GRANT["requester"]}, "reason": "x", "lifetime_seconds": 60},
        ),
        ("POST", "/v1/kill-switch", {"engaged": True, "reason": "x"}),
        ("POST", "/v1/break-glass/{decision}/review", {"finding": "justified"}),
        ("GET", "/v1/requesters/x", None),
        ("GET", "/v1/decisions/{decision}", None),
    ],
)
def test_he_can_do_nothing_else(lived: House, method: str, path: str, body: dict[str, Any] | None) -> None:
    """He may not answer for what he asked, stop anybody, stop us, or look."""
    decision = lived.score({**BOLD, "id": "x"}).json()["decision_id"]
    more = {} if body is None else {"json": body}
    assert lived.ask(method, path.format(decision=decision), **more).status_code == 401
