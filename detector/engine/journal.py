"""The log and the state it folds to, kept in step: every change goes through one append and the same fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Protocol

import msgspec

from detector.engine import judge
from detector.engine.judge import Judged
from detector.engine.policy import Policy
from detector.engine.ports import Clock, Ear, Log, Snapshots
from detector.engine.records import Configured, Entry, Record, Weighed
from detector.engine.state import State
from detector.evidence import in_nats
from detector.features.facets import Facets
from detector.verdict import AnswerMode


class Journal:
    """A log, the state folded from it, the clock that stamps it, and an ear.

    Reviving takes the newest authentic snapshot and the log's tail, or the whole
    log; `warn` hears why a snapshot was not used.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        log: Log,
        clock: Clock,
        snapshots: Snapshots | None,
        ear: Ear,
        warn: Callable[[str], None] | None,
    ) -> None:
        self.log, self.ear, self._clock = log, ear, clock
        self._latest: Future[int] | None = None
        self.state = revived(policy, log, snapshots, warn)
        memory = self.state.memory
        if not memory.configured or msgspec.json.encode(memory.policy) != msgspec.json.encode(policy):
            self.append(Configured(policy), self.now())

    def now(self) -> float:
        """The writer's clock; it never goes back, so neither do the log's stamps."""
        return max(self._clock(), self.state.memory.stamp)

    def append(self, record: Record, now: float, facets: Facets | None = None) -> Future[int]:
        """Log a record and fold it; `facets` is what a judged event was weighed as.

        Raises `LogUnavailable`, and folds nothing, when the log takes no more.
        """
        durable = self.log.append(now, record)
        self._latest = durable
        self.state.apply(Entry(self.state.memory.position + 1, now, record), facets)
        return durable

    def flushed(self) -> Future[int] | None:
        """The future of the last append; `None` when everything is durable."""
        latest = self._latest
        return latest if latest is not None and not latest.done() else None

    def heard(self, kind: str, weighed: Weighed, mode: AnswerMode, judged: Judged) -> None:
        """Tell the ear what was judged, and what it came to once rules had their say."""
        nats = in_nats(weighed.evidence)
        verdict, shares, novel = weighed.verdict, judged.shares, judged.novel
        self.ear.judged(kind=kind, verdict=verdict, mode=mode, nats=nats, shares=shares, novel=novel)
        if weighed.verdict != "allow":
            for reason in weighed.reasons:
                self.ear.found(reason.code)


class Readable(Protocol):
    """A log, as far as folding it goes."""

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The durable entries with a position greater than `after`, in order."""


def revived(policy: Policy, log: Readable, snapshots: Snapshots | None, warn: Callable[[str], None] | None) -> State:
    """The state at a log's end, from the newest snapshot that can be used; `policy` is for a log without any."""
    state = (_snapshot(snapshots, warn) if snapshots is not None else None) or State(policy)
    for entry in log.read(state.memory.position):
        state.fold(entry, judge.prepare)
    return state


def _snapshot(snapshots: Snapshots, warn: Callable[[str], None] | None) -> State | None:
    """The newest snapshot that can be read; `None` where the whole log has to be folded."""
    saved = snapshots.load()
    while saved is not None:
        try:
            return State.revive(saved[1])
        except (ValueError, msgspec.DecodeError) as error:
            if warn is not None:
                warn(f"the snapshot at entry {saved[0]} is not used, more of the log is folded: {error}")
        saved = snapshots.load(before=saved[0])
    return None
