"""A labelled replay: every judged row with the shares that the engine found, unweighted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from detector.engine import Engine, Row
from detector.engine.policy import Policy, Thresholds
from detector.engine.ports import Silence
from detector.events import Event
from detector.evidence import EvidenceModel
from detector.store import MemoryLog
from detector.training.peers import peer_groups

UNFLAGGED = Policy(
    thresholds=Thresholds(step_up=1e6, deny=1e6),
    step_up_budget=0.0,
    model=EvidenceModel(name="unweighted", elsewhere=1.0),
)
"""Fitting must depend neither on yesterday's weights nor on its thresholds: every
share counts once, and nothing is flagged while it replays."""


class Sample(NamedTuple):
    """One judged row, its shares in nats (parallel to `GRANT_CODES` or `USE_CODES`), and which of them were news."""

    row: Row
    shares: Sequence[float]
    novel: Sequence[int]


class _Witness(Silence):
    """An ear that keeps what the rows judged last came to."""

    def __init__(self) -> None:
        self.heard: list[tuple[Sequence[float], Sequence[int]]] = []

    def judged(
        self, *, kind: str, verdict: str, mode: str, nats: float, shares: Sequence[float], novel: Sequence[int]
    ) -> None:
        """Keep shares and novelties; rows come back in the order they were judged."""
        del kind, verdict, mode, nats
        self.heard.append((shares, novel))


def samples(events: Iterable[Event]) -> Iterator[Sample]:
    """Every row that replaying `events` (in time order) judges. One engine, nothing kept but its state."""
    now = 0.0
    witness = _Witness()
    engine = Engine(policy=UNFLAGGED, log=MemoryLog(keep=0), clock=lambda: now, ear=witness, grouper=peer_groups)
    for event in events:
        now = max(now, event.time)
        yield from _matched(engine.observe(event), witness)
    yield from _matched(engine.settle(), witness)


def _matched(rows: tuple[Row, ...], witness: _Witness) -> Iterator[Sample]:
    for row, (shares, novel) in zip(rows, witness.heard, strict=True):
        yield Sample(row, shares, novel)
    witness.heard.clear()


def judged(events: Iterable[Event], policy: Policy) -> Iterator[Row]:
    """Every row that replaying `events` (in time order) under a policy judges, as `assayer replay` does."""
    now = 0.0
    engine = Engine(policy=policy, log=MemoryLog(keep=0), clock=lambda: now)
    for event in events:
        now = max(now, event.time)
        yield from engine.observe(event)
    yield from engine.settle()
