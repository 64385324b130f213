"""The tables a benchmark prints, as plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.detection.measure import BUDGETS, MOMENTS, Evaluation


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


def share(hits: int, total: int) -> str:
    """A percentage, or a dash where nothing was counted."""
    return f"{100.0 * hits / total:.0f} %" if total else "-"


def interval(hits: int, total: int) -> str:
    """Wilson's 95 % interval of a share, in percent."""
    if not total:
        return "-"
    z, p = 1.96, hits / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return f"{100 * max(0.0, middle - half):.0f}–{100 * min(1.0, middle + half):.0f}"


def summary(evaluations: Sequence[Evaluation], *, tells: tuple[str, ...] = ("mint",)) -> str:
    """One line a detector and budget: stopped at each moment, of the campaigns with such a tell."""
    rows = []
    for evaluation in evaluations:
        for budget in BUDGETS:
            threshold = evaluation.threshold(budget)
            counts, total = evaluation.stopped(threshold, tells=tells)
            rows.append(
                [
                    evaluation.name,
                    f"{100 * budget:g} %",
                    f"{threshold:.2f}",
                    *(share(counts[m], total) for m in MOMENTS),
                    interval(counts["first"], total),
                    str(total),
                ]
            )
    return table(
        ("detector", "budget", "threshold", "first mint", "by third", "9 min", "ever", "95 % (first)", "n"), rows
    )


def by_kind(evaluation: Evaluation, budget: float = 0.001) -> str:
    """One line a kind of abuse at one budget."""
    threshold = evaluation.threshold(budget)
    rows = []
    for kind, tell in sorted({(c.kind, c.tell) for c in evaluation.campaigns}, key=lambda k: (k[1], k[0])):
        counts, total = evaluation.stopped(threshold, tells=(tell,), kind=kind)
        rows.append([kind, tell, *(share(counts[m], total) for m in MOMENTS), str(total)])
    return table(("kind", "tell", "first mint", "by third", "9 min", "ever", "n"), rows)


def by_organisation(evaluation: Evaluation, budget: float = 0.001) -> str:
    """One line an organisation: stopped, and its own share of alarms at the pooled threshold."""
    threshold = evaluation.threshold(budget)
    rows = []
    for owner in sorted({c.organisation for c in evaluation.campaigns}):
        counts, total = evaluation.stopped(threshold, organisation=owner)
        mine = {k: [s for s, _, o, _ in v if o == owner] for k, v in evaluation.honest.items()}
        false = [f"{100 * sum(s > threshold for s in v) / len(v):.3f} %" if v else "-" for v in mine.values()]
        rows.append([owner, *(share(counts[m], total) for m in MOMENTS), str(total), *false])
    return table(
        ("organisation", "first mint", "by third", "9 min", "ever", "n", "false issuance", "false usage"), rows
    )


def false_alarms(evaluation: Evaluation, budget: float = 0.001) -> str:
    """What the legitimate rows above the threshold were: upheavals and everyday life."""
    threshold, rows = evaluation.threshold(budget), []
    for kind, honest in evaluation.honest.items():
        sizes: dict[str, int] = {}
        for _, why, _, _ in honest:
            sizes[why] = sizes.get(why, 0) + 1
        for why, count in evaluation.alarms(threshold, kind).most_common():
            rows.append([why, kind, str(count), str(sizes[why]), f"{100 * count / sizes[why]:.2f} %"])
    return table(("upheaval", "rows", "alarms", "of", "share"), rows) if rows else "no false alarms"


def verdicts(evaluation: Evaluation) -> str:
    """The verdicts legitimate rows get at the detector's own thresholds, and the abused ones' first mints."""
    rows = []
    for kind, counts in sorted(evaluation.verdicts.items()):
        total = sum(counts.values())
        rows.append(
            [
                f"legitimate {kind}",
                *(f"{100 * counts[v] / total:.3f} %" for v in ("allow", "step_up", "deny")),
                str(total),
            ]
        )
    firsts = [
        s for c in evaluation.campaigns if c.tell == "mint" for s in c.steps if s.step == 1 and s.kind == "issuance"
    ]
    rows.append(
        [
            "first mints with a tell",
            *(share(sum(s.verdict == v for s in firsts), len(firsts)) for v in ("allow", "step_up", "deny")),
            str(len(firsts)),
        ]
    )
    return table(("at the default thresholds", "allow", "step_up", "deny", "n"), rows)


def report(evaluation: Evaluation, budget: float = 0.001) -> str:
    """Everything about one detector."""
    threshold = evaluation.threshold(budget)
    collateral = ", ".join(
        f"{sum(s > threshold for s in scores)} of {len(scores)} {kind} rows"
        for kind, scores in evaluation.collateral.items()
    )
    parts = [
        f"== {evaluation.name}: campaigns whose first mint carries a tell",
        summary([evaluation]),
        "== whose tell is in the use of what was minted, or stolen",
        summary([evaluation], tells=("use",)),
        "== whose tell is late",
        summary([evaluation], tells=("late",)),
        f"== by kind, at {100 * budget:g} %",
        by_kind(evaluation, budget),
        f"== by organisation, at {100 * budget:g} %",
        by_organisation(evaluation, budget),
        f"== legitimate rows above that threshold (collateral: {collateral})",
        false_alarms(evaluation, budget),
    ]
    if any(v for counts in evaluation.verdicts.values() for v in counts if v):
        parts += ["== verdicts", verdicts(evaluation)]
    if evaluation.unscored:
        parts.append(f"{evaluation.unscored} rows got no score at all")
    return "\n\n".join(parts)
