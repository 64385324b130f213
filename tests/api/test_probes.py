"""Probes, limits at the door, problems, request ids and what is logged."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from detector.api.limits import Limits
from detector.wiring.logs import configure
from detector.wiring.settings import LogSettings
from tests.api.conftest import ELSEWHERE, GRANT, House, issuance


def test_alive_and_ready(house: House) -> None:
    """Nothing is wrong: both say so."""
    assert house.ask("GET", "/healthz").json() == {"status": "alive"}
    assert house.ask("GET", "/readyz").json() == {"ready": True, "reasons": [], "position": house.engine.position}


def test_the_metrics_are_prometheus_text(house: House) -> None:
    """With the gauges as of this scrape."""
    house.score()
    scraped = house.ask("GET", "/metrics")
    assert scraped.headers["Content-Type"].startswith("text/plain")
    assert f"assayer_log_position {float(house.engine.position)}" in scraped.text
    assert "assayer_ready 1.0" in scraped.text
    assert 'assayer_http_requests_total{method="POST",route="/v1/score",status="200"} 1.0' in scraped.text


def test_ten_thousand_requesters_are_no_series(house: House) -> None:
    """Neither requesters, resources, addresses, issuers nor paths grow the metrics."""

    def one(number: int) -> None:
        grant = {
            **GRANT,
            "id": f"n{number}",
            "requester": f"app/{number}",
            "resource": f"res/{number}",
            "issuer": f"issuer/{number % 500}",
            "source": {"ip": f"10.{number % 250}.{number // 250 % 250}.1"},
        }
        house.ask("POST", "/v1/events", json=[{**grant, "kind": "issuance", "credential": f"c{number}"}])

    def names() -> set[str]:
        return {line.rpartition(" ")[0] for line in house.ask("GET", "/metrics").text.splitlines() if line[0] != "#"}

    for number in range(20):
        one(number)
    house.ask("GET", "/v1/requesters/app/1", role="analyst")
    house.ask("GET", "/nowhere/1")
    house.ask("GET", "/metrics")
    before = names()
    house.ask(
        "POST",
        "/v1/events",
        json=[
            {**issuance(number), "requester": f"app/{number}", "resource": f"res/{number}", "issuer": f"is/{number}"}
            for number in range(100, 10_100)
        ],
    )
    for number in range(50):
        house.ask("GET", f"/v1/requesters/app/{number}", role="analyst")
        house.ask("GET", f"/nowhere/{number}")
        house.ask(f"BREW{number}", "/v1/score")
    new = names() - before
    assert not [name for name in new if re.search(r"app/|res/|\bis/|10\.\d+\.\d|nowhere/\d|BREW", name)]
    assert len(new) < 30, new


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1", "/v1/score/", "/v1/requesters/", "/docs/x", "/v1/deny-rules/a/b/c"]
)
def test_no_such_route_is_a_problem(house: House, path: str) -> None:
    """404 as problem details, for a caller that got in."""
    answer = house.ask("GET", path, role="analyst")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("GET", "/v1/score", "POST"), ("DELETE", "/v1/deny-rules", "GET, POST"), ("POST", "/healthz", "GET")],
)
def test_a_wrong_method_names_the_right_ones(house: House, method: str, path: str, allow: str) -> None:
    """405 with every method that the path takes."""
    answer = house.ask(method, path, role="operator")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allow
    assert answer.json()["status"] == 405


def test_a_request_id_comes_back_if_it_is_sane(house: House) -> None:
    """A sane id is echoed, on errors too; anything else gets one of ours, and no two are alike."""
    sane = house.ask("GET", "/nowhere", headers={"X-Request-ID": "trace-1:a.b_c"})
    assert sane.headers["X-Request-ID"] == "trace-1:a.b_c"
    ours = [
        house.ask("GET", "/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        for given in ("", "a b", "x" * 129, "a\tb", "<script>")
    ]
    assert len(set(ours)) == len(ours)
    assert all(re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", one) for one in ours)


def test_a_caller_past_its_rate_is_told_when_to_come_back(make_house: Callable[..., House]) -> None:
    """429 with Retry-After; another caller is not in it."""
    house = make_house(limits=Limits(requests_per_second=3))
    statuses = [house.ask("GET", "/openapi.json").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    late = house.ask("GET", "/openapi.json")
    assert int(late.headers["Retry-After"]) >= 1
    assert house.ask("GET", "/openapi.json", role="broker").status_code == 200
    assert house.ask("GET", "/healthz").status_code == 200
    assert house.metric("assayer_limited_requests_total", limit="rate") == 3


def test_too_many_at_once_are_turned_away_at_the_door(make_house: Callable[..., House]) -> None:
    """503 with Retry-After for the one too many; those inside are answered."""
    gate = asyncio.Event()

    async def slow(_request: Request) -> Response:
        await gate.wait()
        return Response("done")

    house = make_house(limits=Limits(concurrent_requests=2), extra_routes=[Route("/slow", slow)])

    async def crowd() -> tuple[list[int], Any]:
        inside = [asyncio.ensure_future(house.asking("GET", "/slow")) for _ in range(2)]
        await asyncio.sleep(0.05)
        one_too_many = await house.asking("POST", "/v1/score", json=GRANT)
        assert (await house.asking("GET", "/healthz")).status_code == 200
        gate.set()
        return [answer.status_code for answer in await asyncio.gather(*inside)], one_too_many

    statuses, turned_away = house.run(crowd())
    assert statuses == [200, 200]
    assert turned_away.status_code == 503
    assert turned_away.headers["Retry-After"]
    assert house.ask("GET", "/healthz").status_code == 200


def test_a_body_past_the_limit_is_refused(make_house: Callable[..., House]) -> None:
    """413, whether the length was declared or not."""
    house = make_house(limits=Limits(request_bytes=1_024))
    large = {**GRANT, "purpose": "x" * 2_000}
    assert house.score(large).status_code == 413
    headers = {"Content-Type": "application/json"}

    async def pieces() -> Any:
        async def body() -> Any:
            for _ in range(20):
                yield b"x" * 100

        return await house.asking("POST", "/v1/score", content=body(), headers=headers)

    assert house.run(pieces()).status_code == 413


def test_a_body_that_does_not_arrive_costs_its_sender_the_place(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """408 after a while: half a request must not keep a place for ever."""
    monkeypatch.setattr("detector.api.bodies.BODY_SECONDS", 0.05)

    async def dribble() -> Any:
        async def body() -> Any:
            yield b'{"issuer":'
            await asyncio.sleep(5)

        return await house.asking("POST", "/v1/score", content=body(), headers={"Content-Type": "application/json"})

    answer = house.run(dribble())
    assert answer.status_code == 408
    assert answer.json()["status"] == 408
    assert house.score().status_code == 200


def test_damaged_tokens_are_a_reason_not_to_be_ready(house: House) -> None:
    """Readiness says what is wrong with the token file."""
    assert house.ask("GET", "/v1/deny-rules", role="analyst").status_code == 200
    house.tokens._path.write_text("[")
    house.tokens._looked = float("-inf")
    ready = house.ask("GET", "/readyz")
    assert ready.status_code == 503
    assert "tokens" in ready.json()["reasons"][0]
    assert house.ask("GET", "/v1/deny-rules", role="analyst").status_code == 200


def test_an_error_of_ours_is_a_problem_and_counted(make_house: Callable[..., House]) -> None:
    """500 as problem details: no traceback, no type, no path of ours. The log has the traceback."""

    async def broken(_request: Request) -> Response:
        raise RuntimeError("the secret inner state")

    written = io.StringIO()
    logger = configure(LogSettings(level="info", format="json"), stream=written)
    house = make_house(extra_routes=[Route("/broken", broken)], logger=logger)
    answer = house.ask("GET", "/broken", headers={"X-Request-ID": "find-me"})
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "secret inner state" not in answer.text
    assert "Traceback" not in answer.text
    assert house.metric("assayer_failures_total") == 1
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    failed = [line for line in lines if line["event"] == "failed"]
    assert failed[0]["request_id"] == "find-me"
    assert "secret inner state" in json.dumps(failed[0])


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_token_ever_reaches_the_log(make_house: Callable[..., House], style: Literal["json", "text"]) -> None:
    """Right, wrong, revoked, in a query, in a failing request: the log names the caller and never the token."""

    async def broken(request: Request) -> Response:
        token = request.headers["authorization"]
        raise RuntimeError(f"cannot use {token}")

    written = io.StringIO()
    logger = configure(LogSettings(level="debug", format=style), stream=written)
    house = make_house(extra_routes=[Route("/broken", broken)], logger=logger)
    right = house.secret("analyst")
    wrong = "asy_000000000000_" + "w" * 43
    for secret in (right, wrong):
        headers = {"Authorization": f"Bearer {secret}"}
        house.ask("GET", "/v1/deny-rules", headers=headers)
        house.ask("GET", "/broken", headers=headers)
        house.ask("GET", f"/nowhere?access_token={secret}", headers=headers, address=ELSEWHERE)
        house.ask("GET", f"/{secret}", headers={"X-Request-ID": "x"})
    log = written.getvalue()
    assert re.search(r'"caller": "analyst"|caller=analyst', log)
    assert right.rpartition("_")[2] not in log
    assert right.split("_", 2)[2] not in log
    assert "w" * 43 not in log


def test_successes_of_the_busy_routes_are_not_logged_line_by_line(make_house: Callable[..., House]) -> None:
    """The decision log has them; an analyst's look and every refusal are logged, with who and how long."""
    written = io.StringIO()
    house = make_house(logger=configure(LogSettings(level="info", format="json"), stream=written))
    house.score()
    house.ask("GET", "/healthz")
    assert not [line for line in written.getvalue().splitlines() if "answered" in line]
    house.score({})
    house.ask("GET", "/v1/deny-rules", role="analyst")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    seen = [(line["route"], line["status"], line["caller"]) for line in lines if line["event"] == "answered"]
    assert seen == [("/v1/score", 422, "local"), ("/v1/deny-rules", 200, "analyst")]


def test_the_documentation_needs_no_internet(house: House) -> None:
    """One page, without a script or a link to another host, that names every route."""
    page = house.ask("GET", "/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert not re.findall(r"<script|https?://(?!schemas)", page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for path in house.ask("GET", "/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page.text
