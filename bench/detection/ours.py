"""The engine's replay path, in process, over an organisation's events in time order."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace

from bench.detection.measure import Scored
from detector.engine import Engine, Row
from detector.engine.policy import Policy
from detector.engine.ports import Grouper
from detector.engine.records import Decided, Observed, Record, Released, Weighed
from detector.events import Event, Issuance
from detector.simulator import Organisation
from detector.store import MemoryLog
from detector.wiring.compose import group_peers
from detector.wiring.model import shipped_model


class HandClock:
    """A clock that shows the time of the event in hand, and never goes back."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """What it shows, Unix seconds."""
        return self.now


class Witness(MemoryLog):
    """A log that keeps what each row was judged to be, by kind and id, and nothing else."""

    def __init__(self) -> None:
        super().__init__(keep=0)
        self.weighed: dict[tuple[str, str], Weighed] = {}

    def append(self, stamp: float, record: Record) -> Future[int]:
        """Keep the judgement."""
        if isinstance(record, Observed | Released) and record.weighed is not None:
            kind = "issuance" if isinstance(record.event, Issuance) else "usage"
            self.weighed[kind, record.event.id] = record.weighed
        elif isinstance(record, Decided):
            self.weighed["grant_request", record.request.id] = record.weighed
        return super().append(stamp, record)


def rows(events: Iterable[Event], policy: Policy, grouper: Grouper | None = group_peers) -> list[Row]:
    """Every row the engine judges, as `assayer replay` would write them; without a `grouper` names make the groups."""
    clock = HandClock()
    engine = Engine(policy=policy, log=MemoryLog(keep=0), clock=clock, grouper=grouper)
    out: list[Row] = []
    for event in events:
        clock.now = max(clock.now, event.time)
        out.extend(engine.observe(event))
    out.extend(engine.settle())
    engine.close()
    return out


def assayer(organisation: Organisation, policy: Policy | None = None) -> list[Scored]:
    """Score an organisation with the engine, at the given policy or the one a fresh installation runs with."""
    judged = rows((row.event for row in organisation.rows), policy or shipped_policy())
    return [Scored(row.id, row.kind, row.evidence, row.verdict) for row in judged]


def shipped_policy() -> Policy:
    """What `assayer replay` runs with where nobody configured anything."""
    return replace(Policy(), model=shipped_model())
