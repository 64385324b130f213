"""Events in time order, however many."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from detector.events import Event, GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.intake import order
from detector.intake.order import in_time_order


def grant(name: str, at: float, **more: Any) -> GrantRequest:
    """A grant request."""
    return GrantRequest(id=name, time=at, issuer="i", requester="r", resource="x", **more)


def usage(name: str, at: float) -> Usage:
    """A usage."""
    return Usage(id=name, time=at, credential="c", source=Source(ip="10.0.0.1"), unknown={"a": [1, {"b": 2.5}]})


def shuffled(count: int, seed: int) -> list[Event]:
    """Events of all kinds with many ties of time."""
    dice = random.Random(seed)
    made: list[Event] = []
    for number in range(count):
        at = dice.randrange(50) / 7
        asked = grant(f"g{number}", at, actions=("a",), attributes={"k": [number]})
        kinds: list[Event] = [
            asked,
            Issuance(grant=asked, credential="c", expires_at=at + 0.1),
            usage(f"u{number}", at),
            Lifecycle(id=f"l{number}", time=at, change="revoked", subject="c"),
        ]
        made.append(dice.choice(kinds))
    return made


@pytest.mark.parametrize("chunk", [1, 2, 7, 100, 299, 300, 301, 10_000])
def test_the_order_is_exact_whatever_fits_in_memory(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By time, then kind, then arrival; and every event comes back from the disk as it went."""
    monkeypatch.setattr(order, "FAN_IN", 5)
    events = shuffled(300, seed=chunk)
    kinds = [GrantRequest, Issuance, Usage, Lifecycle]
    expected = sorted(events, key=lambda event: (event.time, kinds.index(type(event))))
    found = list(in_time_order(events, chunk=chunk))
    assert found == expected


def test_of_one_moment_the_request_comes_first_and_its_end_last() -> None:
    """Logs that tell whole seconds would have a key used before it was minted, or after it was ended."""
    asked = grant("g", 1.0)
    minted = Issuance(grant=asked)
    ended = Lifecycle(id="l", time=1.0, change="revoked", subject="c")
    used = usage("u", 1.0)
    assert list(in_time_order([ended, used, minted, asked])) == [asked, minted, used, ended]


def test_nothing_and_one() -> None:
    """No event gives none, one gives itself, and a full chunk needs no disk."""
    assert list(in_time_order([])) == []
    assert list(in_time_order([usage("u", 1.0)], chunk=1)) == [usage("u", 1.0)]


def test_memory_is_flat() -> None:
    """Thirty times the events in the same memory."""

    def peak(count: int) -> int:
        def events() -> Iterator[Event]:
            dice = random.Random(1)
            for number in range(count):
                yield usage(f"u{number}", dice.random())

        tracemalloc.start()
        assert sum(1 for _ in in_time_order(events(), chunk=200)) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(12_000) < 4 * peak(400) + (1 << 20) * 6
