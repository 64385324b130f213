"""Bodies of requests into events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from detector.intake import Rejected, decode_body

Line = Callable[..., bytes]


def read(body: bytes, rejections: list[Rejected], dialect: str = "native") -> list[str]:
    """The ids of the events in a body."""
    found = list(decode_body(body, dialect=dialect, on_rejected=rejections.append))
    return [one[1].id for one in found if one is not None]


def test_lines_and_arrays_say_the_same(usage: Line, rejections: list[Rejected]) -> None:
    """JSON Lines and a JSON array of the same events are the same; what is broken is named by line or by place."""
    records = [usage("a"), usage("b", outcome=5), usage("c")]
    assert read(b"\n".join(records), rejections) == ["a", "c"]
    assert read(b"[" + b",".join(records) + b"]", rejections) == ["a", "c"]
    assert read(json.dumps([json.loads(record) for record in records], indent=2).encode(), rejections) == ["a", "c"]
    assert [(found.line, found.reason) for found in rejections] == [(2, "outcome: must be a text, not a number")] * 3


def test_an_array_that_ends_in_the_middle(usage: Line, rejections: list[Rejected]) -> None:
    """What is whole in it is accepted; the rest is said to be missing."""
    assert read(b"[" + usage("a") + b"," + usage("b")[:-3], rejections) == ["a"]
    assert [found.reason for found in rejections] == ["ends in the middle", "ends before its array or container does"]
    assert rejections[0].line == 2


def test_raw_logs(call: Callable[[str], Any], rejections: list[Rejected]) -> None:
    """A file of CloudTrail as it lies in its bucket is a body, too."""
    body = json.dumps({"Records": [call("a"), call("b")]}).encode()
    assert read(body, rejections, dialect="cloudtrail") == ["a", "b"]
    assert read(body, rejections, dialect="auto") == ["a", "b"]


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"null", b"5", b'"text"', b"\xff\xfe", b"{", b"[[[[[[]]]]]]", b"[]", b"[{}]"]
)
def test_nonsense_is_rejected_never_raised(body: bytes, rejections: list[Rejected]) -> None:
    """Whatever the bytes, the answer is a list of what could not be read."""
    assert read(body, rejections) == []
    assert all(found.line >= 1 for found in rejections)
    assert bool(rejections) == (body.strip() not in {b"", b"[]"})


def test_whoever_reads_can_rest_behind_every_record(usage: Line, rejections: list[Rejected]) -> None:
    """What is rejected comes as a None in its place, so that a body full of it is not one long breath."""
    body = b"\n".join([b"x", usage("a"), b"5", b"x"])
    found = list(decode_body(body, dialect="native", on_rejected=rejections.append))
    assert [one is None for one in found] == [True, False, True, True]
    assert [one.line for one in rejections] == [1, 3, 4]
