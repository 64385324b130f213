"""Whether what was learnt carries over: styles trained on, under new seeds, against styles that never were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.detection.bootstrap import SEED, Draws, Resamples, middle
from bench.detection.measure import Campaign
from bench.detection.splits import TRAIN
from bench.detection.tables import SPANNED, STOPPED, false_shares, span, stopped_cells, table

TRAINED: Final = frozenset(style for style, _ in TRAIN)


def style_of(organisation: str) -> str:
    """The style in an organisation's name."""
    return organisation.rsplit("-", 1)[0]


def carried(drawn: Resamples, budget: float = 0.001) -> str:
    """Both groups at one common threshold, and each at its own, with the gap between them in points."""
    evaluation = drawn.evaluation
    common = evaluation.threshold(budget)
    rows, gaps = [], []
    groups = [("trained on, new seeds", True), ("never trained on", False)]
    parts = [evaluation.part(lambda o, known=known: (style_of(o) in TRAINED) is known) for _, known in groups]
    if not all(part.organisations for part in parts):
        return "all of one group: nothing to compare"
    own = [Resamples(part, drawn.count, SEED + 1 + n) for n, part in enumerate(parts)]
    for where in ("common", "own"):
        draws = []
        for (name, _), part, mine in zip(groups, parts, own, strict=True):
            campaigns = part.chosen()
            threshold = common if where == "common" else part.threshold(budget)
            of = drawn if where == "common" else mine
            cells = stopped_cells(of, campaigns, budget)
            rows.append([name, f"{where} {threshold:.2f}", *cells, *false_shares(part, threshold)])
            draws.append(_draws(of, campaigns, budget))
        gaps.append([where, *(span(middle(t - n)) for t, n in zip(*draws, strict=True))])
    rows += _styles(drawn, budget, common)
    columns = ("styles", "threshold", *STOPPED, "false issuance", "false usage")
    heads = ("the first less the second, in points, at the", *(f"{moment}, 95 %" for moment in SPANNED))
    return f"{table(columns, rows)}\n\n{table(heads, gaps)}"


def _draws(drawn: Resamples, campaigns: Sequence[Campaign], budget: float) -> list[Draws]:
    return [drawn.stopped(campaigns, moment, drawn.thresholds[budget]) for moment in SPANNED]


def _styles(drawn: Resamples, budget: float, common: float) -> list[list[str]]:
    """One line a style at the common threshold."""
    rows = []
    for style in dict.fromkeys(style_of(o) for o in drawn.evaluation.organisations):
        part = drawn.evaluation.part(lambda o, style=style: style_of(o) == style)
        cells = stopped_cells(drawn, part.chosen(), budget)
        rows.append([style, f"common {common:.2f}", *cells, *false_shares(part, common)])
    return rows
