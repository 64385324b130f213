"""Records into events, remembering which dialect the stream is written in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from detector.events import Event
from detector.intake.containers import records
from detector.intake.parsing import Unparsable, parse
from detector.intake.pieces import Piece
from detector.intake.rejected import OnRejected, Rejected
from detector.sources import DIALECTS, Unreadable, native, recognise

AUTO: Final = "auto"
_NATIVE: Final = "native"
_UNKNOWN: Final = "is of no dialect that we know"


class Decoding:
    """Decodes one stream's pieces. `dialect` is a name of `DIALECTS`, or "auto": by each record's content."""

    def __init__(self, file: str, *, dialect: str, on_rejected: OnRejected) -> None:
        """Raise ValueError for a dialect that there is not."""
        if dialect != AUTO and dialect not in DIALECTS:
            raise ValueError(f"dialect {dialect!r} is none of {', '.join(DIALECTS)} and {AUTO}")
        self._file = file
        self._fixed = None if dialect == AUTO else dialect
        self._last = self._fixed
        self._on_rejected = on_rejected

    def events(self, pieces: Iterable[Piece]) -> Iterator[tuple[str, Event]]:
        """(dialect, event) of every record that can be read; the others go to `on_rejected`."""
        for found in self.read(pieces):
            if isinstance(found, Rejected):
                self._on_rejected(found)
            else:
                yield found

    def read(self, pieces: Iterable[Piece]) -> Iterator[tuple[str, Event] | Rejected]:
        """(dialect, event) of every record that can be read, and in their places those that cannot."""
        line_of = native.decode_line
        for piece in pieces:
            # A typed look at the whole line first: it accepts nothing but our own events.
            if self._last == _NATIVE and piece.reason is None:
                read = line_of(piece.body)
                if isinstance(read, tuple):
                    yield _NATIVE, read[0]
                    continue
            yield from self._slowly(piece)

    def damaged(self, line: int, reason: str) -> None:
        """Say that the stream could not be read beyond `line`."""
        self._on_rejected(Rejected(self._file, line, reason, self._last))

    def _slowly(self, piece: Piece) -> Iterator[tuple[str, Event] | Rejected]:
        if piece.reason is not None:
            yield self._rejected(piece, piece.reason, piece.member)
            return
        try:
            document = parse(piece.body)
        except Unparsable as error:
            yield self._rejected(piece, str(error), piece.member)
            return
        several = isinstance(document, list) or _holds_list(document)
        for count, record in enumerate(records(document), start=1):
            yield from self._record(piece, record, count if several else piece.member)

    def _record(self, piece: Piece, record: Any, member: int | None) -> Iterator[tuple[str, Event] | Rejected]:
        if not isinstance(record, Mapping):
            yield self._rejected(piece, "is no JSON object", member)
            return
        dialect = self._fixed or recognise(record)
        if dialect is None:
            yield self._rejected(piece, _UNKNOWN, member, known=False)
            return
        self._last = dialect
        decoded = DIALECTS[dialect](record)
        if isinstance(decoded, Unreadable):
            yield self._rejected(piece, decoded.reason, member)
            return
        for event in decoded:
            yield dialect, event

    def _rejected(self, piece: Piece, reason: str, member: int | None, *, known: bool = True) -> Rejected:
        return Rejected(self._file, piece.line, reason, self._last if known else None, member)


def _holds_list(document: Any) -> bool:
    return isinstance(document, Mapping) and recognise(document) is None and any(
        isinstance(value, list) for value in document.values()
    )  # fmt: skip
