"""PyOD's isolation forest over the same facets, fitted on each organisation's warm-up.

PyOD is installed for the benchmark alone, from `bench/requirements.lock`, and imported where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.detection.measure import Scored
from bench.detection.peers.batch import Matrix, batch
from bench.detection.peers.facets import Faceted
from detector.simulator import Organisation


def isolation_forest(organisation: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
    """One forest for each kind of row, read without PyOD's offset.

    The offset is a quantile of each warm-up, so that scores of two organisations could not be held to one threshold:
    with it, 15 % instead of 42 % of the validation's campaigns were ever stopped at one false alarm in a thousand.
    """
    from pyod.models.iforest import IForest  # noqa: PLC0415 - the benchmark's own requirement

    def fit(warm: Matrix) -> Callable[[Matrix], NDArray[np.float64]]:
        forest = IForest(n_estimators=100, random_state=7).fit(warm)
        return lambda matrix: -forest.detector_.score_samples(matrix)

    yield from batch(organisation, rows, fit)
