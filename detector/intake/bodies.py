"""The body of a request into events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from detector.events import Event
from detector.intake.decoding import Decoding
from detector.intake.rejected import OnRejected, Rejected
from detector.intake.splitting import Splitter

BODY = "body"
"""What a rejected record of a request calls its file."""


def decode_body(body: bytes, *, dialect: str, on_rejected: OnRejected) -> Iterator[tuple[str, Event]]:
    """(dialect, event) of every record in a body, JSON Lines or an array or a container of records.

    What cannot be read goes to `on_rejected` and the rest goes on. Its `line` is
    the line; in an array it is the record's place, from 1: a client that sends an
    array has no lines. Raises ValueError for a dialect that there is not.
    """

    def rejected(found: Rejected) -> None:
        on_rejected(found if found.record is None else replace(found, line=found.record))

    splitter, decoding = Splitter(), Decoding(BODY, dialect=dialect, on_rejected=rejected)
    yield from decoding.events(splitter.feed(body))
    yield from decoding.events(splitter.finish())
