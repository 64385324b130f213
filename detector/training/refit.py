"""A model fitted again on one's own labelled log, and whether it is any better on the time after.

The labelled time is split: on its first seven tenths the weights are fitted, starting from those in use, which few
labels hardly move; then they are placed so that the default step-up threshold means what it meant. On the rest, which
neither model has seen, both are compared. What evidence is worth as a probability stays as it was: how common abuse is
cannot be read off what somebody chose to label.

Wrong where labels are of step-ups only, or where the abuse to come is of another kind than the abuse labelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detector.engine import Row
from detector.engine.policy import Policy, Thresholds
from detector.events import Event
from detector.evidence import GRANT_CODES, USE_CODES, EvidenceModel, Weight
from detector.training.comparison import LEAST_THEFTS, Comparison, Held, compare, lacking
from detector.training.fusion import CAMPAIGN, fit_weights
from detector.training.labels import Truth
from detector.training.placing import GRANT_BUDGET, USE_BUDGET, scaled
from detector.training.replay import Sample, judged, samples

FITTED_SHARE: Final = 0.7
"""Of the labelled time: most of it to learn from, enough after it to tell."""

REGULARISATION: Final = 0.03
"""Inverse strength of the penalty on leaving the weights in use: a tenth of the shipped fit's, for its
sixteen organisations had hundreds of thefts, and one has dozens."""

PLACED_BY: Final = 5
"""Rows that must lie beyond the step-up threshold at the budget for it to be found there. Where the log is too short
for that, the new model is placed beside the one in use at the fifth highest row instead."""

ROUNDS: Final = 2
"""Replays in which the scale is found: the first comes near, the second sees what was flagged on the way."""

MOST_SCALED: Final = 10.0
"""However far a round moves the scale, no further."""

Advance: TypeAlias = Callable[[int], object]
"""Hears how many more events were replayed."""

Key: TypeAlias = tuple[str, str]
"""A row's kind (`grants` for what was asked or issued, or `uses`) and the event's id."""


class Marked(NamedTuple):
    """A labelled row with its shares."""

    sample: Sample
    malicious: bool


class Refit(NamedTuple):
    """What came of it: the model (`None` where there was too little to fit on), and how it compares.

    `fitted` and `held` are how many labelled events until then, and after, were malicious and how many not.
    """

    model: EvidenceModel | None
    comparison: Comparison
    until: float
    fitted: Counter[bool]
    held: Counter[bool]


class Gathered(NamedTuple):
    """The rows that have a label, and how many labels met no row."""

    marked: Mapping[Key, Marked]
    unmet: int


def gather(events: Iterable[Event], truth: Truth, advance: Advance) -> Gathered:
    """The labelled rows, each event once: a request that was issued is its issuance. `advance` hears of each event."""
    found: dict[Key, Marked] = {}
    met: set[str] = set()
    for sample in samples(_counted(events, advance)):
        malicious = truth.malicious.get(sample.row.id)
        if malicious is not None:
            met.add(sample.row.id)
            found[_key(sample.row, truth)] = Marked(sample, malicious)
    issued = {request for request, issuance in truth.issued.items() if issuance in met}
    return Gathered(found, len(truth.malicious.keys() - met - issued))


def refit(
    events: Sequence[Event], truth: Truth, marked: Mapping[Key, Marked], policy: Policy, advance: Advance
) -> Refit:
    """Fit on the first part of the labelled time and judge on the rest, against the policy's own model.

    `events` are in time order; `advance` hears of each one at each of the replays.
    """
    times = [mark.sample.row.time for mark in marked.values()]
    begin, end = min(times, default=0.0), max(times, default=0.0)
    until = begin + FITTED_SHARE * (end - begin)
    early = [mark for mark in marked.values() if mark.sample.row.time <= until]
    late = {key: mark for key, mark in marked.items() if mark.sample.row.time > until}
    fitted, held = (Counter(mark.malicious for mark in part) for part in (early, late.values()))
    weights = {kind: found for kind in KINDS if (found := _weights(_of_kind(early, kind), kind, policy.model))}
    if not weights:
        short = lacking(*_columns(early)) or f"neither requests nor uses have labels of {LEAST_THEFTS} such requesters"
        return Refit(None, Comparison((), "cannot be told", f"to fit on, {short}"), until, fitted, held)
    span = begin, until
    in_use = _Replayed(_counted(events, advance), policy, truth, span)
    model = _weighing(policy.model, weights)
    for _ in range(ROUNDS):
        early_events = takewhile(lambda event: event.time <= until, events)
        tried = _Replayed(_counted(early_events, advance), replace(policy, model=model), truth, span)
        factors = {kind: _factor(tried.honest[kind], in_use.honest[kind], KINDS[kind].budget) for kind in weights}
        weights = {kind: scaled(found, factors[kind]) for kind, found in weights.items()}
        model = _weighing(model, weights)
    new = _Replayed(_counted(events, advance), replace(policy, model=model), truth, span)
    keys = [key for key in late if key in in_use.evidence and key in new.evidence]
    malicious, owners = _columns([late[key] for key in keys])
    uses = np.array([kind == "uses" for kind, _ in keys], dtype=np.bool_)
    first, second = (np.array([of.evidence[key] for key in keys]) for of in (in_use, new))
    comparison = compare(Held(malicious, owners, uses, (first, second)), (policy.model, model))
    return Refit(model, comparison, until, fitted, held)


def _weighing(model: EvidenceModel, weights: Mapping[str, Mapping[str, Weight]]) -> EvidenceModel:
    """The model with other weights where there are any."""
    return replace(
        model, name="refitted", grants=weights.get("grants", model.grants), uses=weights.get("uses", model.uses)
    )


class _Kind(NamedTuple):
    codes: Sequence[str]
    budget: float


KINDS: Final[Mapping[str, _Kind]] = {
    "grants": _Kind(GRANT_CODES, GRANT_BUDGET),
    "uses": _Kind(USE_CODES, USE_BUDGET),
}
"""The two kinds of row, named as a model names their weights."""


class _Replayed:
    """What one model says: `evidence` of the labelled rows, and of the `honest`, highest first.

    Those are rows of the fitted time that nobody called malicious, labelled or not: a step-up threshold is
    for them all. Wrong where much abuse went unlabelled: the scale is then too small.
    """

    def __init__(self, events: Iterable[Event], policy: Policy, truth: Truth, span: tuple[float, float]) -> None:
        self.evidence: dict[Key, float] = {}
        self.honest: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for row in judged(events, policy):
            key, malicious = _key(row, truth), truth.malicious.get(row.id)
            if malicious is not None:
                self.evidence[key] = row.evidence
            if not malicious and span[0] <= row.time <= span[1]:
                self.honest[key[0]].append(row.evidence)
        for rows in self.honest.values():
            rows.sort(reverse=True)


def _counted(events: Iterable[Event], advance: Advance) -> Iterator[Event]:
    for event in events:
        advance(1)
        yield event


def _key(row: Row, truth: Truth) -> Key:
    return ("uses", row.id) if row.kind == "usage" else ("grants", truth.issued.get(row.id, row.id))


def _of_kind(marked: Iterable[Marked], kind: str) -> list[Marked]:
    return [mark for mark in marked if (mark.sample.row.kind == "usage") == (kind == "uses")]


def _columns(marked: Sequence[Marked]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether malicious, and whose, as numbers."""
    malicious = np.array([mark.malicious for mark in marked], dtype=np.bool_)
    names: dict[str, int] = {}
    owners = [names.setdefault(mark.sample.row.requester, len(names)) for mark in marked]
    return malicious, np.array(owners, dtype=np.int64)


def _weights(marked: Sequence[Marked], kind: str, model: EvidenceModel) -> dict[str, Weight] | None:
    """The weights of one kind of row, fitted; `None` where that kind has too few labels of its own."""
    codes = KINDS[kind].codes
    malicious, owners = _columns(marked)
    if lacking(malicious, owners):
        return None
    shares = np.array([mark.sample.shares for mark in marked])
    novel = np.zeros(shares.shape, dtype=np.bool_)
    for row, mark in zip(novel, marked, strict=True):
        row[list(mark.sample.novel)] = True
    rows = Counter(owners[malicious].tolist())
    importance = np.array([CAMPAIGN / rows[o] if bad else 1.0 for o, bad in zip(owners, malicious, strict=True)])
    before = (model.grant_weights() if kind == "grants" else model.use_weights()).each
    return fit_weights(shares, novel, malicious, codes, importance, before=before, regularisation=REGULARISATION)


def _factor(honest: Sequence[float], in_use: Sequence[float], budget: float) -> float:
    """What to scale by, so that as many rows reach the step-up threshold as should."""
    rank = int(budget * len(honest))
    at, wanted = (rank, Thresholds().step_up) if rank >= PLACED_BY else (PLACED_BY, None)
    if at >= min(len(honest), len(in_use)):
        return 1.0
    goal = in_use[at] if wanted is None else wanted
    if honest[at] <= 0.0 or goal <= 0.0:
        return 1.0
    return float(min(max(goal / honest[at], 1.0 / MOST_SCALED), MOST_SCALED))
