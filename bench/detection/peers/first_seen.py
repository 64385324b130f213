"""The rule most teams begin with: alarm on what this requester has not done within fourteen days."""

from __future__ import annotations

from collections.abc import Iterator

from bench.detection.measure import Scored
from bench.detection.peers.facets import Facets
from detector.simulator import Organisation

_UNWATCHED = frozenset({"hour", "lifetime"})  # nobody alarms on a first-seen hour or second


def first_seen(organisation: Organisation) -> Iterator[Scored]:
    """How many things are seen for the first time in this row."""
    for kind, identity, _, new in Facets().rows(organisation):
        yield Scored(identity, kind, float(len(new - _UNWATCHED)))
