"""What else one might do, on the same streams: rules, trees and chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.detection.peers.batch import scaled
from bench.detection.peers.chance import chance
from bench.detection.peers.ecod import ecod
from bench.detection.peers.facets import Peer, alone, faceted
from bench.detection.peers.first_seen import first_seen
from bench.detection.peers.fixed import fixed_rules
from bench.detection.peers.forest import isolation_forest
from bench.detection.peers.half_space import half_space_trees
from bench.detection.peers.loda import loda

PEERS: Final[Mapping[str, Peer]] = {
    "random": chance,
    "fixed rules": fixed_rules,
    "first seen, 14 days": first_seen,
    "PyOD isolation forest": isolation_forest,
    "PyOD ECOD": ecod,
    "river half-space trees": scaled(half_space_trees),
    "river LODA": loda,
}

__all__ = ["PEERS", "Peer", "alone", "faceted"]
