"""A die: what no detector may fall below."""

from __future__ import annotations

from collections.abc import Iterator

from bench.detection.measure import Scored, truth
from detector.events import Issuance
from detector.simulator import Organisation
from detector.simulator.dice import hash_of


def chance(organisation: Organisation) -> Iterator[Scored]:
    """A score drawn from the row's id."""
    for event, _, _ in truth(organisation):
        kind = "issuance" if isinstance(event, Issuance) else "usage"
        yield Scored(event.id, kind, (hash_of(event.id) % 1_000_003) / 1_000_003)
