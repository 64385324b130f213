"""Asking: answers, mistakes, repeats, batches, and a disk that does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import httpx
import msgspec
import pytest

from detector.api.limits import Limits
from detector.api.wire import answer
from detector.engine.records import Entry, Record
from detector.store import MemoryLog
from tests.api.conftest import GRANT, House
from tests.contracts.some_records import decision


class StuckLog(MemoryLog):
    """A log whose disk never answers until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck: list[tuple[Future[int], int]] = []
        self.is_stuck = False

    def append(self, stamp: float, record: Record) -> Future[int]:
        """Take the record; durable only when let go."""
        done = super().append(stamp, record)
        if not self.is_stuck:
            return done
        pending: Future[int] = Future()
        self.stuck.append((pending, done.result()))
        return pending

    def trouble(self) -> str | None:
        """What a full disk says."""
        return "No space left on device" if self.is_stuck else None

    def let_go(self) -> None:
        """The disk is back."""
        self.is_stuck = False
        for pending, position in self.stuck:
            pending.set_result(position)

    def read(self, after: int = 0) -> Iterator[Entry]:
        """As the log in memory."""
        return super().read(after)


def test_an_answer_has_what_the_contract_names(house: House) -> None:
    """Id, verdict, risk, evidence, reasons, mode; and whether it is durable."""
    answer = house.score()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert {"decision_id", "verdict", "risk", "evidence", "reasons", "mode", "recorded"} <= body.keys()
    assert body["verdict"] in {"allow", "step_up", "deny"}
    assert 0 <= body["risk"] <= 1
    assert body["recorded"] is True


def test_a_stolen_identity_is_told_why_and_where_to_report(house: House) -> None:
    """A step-up has reasons, largest first, and the path its outcome is told to."""
    house.live(days=5)
    stolen = {
        **GRANT,
        "id": "stolen",
        "time": house.clock.rfc3339(),
        "resource": "aws/creds/admin",
        "actions": ["admin"],
        "privilege": "admin",
        "source": {"ip": "185.220.101.4", "environment": "laptop"},
        "task": None,
    }
    body = house.score(stolen).json()
    assert body["verdict"] in {"step_up", "deny"}
    nats = [reason["nats"] for reason in body["reasons"]]
    assert nats == sorted(nats, reverse=True)
    assert set(body["reasons"][0]) == {"code", "because", "nats", "expected", "observed"}
    if body["verdict"] == "step_up":
        assert body["step_up"]["outcome"] == f"/v1/decisions/{body['decision_id']}/outcome"


def test_asking_twice_with_one_id_is_asking_once(house: House) -> None:
    """A broker that retries after a lost answer gets the first one."""
    first = house.score().json()
    position = house.engine.position
    assert house.score().json() == first
    assert house.engine.position == position


def test_who_sends_no_id_is_not_given_his_first_answer_for_good(house: House) -> None:
    """The same words a minute later are another request: what was learnt since, and a deny rule, hold for it."""
    bare = {name: value for name, value in GRANT.items() if name not in {"id", "time"}}
    first = house.score(bare).json()
    house.clock.now += 60.0
    rule = {
        "selector": {"requester": GRANT["requester"]},
        "reason": "stolen",
        "lifetime_seconds": 600,
        "mode": "enforced",
        "override": "our incident",
    }
    assert house.ask("POST", "/v1/deny-rules", role="operator", json=rule).status_code == 201
    second = house.score(bare).json()
    assert second["decision_id"] != first["decision_id"]
    assert second["verdict"] == "deny"


def test_an_id_of_another_request_is_a_conflict(house: House) -> None:
    """Else one requester's verdict could be had for another."""
    house.score()
    answer = house.score({**GRANT, "requester": "somebody/else"})
    assert answer.status_code == 409
    assert "id" in answer.json()["detail"]


@pytest.mark.parametrize("absent", [("kind",), ("time",), ("id", "kind"), ("id", "kind", "time")])
def test_a_broker_may_leave_out_what_we_know_ourselves(house: House, absent: tuple[str, ...]) -> None:
    """Kind is the route's, time is now, an id is made from the content and the time."""
    record = {"kind": "grant_request", **GRANT}
    for name in absent:
        del record[name]
    assert house.score(record).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"issuer": None}, "issuer"),
        ({"requester": ""}, "requester"),
        ({"resource": 7}, "resource"),
        ({"kind": "issuance"}, "kind"),
        ({"time": "yesterday"}, "time"),
        ({"time": 1_700_000_000}, "time"),
        ({"ttl_seconds": "long"}, "ttl_seconds"),
        ({"ttl_seconds": -1}, "ttl_seconds"),
        ({"privilege": "root"}, "privilege"),
        ({"source": {"ip": 7}}, "source.ip"),
        ({"source": "here"}, "source"),
        ({"actions": "write"}, "actions"),
        ({"break_glass": "yes"}, "break_glass"),
    ],
)
def test_a_mistake_is_named_by_its_field(house: House, change: dict[str, Any], field: str) -> None:
    """422, with the field in the sentence and in `errors`."""
    answer = house.score({**GRANT, **change})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field
    assert field in answer.json()["detail"]


@pytest.mark.parametrize("value", [[], [GRANT], "text", 7, None, True])
def test_what_is_no_object_is_no_request(house: House, value: Any) -> None:
    """Valid JSON, but not one grant request."""
    answer = house.ask("POST", "/v1/score", content=msgspec.json.encode(value), headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body"


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b'{"issuer": NaN}', b'{"issuer": "\xff"}', b'{"issuer": "\\ud800"}', b"[" * 100_000],
    ids=["empty", "cut short", "no JSON", "NaN", "not UTF-8", "half a character", "nested without end"],
)
def test_what_is_no_json_is_told_so(house: House, body: bytes) -> None:
    """400, whatever it was, and never a 500."""
    answer = house.ask("POST", "/v1/score", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400


def test_a_batch_is_answered_in_its_order(house: House) -> None:
    """Each answer stands in its request's place; one that cannot be read has its problem there."""
    members = [{**GRANT, "id": f"b{number}", "resource": f"r{number}"} for number in range(5)]
    members[2] = {"issuer": "x"}
    answers = house.ask("POST", "/v1/score/batch", json=members).json()
    assert answers[2]["problem"]["status"] == 422
    assert answers[2]["problem"]["errors"][0]["field"]
    told = [answer["decision_id"] for answer in answers if "problem" not in answer]
    asked = [house.engine.decision(decision) for decision in told]
    assert [decided.request.id for decided in asked if decided] == ["b0", "b1", "b3", "b4"]


def test_a_batch_is_as_large_as_the_limit_says(make_house: Callable[..., House]) -> None:
    """One more is 413; none at all is an empty list."""
    house = make_house(limits=Limits(batch_items=3))
    members = [{**GRANT, "id": f"b{number}"} for number in range(4)]
    assert house.ask("POST", "/v1/score/batch", json=members[:3]).status_code == 200
    assert house.ask("POST", "/v1/score/batch", json=members).status_code == 413
    assert house.ask("POST", "/v1/score/batch", json=[]).json() == []
    assert house.ask("POST", "/v1/score/batch", json=GRANT).status_code == 422


def test_a_disk_that_does_not_answer_costs_the_deadline_and_is_said(make_house: Callable[..., House]) -> None:
    """The fallback: the verdict in time, recorded:false, counted, and durable once the disk is back."""
    log = StuckLog()
    house = make_house(log=log, limits=Limits(durable_deadline_seconds=0.05))
    log.is_stuck = True
    started = time.monotonic()
    answer = house.score().json()
    assert answer["recorded"] is False
    assert time.monotonic() - started < 2
    assert house.metric("assayer_unrecorded_answers_total") == 1
    ready = house.ask("GET", "/readyz")
    assert ready.status_code == 503
    assert "No space left on device" in ready.json()["reasons"][0]
    log.let_go()
    assert house.score().json() == {**answer, "recorded": True}
    assert house.ask("GET", "/readyz").status_code == 200


def test_a_stuck_disk_costs_a_batch_one_deadline_not_one_each(make_house: Callable[..., House]) -> None:
    """Records become durable in their order: waiting for the last is waiting for all."""
    log = StuckLog()
    house = make_house(log=log, limits=Limits(durable_deadline_seconds=0.05))
    log.is_stuck = True
    members = [{**GRANT, "id": f"b{number}"} for number in range(100)]
    started = time.monotonic()
    answers = house.ask("POST", "/v1/score/batch", json=members).json()
    assert {answer["recorded"] for answer in answers} == {False}
    assert time.monotonic() - started < 2


def test_a_large_batch_does_not_starve_a_score(house: House) -> None:
    """A score that arrives in the middle of long work waits for a few turns, not for its end."""
    members = [{**GRANT, "id": f"b{number}", "requester": f"app/{number}"} for number in range(1_000)]
    body = msgspec.json.encode(members)

    async def both() -> tuple[float, float]:
        started = time.perf_counter()
        batch = asyncio.ensure_future(house.asking("POST", "/v1/score/batch", content=body, headers=JSON))
        await asyncio.sleep(0.005)
        single: httpx.Response = await house.asking("POST", "/v1/score", json=GRANT)
        single_took = time.perf_counter() - started
        assert single.status_code == 200
        assert (await batch).status_code == 200
        return single_took, time.perf_counter() - started

    single_took, batch_took = house.run(both())
    assert single_took < 0.8 * batch_took


@pytest.mark.parametrize("path", ["/v1/score", "/v1/score/batch"])
def test_a_gzipped_body_is_read(house: House, path: str) -> None:
    """Brokers that pack their bodies may."""
    import gzip

    body = gzip.compress(msgspec.json.encode(GRANT if path.endswith("score") else [GRANT]))
    answer = house.ask("POST", path, content=body, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 200


def test_a_packing_we_do_not_know_is_named(house: House) -> None:
    """415, with the one we do know."""
    answer = house.ask("POST", "/v1/score", content=b"x", headers={**JSON, "Content-Encoding": "br"})
    assert answer.status_code == 415
    assert answer.headers["Accept-Encoding"] == "gzip"


def test_fields_that_nothing_was_made_of_are_named(house: House) -> None:
    """A misspelt field is no error, for records grow; but the answer says that it was not understood."""
    asked = {"issuer": "v", "requester": "r", "resource": "x", "privelege": "admin", "source": {"ipp": "10.0.0.1"}}
    answer = house.ask("POST", "/v1/score", json=asked).json()
    assert answer["unknown_fields"] == ["privelege", "source.ipp"]
    assert answer["learnt"] == {"requester_issuances": 0, "issuer": False}


def test_the_answer_says_whose_peer_the_requester_is_and_how_surely() -> None:
    """Where peer groups were found, an answer names the one that it rests on; else it says nothing of peers."""
    decided = decision(1)
    assert answer(decided, recorded=True).peers is None
    held = msgspec.structs.replace(decided, group="g3", sure=0.25, fellows=14)
    assert msgspec.to_builtins(answer(held, recorded=True).peers) == {"group": "g3", "members": 14, "sureness": 0.25}
