"""Fit what `models/evidence.json` holds, on the training organisations: `python -m bench.detection.fit`.

Weights by logistic regression on the training split; their scale so that at the
default step-up threshold fewer than one legitimate row in a thousand of the validation
split alarms; probability by Platt's method there.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.detection.cache import organisations
from bench.detection.ground import truth
from bench.detection.ours import rows
from bench.detection.splits import TRAIN, VALIDATION
from detector.assets import models
from detector.engine.policy import Policy, Thresholds
from detector.events import Issuance
from detector.evidence import GRANT_CODES, USE_CODES, EvidenceModel, Weight
from detector.simulator import KINDS, Organisation
from detector.training.fusion import fit_probability, fit_weights
from detector.training.replay import Sample, samples

GRANT_BUDGET: Final = 0.0008
USE_BUDGET: Final = 0.0006
"""Shares of legitimate rows at the default step-up threshold, by which both kinds come to one scale."""

CAMPAIGN: Final = 3.0
"""What all rows of one campaign count for together, against 1 for an honest row: a thief who
uses what he stole a hundred times shows his ways once."""

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
    model = EvidenceModel(name="fitted", grants=_scaled(grants, START), uses=_scaled(uses, START), elsewhere=0.0)
    step_up = Thresholds().step_up
    for _ in range(ROUNDS):
        said = _evidence(Policy(model=model))
        grants = _scaled(model.grants, (step_up / _quantile(*said["issuance"], GRANT_BUDGET)) ** CAUTION)
        uses = _scaled(model.uses, (step_up / _quantile(*said["usage"], USE_BUDGET)) ** CAUTION)
        model = replace(model, grants=grants, uses=uses)
    evidence, abusive = _evidence(Policy(model=model))["issuance"]
    offset, scale = fit_probability(evidence, abusive)
    return replace(model, offset=offset, scale=scale)


def _scaled(weights: Mapping[str, Weight], factor: float) -> dict[str, Weight]:
    return {code: Weight(*(round(part * factor, 4) for part in weight)) for code, weight in weights.items()}


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
    """Fit, and write `models/evidence.json`."""
    model = fit()
    path = Path(str(models())) / "evidence.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(model, order="sorted"), indent=1) + b"\n")
    sys.stdout.write(f"{path}: fitted on {len(TRAIN)} organisations, placed on {len(VALIDATION)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
