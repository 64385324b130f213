"""river's half-space trees over the same facets: one forest an organisation, one for each kind of row."""

from __future__ import annotations

from collections.abc import Iterator

from river.anomaly import HalfSpaceTrees

from bench.detection.measure import Scored
from bench.detection.peers.facets import Facets
from detector.simulator import Organisation


def half_space_trees(organisation: Organisation) -> Iterator[Scored]:
    """Scored before learnt, learning everything, as the estimator is meant to be used."""
    forests = {kind: HalfSpaceTrees(n_trees=25, height=8, window_size=500, seed=7) for kind in ("issuance", "usage")}
    for kind, identity, row, _ in Facets().rows(organisation):
        forest = forests[kind]
        yield Scored(identity, kind, forest.score_one(row))
        forest.learn_one(row)
