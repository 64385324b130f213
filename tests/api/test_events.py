"""Observing: arrays, lines, raw logs, rejects, durability, and nobody starved."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detector.api.limits import Limits
from tests.api.conftest import GRANT, House, issuance
from tests.api.test_score import StuckLog

LINES = {"Content-Type": "application/x-ndjson"}


def usage(number: int) -> dict[str, Any]:
    """A use of one of the mints."""
    return {"kind": "usage", "id": f"u{number}", "time": "2026-03-02T00:01:00Z", "credential": f"c{number}"}


def as_lines(*records: Any) -> bytes:
    """JSON Lines; a text is taken as it stands."""
    return b"".join(
        (record if isinstance(record, bytes) else json.dumps(record).encode()) + b"\n" for record in records
    )


def test_an_array_is_taken_in(house: House) -> None:
    """Each record is in the log before the answer."""
    answer = house.ask("POST", "/v1/events", json=[issuance(1), usage(1), issuance(2)])
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 3, "rejected": [], "rejected_total": 0}
    assert house.engine.position == house.log.head() == 4


def test_lines_are_taken_in_and_a_bad_one_costs_only_itself(house: House) -> None:
    """Line number and reason, naming the field; nothing else is lost."""
    body = as_lines(issuance(1), b"{nonsense", {**issuance(2), "requester": 7}, issuance(3))
    taken = house.ask("POST", "/v1/events", content=body, headers=LINES).json()
    assert taken["accepted"] == 2
    assert [rejection["line"] for rejection in taken["rejected"]] == [2, 3]
    assert "requester" in taken["rejected"][1]["reason"]
    assert taken["rejected_total"] == 2


def test_a_bad_member_of_an_array_is_named_by_its_place(house: House) -> None:
    """The first member is line 1."""
    taken = house.ask("POST", "/v1/events", json=[issuance(1), 7, {"kind": "nothing"}, issuance(2)]).json()
    assert taken["accepted"] == 2
    assert [rejection["line"] for rejection in taken["rejected"]] == [2, 3]


def test_grant_requests_among_events_are_judged_too(house: House) -> None:
    """A broker's log of what it asked elsewhere."""
    assert house.ask("POST", "/v1/events", json=[{**GRANT, "kind": "grant_request"}]).json()["accepted"] == 1
    assert house.metric("assayer_verdicts_total", kind="grant_request", verdict="allow", mode="enforce") == 1


@pytest.mark.parametrize("role", ["ingest", None])
def test_a_grant_request_under_anothers_id_is_a_duplicate(house: House, role: str | None) -> None:
    """A log has nobody to tell of it: the event counts once, by its id, and the others in the body are taken in."""
    house.secret("ingest")
    other = {**GRANT, "kind": "grant_request", "resource": "aws/creds/other"}
    answer = house.ask("POST", "/v1/events", role=role, json=[{**GRANT, "kind": "grant_request"}, other, issuance(1)])
    assert (answer.status_code, answer.json()["accepted"]) == (200, 3)
    assert house.metric("assayer_set_aside_total", why="duplicate") == 1


def test_sending_the_same_again_adds_nothing(house: House) -> None:
    """Delivery is at least once: duplicates are accepted, and count once."""
    house.ask("POST", "/v1/events", json=[issuance(1)])
    position = house.engine.position
    assert house.ask("POST", "/v1/events", json=[issuance(1)]).json()["accepted"] == 1
    assert house.engine.position == position
    assert house.metric("assayer_set_aside_total", why="duplicate") == 1


@pytest.mark.real_logs
@pytest.mark.parametrize("dialect", ["cloudtrail", "auto"])
def test_raw_logs_are_read_by_their_dialect(house: House, real_logs: Path, dialect: str) -> None:
    """CloudTrail as it was delivered, by name or by content."""
    lines = (real_logs / "cloudtrail" / "lookup-events-20h.jsonl").read_bytes().splitlines(keepends=True)[:200]
    answer = house.ask("POST", f"/v1/events?dialect={dialect}", content=b"".join(lines), headers=LINES)
    assert answer.status_code == 200
    assert answer.json()["accepted"] > 0
    assert house.metric("assayer_events_accepted_total", dialect="cloudtrail") == answer.json()["accepted"]


def test_a_dialect_that_does_not_exist_is_named(house: House) -> None:
    """422, with the field and what there is."""
    answer = house.ask("POST", "/v1/events?dialect=syslog", json=[])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "dialect"
    assert "cloudtrail" in answer.json()["detail"]


def test_a_packed_body_is_read_and_a_bomb_is_not(make_house: Callable[..., House]) -> None:
    """Packing is welcome; the limit holds for what comes out of it."""
    house = make_house(limits=Limits(events_bytes=100_000))
    packed = {**LINES, "Content-Encoding": "gzip"}
    honest = gzip.compress(as_lines(issuance(1)))
    assert house.ask("POST", "/v1/events", content=honest, headers=packed).json()["accepted"] == 1
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    assert house.ask("POST", "/v1/events", content=bomb, headers=packed).status_code == 413


def test_rejects_are_counted_in_full_and_listed_in_part(make_house: Callable[..., House]) -> None:
    """A million bad lines do not make a million-line answer."""
    house = make_house(limits=Limits(rejected_listed=10))
    taken = house.ask("POST", "/v1/events", content=as_lines(*[b"{"] * 500), headers=LINES).json()
    assert (len(taken["rejected"]), taken["rejected_total"]) == (10, 500)
    counted = [
        house.metric("assayer_decoder_errors_total", dialect=of, reason="not_json") for of in ("native", "unknown")
    ]
    assert sum(counted) == 500


def test_events_are_not_answered_before_they_are_durable(make_house: Callable[..., House]) -> None:
    """A disk that does not answer gives a 503 that says what to do; the same again, once it is back, counts once."""
    log = StuckLog()
    house = make_house(log=log, limits=Limits(bulk_deadline_seconds=0.05))
    log.is_stuck = True
    answer = house.ask("POST", "/v1/events", json=[issuance(1)])
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "again is safe" in answer.json()["detail"]
    log.let_go()
    assert house.ask("POST", "/v1/events", json=[issuance(1)]).json()["accepted"] == 1


def test_a_large_body_does_not_starve_a_score(house: House) -> None:
    """Ten thousand events come in while a score is answered among them."""
    body = as_lines(*[issuance(number) for number in range(10_000)])

    async def both() -> tuple[float, float]:
        started = time.perf_counter()
        bulk = asyncio.ensure_future(house.asking("POST", "/v1/events", content=body, headers=LINES))
        await asyncio.sleep(0.05)
        asked = time.perf_counter()
        single = await house.asking("POST", "/v1/score", json=GRANT)
        single_took = time.perf_counter() - asked
        assert single.status_code == 200
        assert not bulk.done()
        assert (await bulk).json()["accepted"] == 10_000
        return single_took, time.perf_counter() - started

    single_took, bulk_took = house.run(both())
    assert single_took < bulk_took / 4


@pytest.mark.parametrize("body", [b"", b"null", b"7", b'"text"', b"{}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000])
@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("dialect", ["native", "cloudtrail", "vault", "kubernetes", "auto"])
def test_whatever_is_sent_is_no_error_of_ours(house: House, body: bytes, media: str, dialect: str) -> None:
    """A 200 with rejects or a 4xx, for any body in any dialect."""
    answer = house.ask("POST", f"/v1/events?dialect={dialect}", content=body, headers={"Content-Type": media})
    assert answer.status_code < 500
    if answer.status_code == 200:
        assert answer.json()["accepted"] == 0
