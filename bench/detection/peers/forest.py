"""scikit-learn's isolation forest over the same facets, fitted on each organisation's warm-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.ensemble import IsolationForest

from bench.detection.measure import Scored
from bench.detection.peers.facets import Faceted
from detector.simulator import Organisation


def isolation_forest(organisation: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
    """One forest for each kind of row: fitted once, after two weeks, then asked in bulk."""
    for kind in ("issuance", "usage"):
        chosen = [row for row in rows if row.kind == kind]
        matrix = np.array([list(row.values.values()) for row in chosen])
        warm = np.array([row.time < organisation.warm_until for row in chosen])
        forest = IsolationForest(n_estimators=100, random_state=7).fit(matrix[warm])
        for row, score in zip(chosen, -forest.score_samples(matrix), strict=True):
            yield Scored(row.id, kind, float(score))
