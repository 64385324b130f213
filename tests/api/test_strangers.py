"""Strangers: once brokers and shippers have tokens, whoever has none is answered from what they leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from detector.api import bodies
from detector.api.limits import STRANGER_BYTES, STRANGERS
from detector.api.service import TURN_SECONDS
from tests.api.conftest import GRANT, House

LINES = {"content-type": "application/x-ndjson"}
GARBAGE = b"{\n" * (STRANGER_BYTES // 2)
"""What takes longest to find unreadable."""


@pytest.fixture
def lived_in(house: House) -> House:
    """A house whose brokers and shippers have tokens."""
    house.secret("broker")
    house.secret("ingest")
    return house


def never_ending(_number: int) -> Any:
    """A body of which only the beginning comes."""

    async def body() -> Any:
        yield b"{"
        await asyncio.sleep(3_600)

    return body()


@contextmanager
def patience(seconds: float, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bodies are waited for so long."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", seconds)
    yield


def test_strangers_who_hold_on_to_their_places_keep_nobody_out(
    lived_in: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of so many bodies that never end the last ones are turned away at once, and a broker is answered meanwhile."""

    async def story() -> tuple[list[int], int]:
        json = {"content-type": "application/json"}
        held = [
            asyncio.create_task(lived_in.asking("POST", "/v1/score", content=never_ending(n), headers=json))
            for n in range(STRANGERS + 5)
        ]
        await asyncio.sleep(0.3)
        broker = await lived_in.asking("POST", "/v1/score", role="broker", json=GRANT)
        return [answer.status_code for answer in await asyncio.gather(*held)], broker.status_code

    with patience(1.0, monkeypatch):
        statuses, broker = lived_in.run(story())
    assert broker == 200
    assert (statuses.count(408), statuses.count(503)) == (STRANGERS, 5)
    assert lived_in.metric("assayer_limited_requests_total", limit="concurrency") == 5
    assert lived_in.score().status_code == 200, "and their places are free again"


@pytest.mark.parametrize("path", ["/v1/score", "/v1/score/batch", "/v1/events"])
def test_a_strangers_body_is_small(lived_in: House, path: str) -> None:
    """What a shipper may send in one body a stranger may not, on any route."""
    body = b'[{"id":"' + b"x" * STRANGER_BYTES + b'"}]'
    headers = {"content-type": "application/json"}
    assert lived_in.ask("POST", path, content=body, headers=headers).status_code == 413
    role = "ingest" if path == "/v1/events" else "broker"
    assert lived_in.ask("POST", path, role=role, content=body, headers=headers).status_code in {200, 422}


def test_before_there_are_tokens_nobody_is_a_stranger(house: House) -> None:
    """A fresh installation takes what its machine sends it."""
    body = b"x\n" * STRANGER_BYTES
    answer = house.ask("POST", "/v1/events", content=body, headers=LINES)
    assert (answer.status_code, answer.json()["rejected_total"]) == (200, STRANGER_BYTES)


def test_garbage_by_the_dozen_holds_up_no_broker(lived_in: House) -> None:
    """Bodies of nothing but broken records are read with stops for breath, those of strangers one after the other."""

    async def story() -> tuple[float, int]:
        flood = [
            asyncio.create_task(lived_in.asking("POST", "/v1/events", content=GARBAGE, headers=LINES))
            for _ in range(12)
        ]
        worst, asked = 0.0, 0
        while not all(task.done() for task in flood) and asked < 300:
            began = time.perf_counter()
            await asyncio.sleep(0)
            worst, asked = max(worst, time.perf_counter() - began), asked + 1
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        return worst, asked

    worst, asked = lived_in.run(story())
    assert asked == 300, "a turn for others between any two"
    assert worst < 30 * TURN_SECONDS


def test_large_bodies_wait_for_each_other(make_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """Four are taken in at once, small ones beside them; the others when those are done."""
    house = make_house()
    seen: list[int] = []
    inside = 0

    async def body(number: int) -> Any:
        nonlocal inside
        inside += 1
        seen.append(inside)
        yield b"x\n"
        await asyncio.sleep(0.05)
        inside -= 1

    async def story() -> list[int]:
        large = [
            asyncio.create_task(house.asking("POST", "/v1/events", content=body(number), headers=LINES))
            for number in range(10)
        ]
        small = await house.asking("POST", "/v1/events", content=b"x\n", headers=LINES)
        return [small.status_code, *[answer.status_code for answer in await asyncio.gather(*large)]]

    assert house.run(story()) == [200] * 11
    assert max(seen) == 4
