"""Fit what `models/evidence.json` holds, on the training organisations: `python -m bench.detection.fit`.

Weights by logistic regression on the training split; biases so that at the
default step-up threshold one legitimate row in a thousand of the validation
split alarms, of issuances and usages alike; probability by Platt's method there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.detection.cache import organisations
from bench.detection.measure import truth
from bench.detection.ours import rows
from bench.detection.splits import TRAIN, VALIDATION
from detector.assets import models
from detector.engine.policy import Policy, Thresholds
from detector.events import Issuance
from detector.evidence import GRANT_CODES, USE_CODES, EvidenceModel
from detector.simulator import KINDS, Organisation
from detector.training.fusion import fit_probability, fit_weights
from detector.training.replay import samples

BUDGET: Final = 0.001
FIRST_MINTS_ONLY: Final = ("mint",)


def table(streams: Iterable[Organisation]) -> dict[str, tuple[list[list[float]], list[bool]]]:
    """Shares and labels of the rows that count, by kind."""
    found: dict[str, tuple[list[list[float]], list[bool]]] = {"issuance": ([], []), "usage": ([], [])}
    for organisation in streams:
        shares = {(s.row.kind, s.row.id): list(s.shares) for s in samples(row.event for row in organisation.rows)}
        for event, label, where in truth(organisation):
            kind = "issuance" if isinstance(event, Issuance) else "usage"
            tell = KINDS[label.kind].tell if label.kind else ""
            wanted = where == "honest" or (
                where == "abuse"
                and (label.step == 1 and tell == "mint" if kind == "issuance" else tell in {"use", "mint"})
            )
            if wanted and (kind, event.id) in shares:
                found[kind][0].append(shares[kind, event.id])
                found[kind][1].append(where == "abuse")
    return found


def fit() -> EvidenceModel:
    """The model, fitted and placed."""
    train = table(organisations(TRAIN))
    grants = fit_weights(*_arrays(train["issuance"]), GRANT_CODES)
    uses = fit_weights(*_arrays(train["usage"]), USE_CODES)
    model = EvidenceModel(name="fitted", grants=grants, uses=uses, elsewhere=0.0)
    step_up = Thresholds().step_up
    for _ in range(2):  # the second pass sees what the first one's carry adds
        evidence, abusive = _evidence(model)
        model = replace(
            model,
            grant_bias=round(model.grant_bias + step_up - _quantile(evidence["issuance"], abusive["issuance"]), 4),
            use_bias=round(model.use_bias + step_up - _quantile(evidence["usage"], abusive["usage"]), 4),
        )
    evidence, abusive = _evidence(model)
    both = np.concatenate([evidence["issuance"], evidence["usage"]])
    labels = np.concatenate([abusive["issuance"], abusive["usage"]])
    offset, scale = fit_probability(both, labels)
    return replace(model, offset=offset, scale=scale)


def _arrays(rows: tuple[list[list[float]], list[bool]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return np.array(rows[0], dtype=np.float64), np.array(rows[1], dtype=np.bool_)


def _quantile(evidence: NDArray[np.float64], abusive: NDArray[np.bool_]) -> float:
    return float(np.quantile(evidence[~abusive], 1.0 - BUDGET, method="higher"))


def _evidence(model: EvidenceModel) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.bool_]]]:
    """What the engine itself says on the validation split with this model, by kind."""
    policy = Policy(model=model)
    evidence: dict[str, list[float]] = {"issuance": [], "usage": []}
    abusive: dict[str, list[bool]] = {"issuance": [], "usage": []}
    for organisation in organisations(VALIDATION):
        said = {(r.kind, r.id): r.evidence for r in rows((row.event for row in organisation.rows), policy)}
        for event, _, where in truth(organisation):
            kind = "issuance" if isinstance(event, Issuance) else "usage"
            if where in {"honest", "abuse"} and (kind, event.id) in said:
                evidence[kind].append(said[kind, event.id])
                abusive[kind].append(where == "abuse")
    return {k: np.array(v) for k, v in evidence.items()}, {k: np.array(v) for k, v in abusive.items()}


def main() -> int:
    """Fit, and write `models/evidence.json`."""
    model = fit()
    path = Path(str(models())) / "evidence.json"
    path.write_text(json.dumps(asdict(model), indent=1, sort_keys=True) + "\n")
    sys.stdout.write(f"{path}: fitted on {len(TRAIN)} organisations, placed on {len(VALIDATION)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
