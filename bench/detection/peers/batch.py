"""What peers share that are fitted once and asked in bulk; and one scale for scores that have none in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.detection.ground import ROW_KINDS
from bench.detection.measure import Scored
from bench.detection.peers.facets import Faceted, Peer
from detector.simulator import Organisation

Matrix: TypeAlias = NDArray[np.float64]
"""One row an event, one column a facet."""
Fit: TypeAlias = Callable[[Matrix], Callable[[Matrix], NDArray[np.float64]]]
"""From the warm-up's rows to what scores any rows."""

RARE: Final = 0.999
"""The part of a warm-up's scores below its unit: about where a detector would be cut."""


def batch(organisation: Organisation, rows: Sequence[Faceted], fit: Fit) -> Iterator[Scored]:
    """One fit for each kind of row, on the warm-up with whatever abuse is in it, then everything is scored."""
    for kind in ROW_KINDS:
        chosen = [row for row in rows if row.kind == kind]
        matrix = np.array([list(row.values.values()) for row in chosen])
        warm = np.array([row.time < organisation.warm_until for row in chosen])
        for row, score in zip(chosen, fit(matrix[warm])(matrix).tolist(), strict=True):
            yield Scored(row.id, kind, score)


def scaled(peer: Peer) -> Peer:
    """A peer's scores as they stand to the warm-up's: 0 its median, 1 what one in a thousand of its rows passed.

    For peers whose scores of issuances and uses, or of two organisations, cannot be held to one threshold as they are.
    """

    def detector(organisation: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
        warm = {(row.kind, row.id) for row in rows if row.time < organisation.warm_until}
        said = list(peer(organisation, rows))
        for kind in ROW_KINDS:
            before = [s.evidence for s in said if s.kind == kind and (kind, s.id) in warm and s.evidence is not None]
            usual, rare = np.quantile(before, (0.5, RARE)) if before else (0.0, 1.0)
            unit = max(1e-9, float(rare - usual))
            for s in said:
                if s.kind == kind:
                    yield s._replace(evidence=None if s.evidence is None else (s.evidence - float(usual)) / unit)

    return detector
