"""Fit what `models/evidence.json` holds, on the training organisations: `python -m bench.detection.fit`.

Weights by logistic regression on the training split; their scale so that at the
default step-up threshold fewer than one legitimate row in a thousand of the validation
split alarms; what evidence is worth as a probability, apart for grants and uses, there too.
`--only-curves` leaves the weights that are shipped as they are, and fits that last part again.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection.cache import organisations
from bench.detection.ground import truth
from bench.detection.manifest import FOLDER, register
from bench.detection.ours import rows
from bench.detection.splits import TRAIN, VALIDATION
from detector.engine.policy import Policy, Thresholds
from detector.events import Issuance
from detector.evidence import GRANT_CODES, USE_CODES, EvidenceModel, Weight
from detector.simulator import KINDS, Organisation
from detector.training.fusion import CAMPAIGN, fit_curve, fit_weights
from detector.training.placing import GRANT_BUDGET, USE_BUDGET, scaled
from detector.training.replay import Sample, samples
from detector.wiring.model import MODEL_NAME, shipped_model, written

START: Final = 0.8
ROUNDS: Final = 4
CAUTION: Final = 0.7
"""What is flagged is learnt later and flagged again, so the scale is found in steps that do not overshoot."""


class Table(NamedTuple):
    """Samples of one kind of row, and the campaign that each belongs to, if any."""

    samples: list[Sample]
    campaigns: list[str | None]

    def weights(self, codes: Sequence[str]) -> dict[str, Weight]:
        """Fitted to it."""
        shares = np.array([sample.shares for sample in self.samples])
        novel = np.zeros(shares.shape, dtype=np.bool_)
        for row, sample in zip(novel, self.samples, strict=True):
            row[list(sample.novel)] = True
        abusive = np.array([campaign is not None for campaign in self.campaigns])
        rows = Counter(self.campaigns)
        importance = np.array([1.0 if campaign is None else CAMPAIGN / rows[campaign] for campaign in self.campaigns])
        return fit_weights(shares, novel, abusive, codes, importance)


def table(streams: Iterable[Organisation]) -> dict[str, Table]:
    """The rows that count, by kind."""
    found = {"issuance": Table([], []), "usage": Table([], [])}
    for organisation in streams:
        said = {(s.row.kind, s.row.id): s for s in samples(row.event for row in organisation.rows)}
        for event, label, where in truth(organisation):
            kind = "issuance" if isinstance(event, Issuance) else "usage"
            tell = KINDS[label.kind].tell if label.kind else ""
            wanted = where == "honest" or (
                where == "abuse"
                and (label.step == 1 and tell == "mint" if kind == "issuance" else tell in {"use", "mint"})
            )
            if wanted and (kind, event.id) in said:
                found[kind].samples.append(said[kind, event.id])
                owner = f"{organisation.style}-{organisation.seed}-{label.campaign}"
                found[kind].campaigns.append(owner if where == "abuse" else None)
    return found


def fit() -> EvidenceModel:
    """The model, fitted and placed."""
    train = table(organisations(TRAIN))
    grants = train["issuance"].weights(GRANT_CODES)
    uses = train["usage"].weights(USE_CODES)
    model = EvidenceModel(name="fitted", grants=scaled(grants, START), uses=scaled(uses, START), elsewhere=0.0)
    step_up = Thresholds().step_up
    for _ in range(ROUNDS):
        said = _evidence(Policy(model=model))
        grants = scaled(model.grants, (step_up / _quantile(*said["issuance"], GRANT_BUDGET)) ** CAUTION)
        uses = scaled(model.uses, (step_up / _quantile(*said["usage"], USE_BUDGET)) ** CAUTION)
        model = replace(model, grants=grants, uses=uses)
    return with_curves(model)


def with_curves(model: EvidenceModel) -> EvidenceModel:
    """The model with what its evidence is worth on the validation split."""
    said = _evidence(Policy(model=model))
    return replace(model, grant_curve=fit_curve(*said["issuance"]), use_curve=fit_curve(*said["usage"]))


def _quantile(evidence: NDArray[np.float64], abusive: NDArray[np.bool_], budget: float) -> float:
    return float(np.quantile(evidence[~abusive], 1.0 - budget, method="higher"))


def _evidence(policy: Policy) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """What the engine itself says of the validation split under a policy, and what was abuse, by kind."""
    said: dict[str, tuple[list[float], list[bool]]] = {"issuance": ([], []), "usage": ([], [])}
    for organisation in organisations(VALIDATION):
        found = {(r.kind, r.id): r.evidence for r in rows((row.event for row in organisation.rows), policy)}
        for event, _, where in truth(organisation):
            kind = "issuance" if isinstance(event, Issuance) else "usage"
            if where in {"honest", "abuse"} and (kind, event.id) in found:
                said[kind][0].append(found[kind, event.id])
                said[kind][1].append(where == "abuse")
    return {kind: (np.array(evidence), np.array(abusive)) for kind, (evidence, abusive) in said.items()}


def main() -> int:
    """Fit, and write `models/evidence.json` and what the manifest says of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection.fit")
    parser.add_argument("--only-curves", action="store_true", help="keep the shipped weights")
    kept = parser.parse_args().only_curves
    model = with_curves(shipped_model()) if kept else fit()
    (FOLDER / MODEL_NAME).write_bytes(written(model))
    register(MODEL_NAME, command="python -m bench.detection.fit", trained_on=TRAIN, placed_on=VALIDATION)
    sys.stdout.write(f"{FOLDER / MODEL_NAME}: fitted on {len(TRAIN)} organisations, placed on {len(VALIDATION)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
