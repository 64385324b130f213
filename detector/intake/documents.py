"""JSON documents one after another, over as many lines as they like, in arrays and containers or not.

What a broken record leaves behind is found by its shape: where its braces close,
or where the next line begins as its own did. Records after it are read.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Final

from detector.intake.containers import LISTS
from detector.intake.pieces import Piece

NESTING: Final = 4
"""Arrays and containers inside each other that are stepped into; what is deeper is a record's own."""

_BETWEEN: Final = re.compile(r"[\s,]*")
_LINE: Final = re.compile(r"[^\n]*")
_VALUE: Final = r'(?:"[^"\\]{0,1000}"|[0-9.]{1,20}|true|false|null|\{[^{}]{0,10000}\})'
_CONTAINER: Final = re.compile(
    rf'\{{\s*(?:"[^"\\]{{0,100}}"\s*:\s*{_VALUE}\s*,\s*){{0,20}}"(?:{"|".join(LISTS)})"\s*:\s*\['
)
_KEY: Final = re.compile(r'"[^"\\\n]*"\s*:\s*')
_TOKENS: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]]')
_DECODER: Final = json.JSONDecoder()
_NEAR_THE_END: Final = 16  # characters in which an escape or a literal may have been cut
_KEPT_BEHIND: Final = 1 << 20  # characters already read that may lie in memory before they are dropped


class _Cut(Exception):
    """The text ends in the middle of a value."""


class _Broken(Exception):
    """The value is no JSON."""


class Documents:
    """Cuts a stream of documents that is fed to it; `line` is the line it has come to."""

    def __init__(self, line: int, longest: int) -> None:
        self.line = line
        self._longest = longest
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._at = 0
        self._needed = 0
        self._inside: list[str] = []
        self._members: list[int] = []

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The records that are whole now."""
        self._take(self._decoder.decode(chunk))
        if len(self._text) - self._at >= self._needed:
            yield from self._records(final=False)

    def finish(self) -> Iterator[Piece]:
        """What is left when nothing more will come."""
        self._take(self._decoder.decode(b"", final=True))
        yield from self._records(final=True)
        if self._inside:
            yield Piece(self.line, b"", "ends before its array or container does")
            self._inside.clear()

    def _take(self, text: str) -> None:
        if self._at > _KEPT_BEHIND:
            self._text, self._at = self._text[self._at :], 0
        self._text += text

    def _records(self, *, final: bool) -> Iterator[Piece]:
        """Walk on as far as the text goes, one record or bracket a step."""
        self._needed = 0
        while True:
            self._move(_BETWEEN.match(self._text, self._at).end())  # type: ignore[union-attr]  # matches nothing, too
            if self._at >= len(self._text):
                return
            try:
                yield from self._step(self._text[self._at])
            except _Cut:
                left = len(self._text) - self._at
                if not final and left <= self._longest:
                    self._needed = 2 * left  # reading a value again only when it has doubled costs no more than once
                    return
                reason = "ends in the middle" if final else f"is longer than {self._longest >> 20} MiB"
                yield self._rejection(reason)
                self._recover()
            except _Broken as error:
                yield self._rejection(f"is not JSON: {error}")
                self._recover()

    def _step(self, first: str) -> Iterator[Piece]:
        if self._inside and first == self._inside[-1]:
            self._inside.pop()
            self._members.pop()
            self._move(self._at + 1)
        elif self._inside and self._inside[-1] == "}":
            self._skip_field()
        elif first == "[" and len(self._inside) < NESTING:
            self._enter(self._at + 1, "]")
        elif first == "{":
            yield from self._object()
        else:
            end = min(_LINE.match(self._text, self._at).end(), len(self._text))  # type: ignore[union-attr]
            yield self._rejection("is no JSON object")
            self._move(end)

    def _object(self) -> Iterator[Piece]:
        """A record; or a container that is too large to be read at once, which is stepped into."""
        try:
            end = self._end(self._at)
        except _Cut:
            container = _CONTAINER.match(self._text, self._at)
            if container is None or len(self._inside) >= NESTING:
                raise
            self._enter(container.end(), "}", "]")
            return
        yield self._piece(self._text[self._at : end])
        self._move(end)

    def _skip_field(self) -> None:
        """A container's other fields, after its list."""
        key = _KEY.match(self._text, self._at)
        if key is None:
            if len(self._text) - self._at < _NEAR_THE_END:
                raise _Cut
            raise _Broken("a container goes on with what is no field")
        self._move(self._end(key.end()))

    def _enter(self, at: int, *closers: str) -> None:
        self._inside.extend(closers)
        self._members.extend(0 for _ in closers)
        self._move(at)

    def _end(self, at: int) -> int:
        """Where the value that begins at `at` ends. Raises `_Cut` or `_Broken`."""
        try:
            _, end = _DECODER.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _NEAR_THE_END:
                raise _Cut from None
            raise _Broken(f"{error.msg[:1].lower()}{error.msg[1:]}, {error.pos - at} characters on") from None
        except RecursionError:
            raise _Broken("nested too deeply") from None
        return end

    def _recover(self) -> None:
        """Step over a broken record: to where its braces close, or to the next line that begins as it did."""
        start = self._at
        before = self._text.rfind("\n", 0, start) + 1
        indent = self._text[before:start]
        if indent.strip(" \t"):
            ends = [self._balanced(start)]
        else:
            following = self._text.find(f"\n{indent}{{", start + 1)
            ends = [following if following >= 0 else None, self._balanced(start)]
        known = [end for end in ends if end is not None]
        self._move(min(known) if known else len(self._text))

    def _balanced(self, start: int) -> int | None:
        """Where the brackets opened at `start` are closed again; None where they are not."""
        depth = 0
        for token in _TOKENS.finditer(self._text, start):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
            if depth <= 0:
                return token.end()
        return None

    def _move(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _piece(self, text: str) -> Piece:
        try:
            body = text.encode()
        except UnicodeEncodeError:
            return self._rejection("is not UTF-8")
        return Piece(self.line, body, None, self._counted())

    def _rejection(self, reason: str) -> Piece:
        return Piece(self.line, b"", reason, self._counted())

    def _counted(self) -> int | None:
        """The place of one more record in the array that it stands in."""
        if not self._members:
            return None
        self._members[-1] += 1
        return self._members[-1]
