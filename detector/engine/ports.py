"""What the engine needs of the outside: a clock, a log, a place for snapshots, an ear.

Each port has one verb or few; every implementation passes the port's contract
suite in `tests/contracts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Protocol, TypeAlias

from detector.baselines.peers import Grouping, Way
from detector.engine.policy import Policy
from detector.engine.records import Entry, Record
from detector.rules import Backtest, Rule

Clock: TypeAlias = Callable[[], float]
"""Unix seconds, UTC."""


Grouper: TypeAlias = Callable[[Sequence[Way]], Grouping]
"""Finds peer groups among requesters; none where they are too few. The same requesters give the same groups."""


Backtester: TypeAlias = Callable[[Sequence[Rule], Policy], Sequence[Sequence[Backtest]]]
"""What each rule's scope and its candidates would have hit in the log, in their order."""


class LogUnavailable(Exception):
    """The log takes no more records (its queue is full, or it is closed); the text says why."""


class Log(Protocol):
    """The ordered, append-only log: the truth that state is a fold of."""

    def append(self, stamp: float, record: Record) -> Future[int]:
        """Queue a record; the future gives its position once it is durable.

        Returns at once. Records become durable in the order they were appended,
        and a record that cannot be written now (disk full, locked) stays queued
        and is tried again: its future stays pending meanwhile, so the log never
        has a gap. Raises `LogUnavailable` when the bounded queue is full or the
        log is closed.
        """

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The durable entries with a position greater than `after`, in order.

        Raises `LookupError` where some of them are no longer kept: a fold over part of a log would be wrong in silence.
        """

    def head(self) -> int:
        """The position of the last durable entry; 0 for an empty log."""

    def trouble(self) -> str | None:
        """Why records are not becoming durable just now; `None` when all is well."""

    def close(self) -> None:
        """Make everything queued durable if it can be, then release the log. Idempotent."""


class Snapshots(Protocol):
    """Where the folded state is kept, so that a restart reads only the tail."""

    def save(self, position: int, state: bytes) -> None:
        """Keep the state that folding up to `position` gave. Older snapshots may be dropped."""

    def load(self, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The newest snapshot that is whole and authentic, at a position below `before`; `None` where there is none."""


class Ear(Protocol):
    """Hears what the engine did, so that somebody can count it. Telemetry implements it.

    Called on the engine's thread, on the hot path: an ear is quick, never raises,
    and nothing it hears may change an answer. What is counted never names a
    requester, a resource, an issuer or an address.
    """

    def judged(
        self, *, kind: str, verdict: str, mode: str, nats: float, shares: Sequence[float], novel: Sequence[int]
    ) -> None:
        """A `grant_request`, `issuance` or `usage` was weighed under a mode (`observe | shadow | enforce`).

        `shares` are its facets' in nats, `novel` the indices of those that were news.
        """

    def found(self, code: str) -> None:
        """A row carried a finding or a reason with this code, one of the engine's own bounded vocabulary."""

    def joined(self, join: str, *, found: bool) -> None:
        """A `decision` was sought for an issuance, or an `issuance` for a usage, and was found or not."""

    def set_aside(self, why: str) -> None:
        """An event was `held` for its partner, came `late`, or was a `duplicate`."""

    def learnt(self, kind: str) -> None:
        """An event of this kind taught the baselines."""

    def glass_broken(self) -> None:
        """A request passed enforcement through a broken glass."""

    def step_up(self, what: str) -> None:
        """An access request was `requested`, `approved`, `denied`, `cancelled` or `revoked`.

        Or an approval was presented: it `passed`, was `unneeded`, or was refused for a reason of
        `detector.engine.asking_records.Refusal`.
        """

    def rule_matched(self, stage: str, *, denied: bool) -> None:
        """A grant matched a deny rule in this stage of its life, and was denied by it or not."""

    def rule_changed(self, change: str) -> None:
        """A deny rule was raised, switched, expired or withdrawn."""

    def announced(self, kind: str) -> None:
        """Others are told of a credential or a risk."""


class Silence:
    """An ear that hears nothing: replay and tests count for themselves."""

    def judged(
        self, *, kind: str, verdict: str, mode: str, nats: float, shares: Sequence[float], novel: Sequence[int]
    ) -> None:
        """Nothing."""

    def found(self, code: str) -> None:
        """Nothing."""

    def joined(self, join: str, *, found: bool) -> None:
        """Nothing."""

    def set_aside(self, why: str) -> None:
        """Nothing."""

    def learnt(self, kind: str) -> None:
        """Nothing."""

    def glass_broken(self) -> None:
        """Nothing."""

    def step_up(self, what: str) -> None:
        """Nothing."""

    def rule_matched(self, stage: str, *, denied: bool) -> None:
        """Nothing."""

    def rule_changed(self, change: str) -> None:
        """Nothing."""

    def announced(self, kind: str) -> None:
        """Nothing."""
