"""Calibration is measured as it says."""

from __future__ import annotations

import io

import numpy as np
import pytest

from bench.detection.calibration import EDGES, Judged, calibration, draw
from detector.evidence import EvidenceModel

MODEL = EvidenceModel(base_rate=0.05)


def truthful(many: int = 40_000) -> Judged:
    """Rows of which as many are abuse as the model says."""
    drawn = np.random.default_rng(6)
    evidence = drawn.uniform(-1.0, 12.0, many)
    risk = np.array([MODEL.probability(nats) for nats in evidence])
    return Judged(evidence, drawn.random(many) < risk, np.arange(many) % 500)


def test_who_says_the_truth_has_no_error() -> None:
    """Every bin's share is its risk, within the interval; the score beats the base rate's."""
    found = calibration(truthful(), MODEL, "issuance", weighted=False)
    assert found.error < 0.005
    assert found.skill > 0.3
    filled = [b for b in found.bins if b.rows > 100]
    assert len(filled) == 5
    assert sum(b.low <= b.risk <= b.high for b in filled) >= len(filled) - 1


def test_weighted_rows_speak_of_the_models_base_rate() -> None:
    """Ten times as much abuse among the rows is no error once they are weighted, and a large one where they are not."""
    rows = truthful()
    often = np.concatenate([np.arange(len(rows.abusive)), np.repeat(np.flatnonzero(rows.abusive), 9)])
    more = Judged(rows.evidence[often], rows.abusive[often], rows.owners[often])
    plain = calibration(rows, MODEL, "issuance", weighted=True)
    assert calibration(more, MODEL, "issuance", weighted=True).brier == pytest.approx(plain.brier)
    assert calibration(more, MODEL, "issuance", weighted=False).error > 0.1


def test_rows_are_counted_in_their_bins() -> None:
    """All rows are in one bin each, and a bin's risk lies within its edges."""
    found = calibration(truthful(2_000), MODEL, "usage", weighted=True)
    assert sum(b.rows for b in found.bins) == 2_000
    for at, b in enumerate(found.bins):
        assert not b.rows or EDGES[at] <= b.risk <= EDGES[at + 1]


def test_the_picture_is_the_same_bytes_each_time() -> None:
    """What is drawn of the same figures has the same digest, which the manifest holds."""
    one = calibration(truthful(2_000), MODEL, "issuance", weighted=True)
    pictures = []
    for _ in range(2):
        file = io.BytesIO()
        draw({"issuance": {"styles trained on": one}, "usage": {"styles not trained on": one}}, 0.05).savefig(
            file, metadata={"Software": None}
        )
        pictures.append(file.getvalue())
    assert pictures[0] == pictures[1]
