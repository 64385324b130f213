"""The tables of what is stopped and what it costs, as plain text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from bench.detection.bootstrap import Draws, Interval, Resamples, middle
from bench.detection.ground import ROW_KINDS
from bench.detection.measure import BUDGETS, MOMENTS, Campaign, Evaluation, moments

STOPPED: Final = ("first mint", "95 %", "by third", "9 min", "ever", "95 %", "n")
SPANNED: Final = ("first", "ever")
"""The moments whose share has an interval beside it, over organisations drawn again."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need be; the first one flush left."""
    widths = [max(len(str(row[i])) for row in (header, *rows)) for i in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [
            str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def share(hits: float, total: float, digits: int = 0) -> str:
    """A percentage, or a dash where nothing was counted."""
    return f"{100.0 * hits / total:.{digits}f} %" if total else "-"


def span(interval: Interval, digits: int = 0) -> str:
    """An interval in percent, or a dash where nothing was counted."""
    low, high = interval
    return "-" if math.isnan(low) else f"{100.0 * low:.{digits}f}–{100.0 * high:.{digits}f}"


def wilson(hits: int, total: int) -> Interval:
    """Wilson's 95 % interval of a share: as if each campaign were drawn by itself."""
    if not total:
        return (math.nan, math.nan)
    z, p = 1.96, hits / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def cells(counts: Mapping[str, int], total: int, draws: Mapping[str, Draws]) -> list[str]:
    """What `STOPPED` names, of campaigns counted by moment, with the draws of the moments that are spanned."""
    first, *later = (share(counts[m], total) for m in MOMENTS)
    spans = [span(middle(draws[m])) for m in SPANNED]
    return [first, spans[0], *later, spans[1], str(total)]


def stopped_cells(drawn: Resamples, campaigns: Sequence[Campaign], budget: float) -> list[str]:
    """What `STOPPED` names, of some of an evaluation's campaigns at its threshold for a budget."""
    threshold = drawn.evaluation.threshold(budget)
    draws = {m: drawn.stopped(campaigns, m, drawn.thresholds[budget]) for m in SPANNED}
    return cells(moments(c.stopped(threshold) for c in campaigns), len(campaigns), draws)


def summary(resamples: Sequence[Resamples], *, tells: tuple[str, ...] = ("mint",)) -> str:
    """One line a detector and budget: stopped at each moment, of the campaigns with such a tell."""
    rows = []
    for drawn in resamples:
        campaigns = drawn.evaluation.chosen(tells=tells)
        for budget in BUDGETS:
            name, threshold = drawn.evaluation.name, drawn.evaluation.threshold(budget)
            rows.append([name, f"{100 * budget:g} %", f"{threshold:.2f}", *stopped_cells(drawn, campaigns, budget)])
    return table(("detector", "budget", "threshold", *STOPPED), rows)


def by_kind(drawn: Resamples, budget: float = 0.001) -> str:
    """One line a kind of abuse at one budget; beside the intervals over organisations the plain ones."""
    evaluation, rows = drawn.evaluation, []
    threshold = evaluation.threshold(budget)
    for kind, tell in sorted({(c.kind, c.tell) for c in evaluation.campaigns}, key=lambda k: (k[1], k[0])):
        campaigns = evaluation.chosen(tells=(tell,), kind=kind)
        counts = moments(c.stopped(threshold) for c in campaigns)
        plain = [span(wilson(counts[m], len(campaigns))) for m in SPANNED]
        rows.append([kind, tell, *stopped_cells(drawn, campaigns, budget), *plain])
    return table(("kind", "tell", *STOPPED, "Wilson (first)", "Wilson (ever)"), rows)


def by_organisation(evaluation: Evaluation, budget: float = 0.001) -> str:
    """One line an organisation: stopped, and its own share of alarms at the pooled threshold."""
    threshold = evaluation.threshold(budget)
    rows = []
    for owner in sorted(evaluation.organisations):
        counts, total = evaluation.stopped(threshold, organisation=owner)
        mine = evaluation.part({owner}.__contains__)
        rows.append([owner, *(share(counts[m], total) for m in MOMENTS), str(total), *false_shares(mine, threshold)])
    return table(
        ("organisation", "first mint", "by third", "9 min", "ever", "n", "false issuance", "false usage"), rows
    )


def false_shares(evaluation: Evaluation, threshold: float) -> list[str]:
    """The share of legitimate rows above a threshold, by kind of row."""
    return [share(float((s > threshold).sum()), s.size, 3) for s in map(evaluation.scores, ROW_KINDS)]


def false_alarms(evaluation: Evaluation, budget: float = 0.001) -> str:
    """What the legitimate rows above the threshold were: upheavals and everyday life."""
    threshold, rows = evaluation.threshold(budget), []
    for kind in ROW_KINDS:
        sizes = evaluation.alarms(-math.inf, kind)
        for why, count in evaluation.alarms(threshold, kind).most_common():
            rows.append([why, kind, str(count), str(sizes[why]), share(count, sizes[why], 2)])
    return table(("upheaval", "rows", "alarms", "of", "share"), rows) if rows else "no false alarms"


def collateral(evaluation: Evaluation, budget: float = 0.001) -> str:
    """Legitimate rows of a requester within a day after abuse of it: what a victim's own work suffers."""
    threshold, rows = evaluation.threshold(budget), []
    for kind in ROW_KINDS:
        found = evaluation.collateral[kind]
        total = sum(r.scores.size for r in found)
        passed = sum(int((r.scores > threshold).sum()) for r in found)
        got = {v: sum(int(r.got(v).sum()) for r in found) for v in ("step_up", "deny")}
        cells = [f"{n} ({share(n, total, 2)})" for n in (passed, got["step_up"], got["deny"])]
        rows.append([f"{kind} rows", str(total), *cells])
    return table(("collateral", "n", f"above the threshold at {100 * budget:g} %", "stepped up", "denied"), rows)
