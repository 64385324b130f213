"""The composition root: settings in, a running whole out. Nothing else constructs an engine for production."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from detector.baselines.peers import Grouping, Way
from detector.engine import Engine
from detector.engine.policy import Policy
from detector.engine.ports import Clock, Ear, Grouper, LogUnavailable
from detector.engine.records import Compacted, KeyRotated
from detector.engine.redaction import Redaction
from detector.store import FileSnapshots, MemoryLog, SqliteLog
from detector.store.keys import redaction as redaction_key
from detector.store.sqlite import Rotation
from detector.wiring.folding import Folding
from detector.wiring.history import backtests
from detector.wiring.retention import Retention, compacted, forget
from detector.wiring.settings import Settings
from detector.wiring.wall_clock import WallClock

TOKENS_NAME: Final = "tokens.json"

SNAPSHOT_RECORDS: Final = 20_000
"""Records in the tail from which a snapshot is due: what a restart folds in a second or so."""


@dataclass(slots=True)
class Embedded:
    """An engine over the log of a data directory, which this process alone writes until `close`."""

    engine: Engine
    log: SqliteLog
    snapshots: FileSnapshots
    directory: Path
    folding: Folding
    retention: Retention
    warn: Callable[[str], None]
    saved: int = 0

    def due(self) -> bool:
        """Whether a restart would have enough of a tail to fold that a snapshot pays."""
        return self.engine.position - self.saved >= SNAPSHOT_RECORDS

    def fold_beside(self) -> None:
        """Let another process make a snapshot of what the log has by now. On any thread; waits for it."""
        self.saved = self.folding.run() or self.saved

    def save(self) -> None:
        """Keep a snapshot of the state now, unless it is kept already, and let no other process make any more.

        On the engine's thread; waits for the disk. One that fails is a warning: the log has everything.
        """
        self.folding.stop()
        self.retention.stop()
        position = self.engine.position
        if position == self.saved:
            return
        try:
            self.snapshots.save(position, self.engine.snapshot())
        except (OSError, ValueError, LogUnavailable) as error:
            self.warn(f"no snapshot was saved, a restart folds more of the log: {error}")
        else:
            self.saved = position

    def prove(self) -> None:
        """Backtest the rules that are not yet, against all that is in the log by now. For whoever may wait."""
        rules = self.engine.unproven_rules()
        if not rules:
            return
        self.log.flush()
        results = backtests(self.log, rules, self.engine.state.policy, now=self.engine.state.memory.stamp)
        for rule, found in zip(rules, results, strict=True):
            self.engine.take_backtest(rule.id, found)

    def rotate_key(self, *, by: str) -> Rotation:
        """Sign the log with a new key from here on, and log who wanted that. Raises `OSError`."""
        rotation = self.log.rotate_key()
        self.engine.keep_house(KeyRotated(size=rotation.size, old=rotation.old, new=rotation.new, by=by))
        return rotation

    def compact(self, *, older_than: float, by: str) -> Compacted | None:
        """Forget what was logged before a time (Unix seconds), and give the room back. For whoever may wait.

        `None` where there was nothing new to forget. Raises `StoreError`, `OSError`.
        """
        self.log.flush()
        record = compacted(self.directory, older_than=older_than, by=by)
        if record is not None:
            self.engine.keep_house(record).result()
        forget(self.log, self.directory, shrink=True)
        return record

    def close(self) -> None:
        """Snapshot, make everything durable, release the directory. Idempotent."""
        self.save()
        self.engine.close()


def embedded(
    settings: Settings,
    *,
    warn: Callable[[str], None],
    clock: Clock | None = None,
    ear: Ear | None = None,
    grouper: Grouper | None = None,
) -> Embedded:
    """The engine that goes on where the data directory's log ends; `warn` hears of snapshots that are refused.

    Without a `clock` it goes by the machine's; without a `grouper` its owner groups peers, where nobody waits.

    Raises `detector.store.errors.StoreError` where the directory is held by
    another process or holds no log of ours.
    """
    wall = WallClock()
    log = SqliteLog(settings.server.data, warn=warn)
    try:
        snapshots = FileSnapshots(settings.server.data, anchor=log.anchor, base=log.base, warn=warn)
        policy = settings.policy_in_force()
        engine = Engine(
            policy=policy,
            log=log,
            snapshots=snapshots,
            clock=clock or wall,
            ear=ear,
            warn=warn,
            grouper=grouper,
            redaction=_redaction(settings, warn),
        )
        wall.begin(engine.state.memory.stamp)
    except BaseException:
        log.close()
        raise
    directory = settings.server.data
    return Embedded(
        engine=engine,
        log=log,
        snapshots=snapshots,
        directory=directory,
        folding=Folding(directory, warn=warn),
        retention=Retention(directory, warn=warn),
        warn=warn,
    )


def _redaction(settings: Settings, warn: Callable[[str], None]) -> Redaction | None:
    """What is redacted, with the directory's own key; `None` where nothing is."""
    fields = settings.redaction.fields
    return Redaction(fields, redaction_key(settings.server.data, warn=warn)) if fields else None


def in_memory(policy: Policy, *, clock: Clock) -> Engine:
    """A fresh engine that remembers no log, for replays: its memory does not grow with the number of events."""
    return Engine(policy=policy, log=MemoryLog(keep=0), snapshots=None, clock=clock, ear=None, grouper=group_peers)


def group_peers(ways: Sequence[Way]) -> Grouping:
    """Find peer groups. scikit-learn is loaded at the first round: a command that comes to none does without."""
    from detector.training.peers import peer_groups  # noqa: PLC0415 - see above

    return peer_groups(ways)


def tokens_file(data: Path) -> Path:
    """Where a data directory keeps its tokens' hashes."""
    return data / TOKENS_NAME


class EventClock:
    """A clock moved by the events it is shown, for history that is learnt faster than it happened.

    It never goes back, and never past `limit` (the wall clock, where the log
    goes on living afterwards): a log with a date in the future must not carry
    the whole log there.

    >>> clock = EventClock()
    >>> clock.see(5.0); clock.see(3.0); clock()
    5.0
    """

    __slots__ = ("_limit", "_now")

    def __init__(self, limit: Callable[[], float] | None = None) -> None:
        self._now = 0.0
        self._limit = limit

    def __call__(self) -> float:
        """Unix seconds: the latest event seen, at most the limit."""
        return self._now

    def see(self, time: float) -> None:
        """An event happened at `time`, Unix seconds."""
        if time > self._now:
            self._now = time if self._limit is None else max(self._now, min(time, self._limit()))
