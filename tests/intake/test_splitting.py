"""Streams cut into records: lines, documents, containers, and what is broken among them."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from detector.intake import splitting
from detector.intake.pieces import LONGEST_RECORD, Piece
from detector.intake.splitting import Splitter

RECORDS = [
    {"n": 0, "t": 'a "quoted" {brace} [and] \\ back\\"slash'},
    {"n": 1, "deep": [{"a": [1, {"b": "é\u2028"}]}]},
    {"n": 2},
]


def pieces(data: bytes, size: int = 1 << 18) -> list[Piece]:
    """All pieces of data that comes in chunks of a size."""
    splitter = Splitter()
    found = [piece for at in range(0, len(data), size) for piece in splitter.feed(data[at : at + size])]
    return found + list(splitter.finish())


def bodies(data: bytes, size: int = 1 << 18) -> list[Any]:
    """What the pieces hold, containers opened where a piece is a list or has `Records`."""
    found: list[Any] = []
    for piece in pieces(data, size):
        assert piece.reason is None, piece
        document = json.loads(piece.body)
        document = document.get("Records", document) if isinstance(document, dict) else document
        found.extend(document if isinstance(document, list) else [document])
    return found


FORMS: dict[str, Callable[[list[Any]], str]] = {
    "lines": lambda records: "\n".join(map(json.dumps, records)),
    "lines with an end": lambda records: "".join(json.dumps(record) + "\n" for record in records),
    "lines of Windows": lambda records: "\r\n".join(map(json.dumps, records)),
    "blank lines": lambda records: "\n\n  \n".join(map(json.dumps, records)),
    "a byte order mark": lambda records: "\ufeff" + "\n".join(map(json.dumps, records)),
    "pretty": lambda records: "\n".join(json.dumps(record, indent=2) for record in records),
    "pretty, not to ASCII": lambda records: "\n".join(json.dumps(r, indent=2, ensure_ascii=False) for r in records),
    "one behind the other": lambda records: "".join(map(json.dumps, records)),
    "an array": json.dumps,
    "a pretty array": lambda records: json.dumps(records, indent=4),
    "an array of lines": lambda records: "[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n",
    "a container": lambda records: json.dumps({"Records": records}),
    "a pretty container": lambda records: json.dumps({"Records": records}, indent=2),
    "a container with more": lambda records: json.dumps({"NextToken": "x", "Records": records, "After": {"a": [1]}}),
}


@pytest.mark.parametrize("size", [1 << 18, 64, 7, 1])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_records(form: str, size: int) -> None:
    """However the records are written, and in whatever chunks they come, they are the same."""
    assert bodies(FORMS[form](RECORDS).encode(), size) == RECORDS


@pytest.mark.parametrize("form", ["a container", "a pretty container", "a container with more", "an array"])
def test_a_container_too_large_to_be_a_line(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read record by record, while it comes."""
    monkeypatch.setattr(splitting, "LONGEST_FIRST_LINE", 1_000)
    records = [{"n": n, "text": "x" * 50} for n in range(300)]
    splitter = Splitter()
    data = FORMS[form](records).encode()
    early = [piece for at in range(0, len(data) // 2, 500) for piece in splitter.feed(data[at : at + 500])]
    assert len(early) > 100
    assert bodies(data, 500) == records
    assert [piece.member for piece in pieces(data, 500)] == list(range(1, 301))


@pytest.mark.parametrize(
    "broken",
    [
        b'{"n": 1, "t": "never ends',
        b'{"n": 1,,}',
        b"plain text",
        b"5",
        b'{"n": \xff}',
        b"{",
        b'{"n": [1, 2}',
        b"}",
        b'{"n": 1,',
    ],
)
def test_a_broken_line_costs_only_itself(broken: bytes) -> None:
    """Wherever it stands, first, last or between, the records around it are read."""
    good = [json.dumps({"n": n}).encode() for n in range(6)]
    for at in range(7):
        lines = [*good[:at], broken, *good[at:]]
        read = []
        for piece in pieces(b"\n".join(lines) + b"\n"):
            try:
                read.append(json.loads(piece.body)["n"])
            except (ValueError, TypeError):
                assert piece.line == at + 1
        assert read == list(range(6)), at


@pytest.mark.parametrize("change", ["lost brace", "lost quote", "extra brace", "cut", "not UTF-8", "control character"])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_broken_document_costs_only_itself(change: str, at: int) -> None:
    """Among pretty-printed ones, too: the next is found where a line begins as this one did."""
    texts = [json.dumps({"n": n, "inner": {"a": "b", "c": [1, 2]}}, indent=2) for n in range(5)]
    broken = {
        "lost brace": lambda text: text.replace("}", "", 1),
        "lost quote": lambda text: text.replace('"b"', '"b', 1),
        "extra brace": lambda text: text.replace("[", "[{", 1),
        "cut": lambda text: text[: len(text) // 2],
        "not UTF-8": lambda text: text.replace('"b"', '"\udcff"', 1),
        "control character": lambda text: text.replace('"b"', '"\n"', 1),
    }[change](texts[at])
    data = "\n".join([*texts[:at], broken, *texts[at + 1 :]]).encode(errors="surrogateescape")
    found = pieces(data)
    assert [json.loads(piece.body)["n"] for piece in found if piece.reason is None] == [n for n in range(5) if n != at]
    first = next(piece for piece in found if piece.reason is not None)
    assert first.line == sum(text.count("\n") + 1 for text in texts[:at]) + 1


def test_a_container_that_ends_in_the_middle() -> None:
    """Its whole records are read, and the rest is said to be missing."""
    data = json.dumps({"Records": [{"n": n} for n in range(5)]}).encode()[:-6]
    found = pieces(data)
    assert [json.loads(piece.body)["n"] for piece in found if piece.reason is None] == [0, 1, 2, 3]
    assert [piece.reason for piece in found if piece.reason] == [
        "ends in the middle",
        "ends before its array or container does",
    ]


def test_a_line_without_an_end_is_skipped_in_flat_memory() -> None:
    """A line longer than a record can be is one rejection, and the next line is read."""

    def chunks() -> Iterator[bytes]:
        yield b'{"n": 0}\n{"n": "'
        yield from (b"x" * (1 << 20) for _ in range(3 * (LONGEST_RECORD >> 20)))
        yield b'"}\n{"n": 1}\n'

    splitter = Splitter()
    tracemalloc.start()
    found = [piece for chunk in chunks() for piece in splitter.feed(chunk)] + list(splitter.finish())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(piece.line, piece.reason) for piece in found] == [(1, None), (2, "is longer than 16 MiB"), (3, None)]
    assert peak < 4 * LONGEST_RECORD


def test_a_line_may_come_in_pieces() -> None:
    """A last line without its end is waited for, and counts when nothing more will come."""
    splitter = Splitter()
    assert list(splitter.feed(b'{"n": 0}\n{"n"')) == [Piece(1, b'{"n": 0}')]
    assert list(splitter.feed(b": 1}")) == []
    assert list(splitter.finish()) == [Piece(2, b'{"n": 1}')]


def test_nesting_without_end_is_no_recursion() -> None:
    """Brackets by the hundred thousand are rejected, not followed."""
    for deep in (b"[" * 100_000, b'{"a":' * 100_000):
        assert any(piece.reason for piece in pieces(deep))
        assert pieces(deep + b'\n{"n": 1}\n')[-1].body == b'{"n": 1}'


def test_random_damage_never_raises() -> None:
    """Five hundred streams of every form with bytes changed, dropped and doubled, in chunks of odd sizes."""
    dice = random.Random(7)
    for _ in range(500):
        data = bytearray(FORMS[dice.choice(list(FORMS))](RECORDS * 3).encode())
        for _ in range(dice.randint(1, 8)):
            at = dice.randrange(len(data))
            data[at : at + dice.randint(0, 3)] = bytes(dice.choices(b'{}[]",:\\\n \xff\x00a1', k=dice.randint(0, 3)))
        for piece in pieces(bytes(data), dice.choice([1, 13, 1 << 18])):
            assert piece.line >= 1


NASTY = {
    "unclosed": b'{"a" 1{\n',
    "unclosed and indented": b'  {"a" 1{\n',
    "one behind the other": b'{"a" 1} ',
    "quotes without end": b'{"a" "\\"\n',
    "open braces": b"{\n",
    "containers": b'{"Records":[\n',
    "escaped quotes": b'\\"',
}


@pytest.mark.parametrize("name", NASTY)
def test_nothing_but_broken_records_takes_no_longer_each(name: str) -> None:
    """Eight times as many take no more than some eight times as long: a stranger's body must not hold the server."""
    taken = []
    for count in (2_000, 16_000):
        began = time.process_time()
        found = pieces(b'[\n{"a" 1 ' + NASTY[name] * count)
        taken.append(time.process_time() - began)
        assert any(piece.reason for piece in found)
    assert taken[1] < 24 * taken[0] + 0.5


@pytest.mark.parametrize("size", [1 << 18, 1_000])
def test_none_of_many_broken_records_hides_the_next(size: int) -> None:
    """Over any number of stretches each broken record is one rejection, and the good one at the end is read."""
    count = 20_000
    found = pieces(b"[\n" + b'  {"a" 1{\n' * count + b'  {"n": 1}\n]', size)
    assert [piece.line for piece in found if piece.reason] == list(range(2, count + 2))
    assert found[-1].body == b'{"n": 1}'
