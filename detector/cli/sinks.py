"""Where ingested events go: the store of a data directory, or the server that writes it."""

from __future__ import annotations

from concurrent.futures import TimeoutError as NotInTime
from typing import TYPE_CHECKING, Final, Protocol

from detector.cli.complaint import Complaint
from detector.cli.output import complain

if TYPE_CHECKING:
    from detector.cli.remote import Remote
    from detector.cli.tally import Tally
    from detector.events import Event
    from detector.wiring.compose import Embedded, EventClock
    from detector.wiring.settings import Settings

FLUSH_EVENTS: Final = 2_000
"""Events between two waits for the disk: the log's queue is bounded, and reading is faster than a slow disk."""

FLUSH_SECONDS: Final = 60.0
"""A disk that takes longer is full or gone: the operator must know."""

BATCH_EVENTS: Final = 1_000
"""Events in one request to a running server: a quarter of a megabyte, answered in well under a second."""

COMPLAINTS_SHOWN: Final = 3


class Sink(Protocol):
    """Takes events in order; what it took is durable once it is closed."""

    def take(self, event: Event) -> None:
        """Learn from one event. Raises `Complaint` when no more can be taken."""

    def flush(self) -> None:
        """Make what was taken durable: there is a pause. Raises `Complaint` when that fails."""

    def close(self) -> None:
        """Make everything durable, and let go. Raises `Complaint` when that fails."""


class StoreSink:
    """The data directory's own engine, which this process writes meanwhile.

    With an event clock, history is stamped with its own times, so that fading
    and quarantine run over the span it really took; without, with the wall clock.
    """

    def __init__(self, store: Embedded, tally: Tally, clock: EventClock | None) -> None:
        self._store = store
        self._tally = tally
        self._clock = clock
        self._taken = 0

    def take(self, event: Event) -> None:
        """Observe it; now and then wait for the disk."""
        if self._clock is not None:
            self._clock.see(event.time)
        for row in self._store.engine.observe(event):
            self._tally.judged(row)
        self._taken += 1
        if self._taken % FLUSH_EVENTS == 0:
            self.flush()

    def close(self) -> None:
        """Flush, snapshot, release the directory."""
        try:
            self.flush()
            self._tally.waiting = self._store.engine.vitals().held
            self._store.prove()
        finally:
            self._store.close()

    def flush(self) -> None:
        """Wait for the disk."""
        last = self._store.engine.flushed()
        if last is None:
            return
        try:
            last.result(timeout=FLUSH_SECONDS)
        except NotInTime:
            raise Complaint(f"the log does not become durable: {self._store.log.trouble() or 'slow disk'}") from None


class ServerSink:
    """A running server, sent native JSON lines in batches."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._lines: list[bytes] = []
        self._refused = 0

    def take(self, event: Event) -> None:
        """Queue it; send when there are enough."""
        from detector.intake.native_lines import native_line

        self._lines.append(native_line(event))
        if len(self._lines) >= BATCH_EVENTS:
            self._send()

    def flush(self) -> None:
        """Send what is queued; the server answers once it is durable."""
        if self._lines:
            self._send()

    def close(self) -> None:
        """Send the rest, and hang up."""
        try:
            self.flush()
        finally:
            self._remote.close()

    def _send(self) -> None:
        lines, self._lines = self._lines, []
        answer = self._remote.post_lines("v1", "events", lines=b"\n".join(lines) + b"\n", needs="ingest")
        for rejected in answer.get("rejected", ()):
            self._refused += 1
            if self._refused <= COMPLAINTS_SHOWN:
                complain(f"the server refuses an event: {rejected.get('reason')}")


def opened_store(settings: Settings, tally: Tally, *, history: bool) -> StoreSink:
    """A sink over the data directory's store. Raises `Complaint` where it cannot be opened."""
    import time

    from detector.store import StoreError
    from detector.wiring.compose import EventClock, embedded, group_peers

    clock = EventClock(limit=time.time) if history else None
    try:
        store = embedded(settings, clock=clock, warn=complain, grouper=group_peers)
    except StoreError as error:
        raise Complaint(str(error)) from None
    return StoreSink(store, tally, clock)
