"""The body of a request into events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from detector.events import Event
from detector.intake.decoding import Decoding
from detector.intake.pieces import Piece
from detector.intake.rejected import OnRejected, Rejected
from detector.intake.splitting import Splitter

BODY: Final = "body"
"""What a rejected record of a request calls its file."""

STRETCH: Final = 1 << 17
"""Bytes that are cut up at a time: some milliseconds' work at most."""


def decode_body(body: bytes, *, dialect: str, on_rejected: OnRejected) -> Iterator[tuple[str, Event] | None]:
    """(dialect, event) of every record in a body, JSON Lines or an array or a container of records.

    What cannot be read goes to `on_rejected`, and is a `None` here: whoever has other things to do can rest
    behind it. Its `line` is the line; in an array it is the record's place, from 1: a client that sends an
    array has no lines. Raises ValueError for a dialect that there is not.
    """
    splitter, decoding = Splitter(), Decoding(BODY, dialect=dialect, on_rejected=on_rejected)
    for found in decoding.read(_pieces(splitter, body)):
        if isinstance(found, Rejected):
            on_rejected(found if found.record is None else replace(found, line=found.record))
            yield None
        else:
            yield found


def _pieces(splitter: Splitter, body: bytes) -> Iterator[Piece]:
    """A body cut up stretch by stretch: all its lines at once would be a list of millions."""
    for at in range(0, len(body), STRETCH):
        yield from splitter.feed(body[at : at + STRETCH])
    yield from splitter.finish()
