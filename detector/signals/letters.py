"""What one log entry comes to on one stream: a letter, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

import msgspec

from detector.engine.records import Announced, Entry
from detector.signals import tokens, webhook
from detector.signals.findings import finding
from detector.signals.keys import SigningKeys
from detector.signals.streams import Stream, Streams, Verification
from detector.signals.subjects import matches, subject_of
from detector.signals.vocabulary import EVENTS, SECEVENT

JSON: Final = "application/json"

PAGE: Final = 100
"""Entries read from the log at once."""


class Past(Protocol):
    """The log, read from wherever a stream has come to."""

    identity: str

    def announced(self, after: int, *, most: int) -> list[Entry]:
        """The first announcements after a position, in order, so many at most."""

    def announced_after(self, after: int) -> tuple[int, float | None]:
        """How many announcements come after a position, and the stamp of the first."""

    def flagged(self, after: int, *, most: int) -> tuple[list[Entry], int]:
        """The first flagged rows and announcements after a position, and how far was looked."""


class Letter(NamedTuple):
    """What is sent: its id, its place in the log, when that was logged, the body, and headers that say what it is."""

    id: str
    position: int
    stamp: float
    body: bytes
    headers: Mapping[str, str]


class Desk:
    """Writes letters. Everything here reads files and signs, so it is done where nobody waits."""

    def __init__(self, past: Past, streams: Streams, *, issuer: str, keys: SigningKeys | None, version: str) -> None:
        self.past, self.issuer = past, issuer
        self._streams, self._keys, self._version = streams, keys, version

    def next(self, stream: Stream) -> tuple[Letter | None, int]:
        """The next letter after a stream's cursor, and the position up to which there is none before it."""
        after = self._streams.cursor(stream.id)
        entries, reached = self._page(stream, after)
        for entry in entries:
            letter = self.written(stream, entry)
            if letter is not None:
                return letter, entry.position - 1
        return None, reached

    def following(self, stream: Stream, *, most: int) -> tuple[list[Entry], int]:
        """The entries after a stream's cursor that it is to have, in order, and how far was looked."""
        entries, reached = self._page(stream, self._streams.cursor(stream.id), most=most)
        return [entry for entry in entries if self.wanted(stream, entry)], reached

    def wanted(self, stream: Stream, entry: Entry) -> bool:
        """Whether an announcement is of an event and a subject that a stream is to have."""
        record = entry.record
        if not isinstance(record, Announced) or EVENTS[record.kind] not in delivered(stream):
            return False
        removed = self._streams.removed(stream.id)
        return not removed or not any(matches(subject_of(record, issuer=self.issuer), gone) for gone in removed)

    def written(self, stream: Stream, entry: Entry) -> Letter | None:
        """The letter that an entry is on a stream; `None` where it is none."""
        if stream.form == "ocsf":
            found = finding(entry, product_version=self._version)
            return None if found is None else self._plain(stream, entry, found)
        if not self.wanted(stream, entry) or not isinstance(entry.record, Announced):
            return None
        if stream.form == "webhook":
            delivery = tokens.token_id(self.past.identity, entry.position, stream.id)
            return self._plain(stream, entry, webhook.payload(entry.record, entry.stamp, delivery))
        return self.token(stream, entry)

    def token(self, stream: Stream, entry: Entry) -> Letter:
        """An announcement as a signed token."""
        if not isinstance(entry.record, Announced):
            message = "only announcements are sent as tokens"
            raise TypeError(message)
        identity = self.past.identity
        jti = tokens.token_id(identity, entry.position, stream.id)
        claimed = tokens.claims(
            entry.record, entry.stamp, jti, issuer=self.issuer, audience=stream.audience, identity=identity
        )
        return self._signed(claimed, jti, entry.position, entry.stamp)

    def verification(self, stream: Stream, asked: Verification) -> Letter:
        """A verification event as a signed token."""
        claimed = tokens.verification(
            asked.id,
            issuer=self.issuer,
            audience=stream.audience,
            stream=stream.id,
            state=asked.state,
            now=asked.asked,
        )
        return self._signed(claimed, asked.id, 0, asked.asked)

    def _page(self, stream: Stream, after: int, *, most: int = PAGE) -> tuple[list[Entry], int]:
        if stream.form == "ocsf":
            return self.past.flagged(after, most=most)
        entries = self.past.announced(after, most=most)
        return entries, entries[-1].position if entries else after

    def _plain(self, stream: Stream, entry: Entry, shown: Mapping[str, object]) -> Letter:
        delivery = tokens.token_id(self.past.identity, entry.position, stream.id)
        headers = {"Content-Type": JSON, webhook.DELIVERY: delivery}
        return Letter(delivery, entry.position, entry.stamp, msgspec.json.encode(shown), headers)

    def _signed(self, claimed: Mapping[str, object], jti: str, position: int, stamp: float) -> Letter:
        if self._keys is None:
            message = "there is no issuer to sign for"
            raise TypeError(message)
        headers = {"Content-Type": SECEVENT, "Accept": JSON}
        return Letter(jti, position, stamp, tokens.signed(claimed, self._keys).encode(), headers)


def delivered(stream: Stream) -> tuple[str, ...]:
    """The event types that a stream gets: of those that it asked for the ones that we have."""
    ours = tuple(EVENTS.values())
    return ours if stream.requested is None else tuple(uri for uri in ours if uri in stream.requested)
