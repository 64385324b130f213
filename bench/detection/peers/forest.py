"""scikit-learn's isolation forest over the same facets, fitted on each organisation's warm-up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.ensemble import IsolationForest

from bench.detection.measure import Scored
from bench.detection.peers.facets import Facets
from detector.simulator import Organisation


def isolation_forest(organisation: Organisation) -> Iterator[Scored]:
    """One forest for each kind of row: fitted once, after two weeks, then asked in bulk."""
    times = {row.event.id: row.event.time for row in organisation.rows}
    rows = list(Facets().rows(organisation))
    for kind in ("issuance", "usage"):
        chosen = [(identity, list(row.values())) for which, identity, row, _ in rows if which == kind]
        matrix = np.array([values for _, values in chosen])
        warm = np.array([times[identity] < organisation.warm_until for identity, _ in chosen])
        forest = IsolationForest(n_estimators=100, random_state=7).fit(matrix[warm])
        for (identity, _), score in zip(chosen, -forest.score_samples(matrix), strict=True):
            yield Scored(identity, kind, float(score))
