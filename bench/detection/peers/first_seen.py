"""The rule most teams begin with: alarm on what this requester has not done within fourteen days."""

from __future__ import annotations

from collections.abc import Iterator

from bench.detection.measure import Scored
from bench.detection.peers.facets import Facets
from detector.simulator import Organisation

_WATCHED = ("resource", "issuer", "network", "environment", "privilege", "chain", "consumer")


def first_seen(organisation: Organisation) -> Iterator[Scored]:
    """How many things are seen for the first time in this row."""
    for kind, identity, row in Facets().rows(organisation):
        yield Scored(identity, kind, sum(row[name] for name in _WATCHED))
