"""Now and then peers are grouped anew: what requesters did goes out, what was found comes back and is logged.

Finding groups takes a fifth of a second for a hundred requesters and some fifteen for a
hundred thousand, so nothing that anybody waits for does it: replaying and ingesting do it
between two events, a server on another thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from detector.baselines.crowd import MATURE_EVENTS
from detector.baselines.peers import Grouping, Way
from detector.engine.journal import Journal
from detector.engine.records import PeersAssigned

MOST_MOVED: Final = 500
"""Placements in one record: folding so many takes some tens of milliseconds, and asks come between."""

SURER: Final = 0.125
"""A change of sureness from which a placement is told anew."""


def due(journal: Journal) -> bool:
    """Whether the time of the next round has come."""
    memory = journal.state.memory
    return 0.0 < memory.round_due <= memory.stamp


def ways(journal: Journal) -> Iterator[Way]:
    """Every seasoned requester as grouping sees it. May be taken piece by piece: each is whole in itself."""
    baselines = journal.state.baselines
    for requester in list(baselines.grants.habits):
        way = baselines.way(requester)
        if way is not None and way.events >= MATURE_EVENTS:
            yield way


def assign(journal: Journal, found: Grouping) -> Iterator[PeersAssigned]:
    """Log what a round found, record by record. Raises `LogUnavailable` when the log takes no more."""
    placed = journal.state.baselines.peers.placed
    moved = []
    for requester, placement in found.moved.items():
        before = placed.get(requester)
        same = before is not None and before.assigned and before.group == placement.group
        if before is None or not same or abs(before.sure - placement.sure) >= SURER:
            moved.append((requester, placement))
    first = msgspec.structs.replace(found, moved=dict(moved[:MOST_MOVED]))
    yield _logged(journal, PeersAssigned(grouping=first))
    for start in range(MOST_MOVED, len(moved), MOST_MOVED):
        more = Grouping(moved=dict(moved[start : start + MOST_MOVED]))
        yield _logged(journal, PeersAssigned(grouping=more, whole=False))


def _logged(journal: Journal, record: PeersAssigned) -> PeersAssigned:
    journal.append(record, journal.now())
    return record
