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
_BRACKET: Final = re.compile(r'["{}\[\]]')
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_DECODER: Final = json.JSONDecoder()
_NEAR_THE_END: Final = 16  # characters in which an escape or a literal may have been cut
_KEPT_BEHIND: Final = 1 << 16  # characters already read that may lie in memory before they are dropped
_STRETCH: Final = (
    1 << 16
)  # bytes taken in at a time: the standard decoder counts all lines before an error, for its text
_WIDEST_INDENT: Final = 200  # characters before a record on its line; what has more before it did not begin the line
_DEEP: Final = 500  # brackets stepped over at once where they are nested too deeply to be read


class _Cut(Exception):
    """The text ends in the middle of a value."""


class _Broken(Exception):
    """The value is no JSON."""


class _Deep(_Broken):
    """Nobody can read it."""


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
        for at in range(0, len(chunk), _STRETCH):
            self._take(self._decoder.decode(chunk[at : at + _STRETCH]))
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
            self._text, self._at = self._text[self._at - _WIDEST_INDENT :], _WIDEST_INDENT
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
                if self._waits(final=final):
                    return
                reason = "ends in the middle" if final else f"is longer than {self._longest >> 20} MiB"
                yield self._rejection(reason)
                end = self._behind()
                self._move(len(self._text) if end is None else end)
            except _Broken as error:
                end = self._behind(deep=isinstance(error, _Deep))
                if end is None and self._waits(final=final):
                    return
                yield self._rejection(f"is not JSON: {error}")
                self._move(len(self._text) if end is None else end)

    def _waits(self, *, final: bool) -> bool:
        """Whether more text may tell; then it is looked at again when there is twice as much, which costs no more."""
        left = len(self._text) - self._at
        if final or left > self._longest:
            return False
        self._needed = 2 * left
        return True

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
            raise _Deep("nested too deeply") from None
        return end

    def _behind(self, *, deep: bool = False) -> int | None:
        """Behind a broken record: where its braces close, or the next line begins as it did; None where neither is.

        Nothing is looked through twice, for a stream may hold nothing but broken records.
        """
        start, text = self._at, self._text
        before = text.rfind("\n", max(start - _WIDEST_INDENT, 0), start) + 1
        indent = text[before:start] if before or start <= _WIDEST_INDENT else None
        following = -1
        if indent is not None and not indent.strip(" \t"):
            following = text.find(f"\n{indent}{{", self._past(start) if deep else start + 1)
        end = self._balanced(start, following if following >= 0 else len(text))
        return following if end is None and following >= 0 else end

    def _past(self, start: int) -> int:
        """Behind so many brackets that what follows is not as deep as what could not be read."""
        at = start
        for _, token in zip(range(_DEEP), _BRACKET.finditer(self._text, start), strict=False):
            at = token.end()
        return at

    def _balanced(self, start: int, until: int) -> int | None:
        """Where the brackets opened at `start` are closed again; None where they are not, or not before `until`."""
        text, depth, at, plain = self._text, 0, start, start
        while (token := _BRACKET.search(text, at, until)) is not None:
            at = token.end()
            if token[0] == '"':
                string = _STRING.match(text, token.start(), until) if at > plain else None
                if string is not None:
                    at = string.end()
                elif at > plain:  # it has no end on its line, and so has no other quote behind it there
                    plain = text.find("\n", at, until) % (until + 1)
                continue
            depth += 1 if token[0] in "{[" else -1
            if depth <= 0:
                return at
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
