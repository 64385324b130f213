"""What peers share: fitted on the warm-up alone, and held to one scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from bench.detection.measure import Scored
from bench.detection.peers.batch import Matrix, batch, scaled
from bench.detection.peers.facets import Faceted
from detector.simulator import Organisation

NOBODY = Organisation(style="vault", seed=1, start=0.0, days=25, warm_up_days=14, rows=())


def row(kind: str, name: str, day: float, value: float) -> Faceted:
    """A row with one facet."""
    return Faceted(kind, name, day * 86_400.0, {"x": value}, frozenset())


def test_batch_fits_each_kind_on_its_warm_up() -> None:
    """What scores a row was fitted on the warm-up's rows of its own kind, and on no later one."""
    rows = [row("issuance", "a", 1, 2.0), row("usage", "b", 2, 100.0), row("issuance", "c", 20, 50.0)]
    rows.append(row("usage", "d", 21, 1.0))
    fitted: list[Matrix] = []

    def fit(warm: Matrix) -> Callable[[Matrix], Matrix]:
        fitted.append(warm)
        return lambda matrix: matrix[:, 0] - warm.mean()

    said = list(batch(NOBODY, rows, fit))
    assert [warm.tolist() for warm in fitted] == [[[2.0]], [[100.0]]]
    assert said == [
        Scored("a", "issuance", 0.0),
        Scored("c", "issuance", 48.0),
        Scored("b", "usage", 0.0),
        Scored("d", "usage", -99.0),
    ]


def test_scaled_scores_stand_to_their_own_warm_up() -> None:
    """A kind whose scores are ten times as large comes out alike: 0 is its median, 1 what one in a thousand passed."""
    rows = [row("issuance", f"i{n}", 1, float(n)) for n in range(1001)]
    rows += [row("usage", f"u{n}", 1, 10.0 * n) for n in range(1001)]
    rows += [row("issuance", "i", 20, 999.0), row("usage", "u", 20, 9990.0), row("usage", "none", 20, -1.0)]

    def peer(_: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
        return (Scored(r.id, r.kind, None if r.id == "none" else r.values["x"]) for r in rows)

    said = {s.id: s.evidence for s in scaled(peer)(NOBODY, rows)}
    assert said["i500"] == said["u500"] == 0.0
    assert said["i"] == pytest.approx(1.0)
    assert said["u"] == pytest.approx(1.0)
    assert said["none"] is None
    assert np.isfinite([s for name, s in said.items() if name != "none"]).all()
