"""Everything about one detector, as one text."""

from __future__ import annotations

from bench.detection.bootstrap import RESAMPLES, Resamples
from bench.detection.carry import carried
from bench.detection.defaults import cold_caught, cold_cost, denied, flagged, verdicts
from bench.detection.measure import Evaluation
from bench.detection.tables import by_kind, by_organisation, collateral, false_alarms, summary


def report(evaluation: Evaluation, budget: float = 0.001) -> str:
    """The tables, each under its heading; those of the default thresholds where the detector gives verdicts."""
    drawn, at = Resamples(evaluation), f"at {100 * budget:g} %"
    parts = [
        f"intervals: 95 %, {RESAMPLES} draws of {len(evaluation.organisations)} organisations, thresholds found anew",
        f"== {evaluation.name}: campaigns whose first mint carries a tell",
        summary([drawn]),
        "== whose tell is in the use of what was minted, or stolen",
        summary([drawn], tells=("use",)),
        "== whose tell is late",
        summary([drawn], tells=("late",)),
        f"== by kind, {at}",
        by_kind(drawn, budget),
        f"== by organisation, {at}",
        by_organisation(evaluation, budget),
        f"== styles trained on and not, {at}",
        carried(drawn, budget),
        f"== legitimate rows above that threshold, {at}",
        false_alarms(evaluation, budget),
        "== legitimate rows within a day after abuse of the same requester (in no other figure)",
        collateral(evaluation, budget),
    ]
    if any(rows.got("allow", "step_up", "deny").any() for kind in evaluation.honest.values() for rows in kind):
        parts += [
            "== at the default thresholds",
            verdicts(drawn),
            flagged(drawn),
            denied(evaluation),
            "== cold identities, and all others",
            cold_cost(drawn),
            cold_caught(drawn, budget),
        ]
    if evaluation.unscored:
        parts.append(f"{evaluation.unscored} rows got no score at all")
    return "\n\n".join(parts)
