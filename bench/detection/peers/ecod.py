"""PyOD's ECOD over the same facets: how far out a row stands in each facet's empirical distribution, added up.

It did best of PyOD's for tabular novelty on the validation organisations, at one false alarm in a thousand: 14 % of
first mints and 19 % ever; COPOD 14 and 19, HBOS 2 and 15 (its bins as shipped; no better with fifty or as it likes).
When it is wrong: it ranks a row among the warm-up and all rows it is asked about together, those to come among them,
which a detector in the field could not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.detection.measure import Scored
from bench.detection.peers.batch import batch
from bench.detection.peers.facets import Faceted
from detector.simulator import Organisation


def ecod(organisation: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
    """One for each kind of row."""
    from pyod.models.ecod import ECOD  # noqa: PLC0415 - the benchmark's own requirement

    yield from batch(organisation, rows, lambda warm: ECOD().fit(warm).decision_function)
