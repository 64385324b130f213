"""A die: what no detector may fall below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.detection.measure import Scored
from bench.detection.peers.facets import Faceted
from detector.simulator import Organisation
from detector.simulator.dice import hash_of


def chance(_: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
    """A score drawn from the row's id."""
    for row in rows:
        yield Scored(row.id, row.kind, (hash_of(row.id) % 1_000_003) / 1_000_003)
