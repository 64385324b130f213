"""A stream of bytes cut into records: lines where it has one JSON document a line, else documents wherever they end.

Lines are the fast path. What begins like pretty-printed JSON, an array, or a
container too large to be a line goes to `documents.Documents`, which needs no
more memory for a gigabyte of `{"Records":[…]}` than for its largest record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detector.intake.documents import Documents
from detector.intake.parsing import Unparsable, parse
from detector.intake.pieces import LONGEST_RECORD, Piece

LONGEST_FIRST_LINE: Final = 1 << 20
"""Bytes: a first line longer than this is a container, and is read record by record."""

_BOM: Final = b"\xef\xbb\xbf"
_ENDS: Final = (b"}", b"}\r")
_OPEN: Final = (b"{", b"[", b",", b":")


class Splitter:
    """Cuts a stream that is fed to it, chunk by chunk; `line` is the one it has come to."""

    def __init__(self) -> None:
        self._rest = b""
        self._number = 0
        self._begun = False
        self._skipping = False
        self._documents: Documents | None = None

    @property
    def line(self) -> int:
        """The line that the stream has come to, from 1."""
        return self._documents.line if self._documents else self._number + 1

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The records that are whole now."""
        if self._documents is None:
            chunk, self._rest = self._rest + chunk, b""
            if not self._begun:
                if _undecided(chunk):
                    self._rest = chunk
                    return
                chunk = self._begin(chunk)
        yield from self._documents.feed(chunk) if self._documents else self._lines(chunk)

    def finish(self) -> Iterator[Piece]:
        """What is left when nothing more will come."""
        chunk, self._rest = self._rest, b""
        if not self._begun:
            chunk = self._begin(chunk)
        if self._documents is None and chunk and not self._skipping:
            yield from self._lines(chunk + b"\n", final=True)
        elif self._documents is not None and chunk:
            yield from self._documents.feed(chunk)
        if self._documents is not None:
            yield from self._documents.finish()

    def _begin(self, data: bytes) -> bytes:
        """Decide between lines and documents; the data without its byte order mark."""
        data = data.removeprefix(_BOM)
        self._begun = True
        if _documents(data):
            self._documents = Documents(1, LONGEST_RECORD)
        return data

    def _lines(self, data: bytes, *, final: bool = False) -> Iterator[Piece]:
        lines = data.split(b"\n")
        self._rest = lines.pop()
        number = self._number
        for at, line in enumerate(lines):
            number += 1
            if self._skipping:
                self._skipping = False
            elif line.endswith(_ENDS):
                yield Piece(number, line)
            elif line and not line.isspace():
                if line.rstrip().endswith(_OPEN) and (at + 1 == len(lines) or not _whole(lines[at + 1])):
                    yield from self._opened(number, lines[at:], final=final)
                    return
                yield Piece(number, line)
        self._number = number
        if len(self._rest) > LONGEST_RECORD:
            if not self._skipping:
                yield Piece(number + 1, b"", f"is longer than {LONGEST_RECORD >> 20} MiB")
            self._skipping, self._rest = True, b""

    def _opened(self, number: int, lines: list[bytes], *, final: bool) -> Iterator[Piece]:
        """A line that opens what it does not close: wait for the next one, or read documents from here on."""
        self._number = number - 1
        rest, self._rest = b"\n".join((*lines, self._rest)), b""
        if len(lines) == 1 and not final and len(rest) <= LONGEST_RECORD:
            self._rest = rest
            return
        self._documents = Documents(number, LONGEST_RECORD)
        yield from self._documents.feed(rest)


def _first_two(data: bytes) -> tuple[bytes, bytes | None]:
    """The first two lines with something on them; the second is None while it has no end."""
    first, _, following = data.removeprefix(_BOM).lstrip().partition(b"\n")
    second, newline, _ = following.lstrip().partition(b"\n")
    return first.strip(), second if newline else None


def _undecided(data: bytes) -> bool:
    """Whether more must be seen before lines can be told from documents."""
    first, second = _first_two(data)
    if len(first) > LONGEST_FIRST_LINE or len(data) > 2 * LONGEST_FIRST_LINE or first in {b"{", b"["}:
        return False
    return b"\n" not in data.lstrip() or (second is None and not _whole(first))


def _documents(data: bytes) -> bool:
    """Whether a stream that begins so is one of documents, by its first two lines."""
    first, second = _first_two(data)
    if first[:1] not in {b"{", b"["} or _whole(first):
        return False
    return first in {b"{", b"["} or len(first) > LONGEST_FIRST_LINE or second is None or not _whole(second)


def _whole(line: bytes) -> bool:
    """Whether a line is a whole JSON document by itself."""
    if len(line) > LONGEST_FIRST_LINE or not line.strip():
        return False
    try:
        parse(line)
    except Unparsable:
        return False
    return True
