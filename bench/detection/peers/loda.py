"""river's LODA over the same facets: one an organisation and kind of row."""

from __future__ import annotations

from collections.abc import Iterator

from river.anomaly import LODA

from bench.detection.measure import Scored
from bench.detection.peers.facets import Facets
from detector.simulator import Organisation


def loda(organisation: Organisation) -> Iterator[Scored]:
    """Scored before learnt. Fifty random cuts: a hundred took twice as long and caught no more."""
    detectors = {kind: LODA(n_random_cuts=50, seed=7) for kind in ("issuance", "usage")}
    for kind, identity, row, _ in Facets().rows(organisation):
        yield Scored(identity, kind, detectors[kind].score_one(row))
        detectors[kind].learn_one(row)
