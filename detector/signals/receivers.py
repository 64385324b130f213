"""What receivers may have of us: streams of their own, their status, subjects and verification, and polling.

The management API of Shared Signals 1.0 (section 8) without its HTTP. A receiver sees and changes its own streams
only; those of the configuration are the operator's. What is wrong with a request is a `ValueError` naming the member.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from detector.signals import tokens
from detector.signals.endpoints import EndpointRefused
from detector.signals.letters import PAGE, Desk, delivered
from detector.signals.streams import MOST_VERIFICATIONS, Stream, Streams, StreamsFull, Verification
from detector.signals.subjects import checked
from detector.signals.vocabulary import EVENTS, POLL, PUSH, Status

MOST_SETS: Final = 100
"""Tokens in one answer to a poll: a tenth of a second of signing."""

WINDOW: Final = 1_000
"""Announcements past the first unacknowledged one that are offered: so many acknowledgements are remembered at most."""

HOLD_SECONDS: Final = 8.0
"""How long a poll is held until there is something: less than a server that is told to stop waits for requests."""

LOOK_SECONDS: Final = 0.25
"""Between two looks while a poll is held."""

LONGEST_TEXT: Final = 1_000
"""Characters of a description, a reason or a verification's state."""

MOST_EVENTS: Final = 100
LONGEST_SUBJECT: Final = 4_096
LONGEST_HEADER: Final = 8_192

ASKED: Final = "v-"
"""What the ids of verification events begin with."""


class StreamDisabled(Exception):
    """What was asked for does not go together with a stream that sends nothing."""


class Delivery(Struct):
    """How a stream is delivered, as a receiver writes it."""

    method: str
    endpoint_url: str = ""
    authorization_header: str | None = None


class Wanted(Struct):
    """A stream as a receiver asks for it, or changes it. What it does not know of ours is ignored.

    What we supply may be there as well, and must then be what it is.
    """

    stream_id: str = ""
    delivery: Delivery | UnsetType = UNSET
    events_requested: tuple[str, ...] | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    iss: str | UnsetType = UNSET
    aud: Any = UNSET
    events_supported: tuple[str, ...] | UnsetType = UNSET
    events_delivered: tuple[str, ...] | UnsetType = UNSET


class NewStatus(Struct):
    """A stream's status as a receiver sets it."""

    stream_id: str
    status: Status
    reason: str = ""


class About(Struct):
    """A subject to be added to a stream, or removed."""

    stream_id: str
    subject: dict[str, Any]
    verified: bool = True


class Verify(Struct):
    """A verification event that a receiver asks for."""

    stream_id: str
    state: str | None = None


class Poll(Struct):
    """A poll (RFC 8936, 2.2): what the receiver has, what it will not have, and how many more it wants."""

    maxEvents: float | None = None  # noqa: N815 - the standard's name
    returnImmediately: bool = False  # noqa: N815 - as above
    ack: tuple[str, ...] = ()
    setErrs: dict[str, Any] = {}  # noqa: N815 - as above; msgspec copies defaults


class Receivers:
    """The streams, as their receivers manage them; `changed` hears the id of one that is another than it was."""

    def __init__(
        self,
        streams: Streams,
        desk: Desk,
        *,
        head: Callable[[], int],
        allow: Callable[..., object],
        changed: Callable[[str], None],
        refused: Callable[[Stream, str, str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._streams, self._desk = streams, desk
        self._head, self._allow, self._changed, self._refused = head, allow, changed, refused
        self._clock = clock
        self._held: set[str] = set()

    # -- streams -------------------------------------------------------------------------------

    def create(self, wanted: Wanted, *, owner: str, audience: str) -> Stream:
        """A new stream, from now on. Raises `ValueError`, and `StreamsFull` past what a receiver may have."""
        blank = Stream(id=secrets.token_hex(16), owner=owner, audience=audience, created=self._clock(), method=POLL)
        stream = self._merged(blank, wanted)
        self._streams.add(stream, cursor=self._head())
        self._changed(stream.id)
        return stream

    def of(self, owner: str) -> list[Stream]:
        """The streams of a receiver."""
        return self._streams.of(owner)

    def one(self, name: str, *, owner: str) -> Stream:
        """One of a receiver's streams. Raises `KeyError`, also for somebody else's."""
        stream = self._streams.get(name)
        if stream is None or stream.owner != owner:
            raise KeyError(name)
        return stream

    def change(self, stream: Stream, wanted: Wanted) -> Stream:
        """Change what is given (PATCH)."""
        return self._put(self._merged(stream, wanted))

    def replace(self, stream: Stream, wanted: Wanted) -> Stream:
        """Make it what is given (PUT): what is left out goes back to what it is by default."""
        if wanted.delivery is UNSET:
            raise ValueError("delivery: a replacement says how the stream is delivered")
        bare = msgspec.structs.replace(stream, requested=None, description="")
        return self._put(self._merged(bare, wanted))

    def delete(self, stream: Stream) -> None:
        """End a stream."""
        self._streams.delete(stream.id)
        self._changed(stream.id)

    def shown(self, stream: Stream) -> dict[str, Any]:
        """A stream's configuration as its receiver reads it. What it authenticates us by is not shown again."""
        url = stream.endpoint if stream.method == PUSH else f"{self._desk.issuer}/ssf/poll/{stream.id}"
        shown: dict[str, Any] = {
            "stream_id": stream.id,
            "iss": self._desk.issuer,
            "aud": stream.audience,
            "events_supported": list(EVENTS.values()),
            "events_delivered": list(delivered(stream)),
            "delivery": {"method": stream.method, "endpoint_url": url},
        }
        if stream.requested is not None:
            shown["events_requested"] = list(stream.requested)
        if stream.description:
            shown["description"] = stream.description
        return shown

    def _merged(self, stream: Stream, wanted: Wanted) -> Stream:
        self._supplied(stream, wanted)
        if wanted.events_requested is not UNSET:
            requested = wanted.events_requested
            if requested is not None and (
                len(requested) > MOST_EVENTS or any(len(uri) > LONGEST_TEXT for uri in requested)
            ):
                raise ValueError(f"events_requested: at most {MOST_EVENTS} event types")
            stream = msgspec.structs.replace(stream, requested=requested)
        if wanted.description is not UNSET:
            stream = msgspec.structs.replace(stream, description=(wanted.description or "")[:LONGEST_TEXT])
        return stream if isinstance(wanted.delivery, UnsetType) else self._delivery(stream, wanted.delivery)

    def _supplied(self, stream: Stream, wanted: Wanted) -> None:
        """What we supply is ours to say. Raises `ValueError` where a receiver says otherwise."""
        ours = self.shown(stream)
        for name in ("iss", "aud", "events_supported", "events_delivered"):
            given = getattr(wanted, name)
            if given is not UNSET and (list(given) if isinstance(given, tuple) else given) != ours[name]:
                raise ValueError(f"{name}: is supplied by the transmitter, and is {ours[name]}")

    def _delivery(self, stream: Stream, delivery: Delivery) -> Stream:
        if delivery.method == POLL:
            return msgspec.structs.replace(stream, method=POLL, endpoint="", authorization="")
        if delivery.method != PUSH:
            raise ValueError(f"delivery.method: must be {PUSH} or {POLL}")
        try:
            self._allow(delivery.endpoint_url, owner=stream.owner)
        except EndpointRefused as refused:
            raise ValueError(f"delivery.endpoint_url: {refused}") from None
        # It is never shown, so writing back what was read must not lose it; and never follows to another endpoint.
        kept = stream.authorization if delivery.endpoint_url == stream.endpoint else ""
        header = kept if delivery.authorization_header is None else delivery.authorization_header
        if len(header) > LONGEST_HEADER or not header.isascii() or not header.isprintable():
            raise ValueError("delivery.authorization_header: is no value of a header")
        return msgspec.structs.replace(stream, method=PUSH, endpoint=delivery.endpoint_url, authorization=header)

    def _put(self, stream: Stream) -> Stream:
        self._streams.replace(stream)
        self._changed(stream.id)
        return stream

    # -- status, subjects, verification ----------------------------------------------------------

    def set_status(self, stream: Stream, wanted: NewStatus) -> Stream:
        """Enable, pause or disable a stream. What is announced while it is disabled is not for it."""
        if stream.status == "disabled" and wanted.status != "disabled":
            self._streams.advance(stream.id, self._head())
        return self._put(msgspec.structs.replace(stream, status=wanted.status, reason=wanted.reason[:LONGEST_TEXT]))

    def add_subject(self, stream: Stream, about: About) -> None:
        """Send what is about a subject: everybody is, until removed."""
        self._streams.add_subject(stream.id, _subject(about))

    def remove_subject(self, stream: Stream, about: About) -> None:
        """Send nothing about a subject. Raises `StreamsFull`."""
        self._streams.remove_subject(stream.id, _subject(about))

    def verify(self, stream: Stream, asked: Verify) -> None:
        """Send a verification event when the stream's turn comes. Raises `StreamsFull`, `StreamDisabled`."""
        if stream.status == "disabled":
            raise StreamDisabled("stream_id: a disabled stream sends nothing; enable it first")
        if asked.state is not None and len(asked.state) > LONGEST_TEXT:
            raise ValueError(f"state: at most {LONGEST_TEXT} characters")
        key = f"{ASKED}{secrets.token_hex(16)}"
        self._streams.verify(stream.id, Verification(key, asked.state, self._clock()))
        self._changed(stream.id)

    # -- polling ---------------------------------------------------------------------------------

    async def poll(self, stream: Stream, poll: Poll) -> dict[str, Any]:
        """Take what a receiver acknowledges, and give it what it has not; hold it until there is something.

        One poll of a stream is held at a time; another is answered at once. Raises `KeyError` for one that is pushed.
        """
        if poll.maxEvents is not None and (poll.maxEvents < 0 or not poll.maxEvents.is_integer()):
            raise ValueError("maxEvents: must be a whole number, and not negative")
        if stream.method != POLL:
            raise KeyError(stream.id)
        await asyncio.to_thread(self._take, stream, poll)
        if poll.maxEvents == 0:
            return {"sets": {}}
        most = int(min(poll.maxEvents or MOST_SETS, MOST_SETS))
        if poll.returnImmediately or stream.id in self._held or stream.status != "enabled":
            return await self._offered(stream, most)
        self._held.add(stream.id)
        try:
            return await self._waited(stream, most)
        finally:
            self._held.discard(stream.id)

    async def _waited(self, stream: Stream, most: int) -> dict[str, Any]:
        until = time.monotonic() + HOLD_SECONDS
        while True:
            looked = self._head(), len(self._streams.verifications(stream.id))
            offered = await self._offered(stream, most)
            if offered["sets"]:
                return offered
            while looked == (self._head(), len(self._streams.verifications(stream.id))):
                if time.monotonic() >= until:
                    return offered
                await asyncio.sleep(LOOK_SECONDS)

    async def _offered(self, stream: Stream, most: int) -> dict[str, Any]:
        if stream.status != "enabled":
            return {"sets": {}}
        return await asyncio.to_thread(self._offer, stream, most)

    def _take(self, stream: Stream, poll: Poll) -> None:
        identity, positions = self._desk.past.identity, []
        for jti in (*poll.ack, *poll.setErrs):
            position = tokens.position_of(jti, identity=identity, stream=stream.id)
            if position is not None:
                positions.append(position)
        for jti, error in poll.setErrs.items():
            self._refused(stream, jti[:LONGEST_TEXT], _said(error))
        self._streams.acknowledge(stream.id, positions[: 2 * WINDOW])
        self._streams.verified(stream.id, [jti for jti in (*poll.ack, *poll.setErrs) if jti.startswith(ASKED)])
        self._settle(stream)

    def _settle(self, stream: Stream) -> None:
        """Move the cursor over what was acknowledged, or is not for this stream, up to the first that is neither."""
        cursor, acked = self._streams.cursor(stream.id), self._streams.acked(stream.id)
        while entries := self._desk.past.announced(cursor, most=PAGE):
            for entry in entries:
                if entry.position not in acked and self._desk.wanted(stream, entry):
                    self._streams.advance(stream.id, cursor)
                    return
                cursor = entry.position
        self._streams.advance(stream.id, cursor)

    def _offer(self, stream: Stream, most: int) -> dict[str, Any]:
        letters = [self._desk.verification(stream, asked) for asked in self._streams.verifications(stream.id)][:most]
        acked = self._streams.acked(stream.id)
        entries = self._desk.past.announced(self._streams.cursor(stream.id), most=WINDOW)
        open_ones = [entry for entry in entries if entry.position not in acked and self._desk.wanted(stream, entry)]
        room = most - len(letters)
        letters += [self._desk.token(stream, entry) for entry in open_ones[:room]]
        offered: dict[str, Any] = {"sets": {letter.id: letter.body.decode() for letter in letters}}
        return {**offered, "moreAvailable": True} if len(open_ones) > room else offered


def _subject(about: About) -> Mapping[str, Any]:
    if len(msgspec.json.encode(about.subject)) > LONGEST_SUBJECT:
        raise ValueError(f"subject: at most {LONGEST_SUBJECT} bytes")
    return checked(about.subject)


def _said(error: object) -> str:
    """A receiver's error in a line."""
    if not isinstance(error, Mapping):
        return "no reason given"
    return f"{str(error.get('err', ''))[:100]}: {str(error.get('description', ''))[:200]}"


__all__ = [
    "MOST_VERIFICATIONS",
    "About",
    "NewStatus",
    "Poll",
    "Receivers",
    "StreamDisabled",
    "StreamsFull",
    "Verify",
    "Wanted",
]
