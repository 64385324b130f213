"""The rule most teams begin with: alarm on what this requester has not done within fourteen days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.detection.measure import Scored
from bench.detection.peers.facets import Faceted
from detector.simulator import Organisation

_UNWATCHED = frozenset({"hour", "lifetime"})  # nobody alarms on a first-seen hour or second


def first_seen(_: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
    """How many things are seen for the first time in this row."""
    for row in rows:
        yield Scored(row.id, row.kind, float(len(row.new - _UNWATCHED)))
