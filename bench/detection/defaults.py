"""What the detector's own verdicts do, at the thresholds that a fresh installation has: no budget is set here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.stats import chi2

from bench.detection.bootstrap import LEVEL, Interval, Resamples, middle
from bench.detection.ground import COLD, ROW_KINDS
from bench.detection.measure import FLAGGED, Campaign, Evaluation, moments
from bench.detection.tables import SPANNED, STOPPED, cells, share, span, stopped_cells, table

_TEMPERATURES: Final = ((f"cold identities (fewer than {COLD} learnt)", True), ("all others", False))


def verdicts(drawn: Resamples) -> str:
    """The verdicts that legitimate rows get, with the interval of the share that was not simply allowed."""
    rows = []
    for kind in ROW_KINDS:
        honest = drawn.evaluation.honest[kind]
        total = sum(r.scores.size for r in honest)
        counts = [sum(int(r.got(v).sum()) for r in honest) for v in ("allow", "step_up", "deny")]
        draws = drawn.share((r.organisation, int(r.got(*FLAGGED).sum()), r.scores.size) for r in honest)
        rows.append([f"legitimate {kind}", *(share(n, total, 3) for n in counts), span(middle(draws), 3), str(total)])
    return table(("at the default thresholds", "allow", "step_up", "deny", "95 % (flagged)", "n"), rows)


def flagged(drawn: Resamples) -> str:
    """The share of campaigns that were stepped up or denied by each moment."""
    rows = []
    for what, tell in (("tell in the first mint", "mint"), ("tell in the use", "use"), ("late tell", "late")):
        campaigns = drawn.evaluation.chosen(tells=(tell,))
        rows.append([what, *flagged_cells(drawn, campaigns)])
    return table(("flagged at the default thresholds", *STOPPED), rows)


def flagged_cells(drawn: Resamples, campaigns: Sequence[Campaign]) -> list[str]:
    """What `STOPPED` names, where a campaign is stopped as soon as it is flagged."""
    hits = [(c.organisation, c.flagged()) for c in campaigns]
    return cells(
        moments(hit for _, hit in hits),
        len(hits),
        {moment: drawn.share((owner, int(hit[moment]), 1) for owner, hit in hits) for moment in SPANNED},
    )


def denied(evaluation: Evaluation) -> str:
    """How many healthy requesters ever got a verdict other than allow on an issuance, and in how many years together.

    The years are pieced together from the days after each warm-up, so what takes longer to build up is not in them.
    """
    healthy = {(owner, name) for owner, name, _ in evaluation.healthy}
    years = sum(years for *_, years in evaluation.healthy)
    rows = []
    for what, wanted in (("denied", ("deny",)), ("stepped up or denied", FLAGGED)):
        found = {
            (r.organisation, r.labels.requester[n])
            for r in evaluation.honest["issuance"]
            for n in np.flatnonzero(r.got(*wanted))
        } & healthy
        low, high = poisson(len(found))
        per_year = f"{low / years:.3g}–{high / years:.3g}" if years else "-"
        rows.append([what, str(len(found)), str(len(healthy)), f"{years:.1f}", per_year])
    return table(("healthy requesters ever", "requesters", "of", "requester-years", "95 %, a requester-year"), rows)


def poisson(count: int) -> Interval:
    """The exact 95 % interval of what was to be expected where so many were counted."""
    outside = (1.0 - LEVEL) / 2.0
    low = float(chi2.ppf(outside, 2 * count)) / 2.0 if count else 0.0
    return low, float(chi2.ppf(1.0 - outside, 2 * count + 2)) / 2.0


def cold_cost(drawn: Resamples) -> str:
    """What the legitimate issuances get of identities of which hardly anything could be learnt by then."""
    rows = []
    for what, wanted in _TEMPERATURES:
        counted = []
        for r in drawn.evaluation.honest["issuance"]:
            mask = r.labels.cold == wanted
            counted.append((r.organisation, *(int((r.got(v) & mask).sum()) for v in FLAGGED), int(mask.sum())))
        stepped, refused, total = (sum(column) for column in list(zip(*counted, strict=True))[1:])
        interval = middle(drawn.share((owner, hits, of) for owner, hits, _, of in counted))
        rows.append([what, share(stepped, total, 2), span(interval, 2), share(refused, total, 2), str(total)])
    return table(("legitimate issuances of", "stepped up", "95 %", "denied", "n"), rows)


def cold_caught(drawn: Resamples, budget: float = 0.001) -> str:
    """Campaigns whose first mint carries a tell, by whether their victim was cold when they began."""
    rows = []
    for what, wanted in _TEMPERATURES:
        campaigns = [c for c in drawn.evaluation.chosen() if c.cold == wanted]
        rows.append([what, "default", *flagged_cells(drawn, campaigns)])
        rows.append([what, f"{100 * budget:g} %", *stopped_cells(drawn, campaigns, budget)])
    return table(("campaigns against", "threshold", *STOPPED), rows)
