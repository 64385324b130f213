"""Limits: rates, sizes and gzip bombs."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.api.limits import CALLERS_REMEMBERED, Rate, declared_too_large, gunzip, read_body
from detector.api.problems import Problem


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def body_of(messages: Sequence[dict[str, Any]], limit: int) -> bytes:
    """What `read_body` makes of these ASGI messages."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    return asyncio.run(read_body(receive, limit))


def test_a_burst_passes_then_the_rate_holds() -> None:
    """A bucket of three at two a second: three at once, then one each half second."""
    clock = Hand()
    rate = Rate(per_second=2.0, burst=3.0, monotonic=clock)
    assert [rate.wait("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    clock.now = 0.5
    assert rate.wait("a") == 0.0
    assert rate.wait("a") == 0.5


def test_one_caller_does_not_spend_anothers() -> None:
    """Every caller has a bucket of its own."""
    rate = Rate(per_second=1.0, burst=1.0, monotonic=Hand())
    assert [rate.wait("a"), rate.wait("a"), rate.wait("b")] == [0.0, 1.0, 0.0]


def test_zero_does_not_limit() -> None:
    """An operator may switch the limit off."""
    rate = Rate(per_second=0.0, burst=0.0, monotonic=Hand())
    assert {rate.wait("a") for _ in range(1_000)} == {0.0}


def test_invented_callers_do_not_grow_memory() -> None:
    """Only so many callers are remembered; the longest silent is forgotten first."""
    rate = Rate(per_second=1.0, burst=1.0, monotonic=Hand())
    for number in range(2 * CALLERS_REMEMBERED):
        rate.wait(str(number))
    assert len(rate._buckets) == CALLERS_REMEMBERED


@given(st.binary(max_size=3_000), st.integers(1, 9))
def test_gzip_comes_back_whole(body: bytes, level: int) -> None:
    """What was packed is unpacked, whatever it was."""
    assert gunzip(gzip.compress(body, level), 10_000) == body


def test_concatenated_gzip_members_are_one_body() -> None:
    """As `cat a.gz b.gz` makes them."""
    assert gunzip(gzip.compress(b"one ") + gzip.compress(b"two"), 100) == b"one two"


def test_a_gzip_bomb_is_refused_before_it_fills_memory() -> None:
    """A hundred megabytes in a hundred kilobytes stop at the limit."""
    with pytest.raises(Problem) as refused:
        gunzip(gzip.compress(b"\0" * 100_000_000, 9), 1_000_000)
    assert refused.value.status == 413


@pytest.mark.parametrize("body", [b"plain", gzip.compress(b"x" * 1_000)[:-9], zlib.compress(b"zlib, not gzip")])
def test_what_is_no_gzip_is_named(body: bytes) -> None:
    """Plain, cut short, or another packing: a 400 that names the header."""
    with pytest.raises(Problem, match="Content-Encoding") as refused:
        gunzip(body, 10_000)
    assert refused.value.status == 400


def test_a_body_in_pieces_is_one_body() -> None:
    """However the network cut it."""
    pieces = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}]
    assert body_of(pieces, 2) == b"ab"


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "http.request", "body": b"abc"}],
        [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.request", "body": b"c"}],
        [{"type": "http.request", "body": b"abc", "more_body": True}],
    ],
)
def test_a_body_past_the_limit_is_not_read_to_its_end(messages: list[dict[str, Any]]) -> None:
    """In one piece, in two, or with more to come."""
    with pytest.raises(Problem) as refused:
        body_of(messages, 2)
    assert refused.value.status == 413


def test_a_client_that_hangs_up_is_no_error_of_ours() -> None:
    """Half a body and gone."""
    messages = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]
    with pytest.raises(Problem) as refused:
        body_of(messages, 2)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("length", "refused"), [(None, False), (b"10", False), (b"11", True), (b"-1", False), (b"x", False)]
)
def test_a_declared_length_is_believed_only_to_refuse(length: bytes | None, *, refused: bool) -> None:
    """A lie about a small length is found while reading."""
    assert (declared_too_large(length, 10) is not None) is refused
