"""Is `risk` the probability that it says it is: `python -m bench.detection.calibration`.

On the test organisations, apart for new seeds of styles that were trained on and for styles that were not, and apart
for issuances and uses. Of all rows in a bin of predicted risk, how large a share was abuse? With the Brier score, its
skill against always saying the base rate, and the calibration error (the mean distance of a bin's risk from its share).

A risk speaks of a base rate: the share of rows that are abuse. Here it is the organisations' own, some in a hundred,
and far above any real one. So rows are measured twice: weighted, so that abuse makes up the model's own base rate; and
as they are, with the model told theirs. Intervals are of a bootstrap over requesters: one campaign's rows are alike.
Draws the first as `models/calibration.png`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.detection.cache import organisations
from bench.detection.ground import truth
from bench.detection.manifest import FOLDER, register
from bench.detection.ours import rows, shipped_policy
from bench.detection.splits import TEST, TRAIN, Pair
from bench.detection.tables import table
from detector.events import Issuance
from detector.evidence import EvidenceModel

NAME: Final = "calibration.png"
KINDS: Final = {"issuance": "issuances", "usage": "uses"}
EDGES: Final = np.array([0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
"""Most risks are small, so bins grow with the risk."""

DRAWS: Final = 1_000
SEED: Final = 4
FEW: Final = 5
"""Rows of a bin below which it is not drawn: its interval is the whole range."""

LEAST: Final = 0.001
"""The lowest risk and share drawn."""

COLOURS: Final = {"styles trained on": "#1f5f8b", "styles not trained on": "#c8553d"}


class Judged(NamedTuple):
    """Rows of one kind: evidence in nats, whether each was abuse, and whose it was."""

    evidence: NDArray[np.float64]
    abusive: NDArray[np.bool_]
    owners: NDArray[np.int64]


class Bin(NamedTuple):
    """One bin of predicted risk: rows, how many of them abuse, mean risk, share of abuse and its 95 % interval."""

    rows: int
    abusive: int
    risk: float
    share: float
    low: float
    high: float


class Calibration(NamedTuple):
    """What one kind of row came to."""

    bins: list[Bin]
    brier: float
    skill: float
    error: float


def judged(pairs: Sequence[Pair]) -> dict[str, Judged]:
    """What the engine says of those organisations with what is shipped, by kind of row."""
    found: dict[str, list[tuple[float, bool, int]]] = {kind: [] for kind in KINDS}
    owners: dict[tuple[str, int, str], int] = {}
    for organisation in organisations(pairs):
        said = {(r.kind, r.id): r.evidence for r in rows((row.event for row in organisation.rows), shipped_policy())}
        for event, label, where in truth(organisation):
            kind = "issuance" if isinstance(event, Issuance) else "usage"
            if where in {"honest", "abuse"} and (kind, event.id) in said:
                owner = owners.setdefault((organisation.style, organisation.seed, label.principal), len(owners))
                found[kind].append((said[kind, event.id], where == "abuse", owner))
    return {kind: Judged(*(np.array(column) for column in zip(*all_, strict=True))) for kind, all_ in found.items()}


def calibration(rows: Judged, model: EvidenceModel, kind: str, *, weighted: bool) -> Calibration:
    """How far the model's risk is the share of abuse: `weighted` to its base rate, else as the rows are."""
    odds = model.base_rate / (1.0 - model.base_rate)
    balance = odds * (~rows.abusive).sum() / rows.abusive.sum() if weighted else 1.0
    risk = np.array([model.probability(nats, use=kind == "usage") for nats in rows.evidence])
    weight = np.where(rows.abusive, balance, 1.0)
    base = float(weight[rows.abusive].sum() / weight.sum())
    brier = float(np.average((risk - rows.abusive) ** 2, weights=weight))
    place = np.clip(np.searchsorted(EDGES, risk, side="right") - 1, 0, len(EDGES) - 2)
    bins = _bins(rows, risk, place, balance)
    share = np.bincount(place, weight, len(bins)) / weight.sum()
    error = float(sum(part * abs(b.risk - b.share) for part, b in zip(share, bins, strict=True) if b.rows))
    return Calibration(bins, brier, 1.0 - brier / (base * (1.0 - base)), error)


def _bins(rows: Judged, risk: NDArray[np.float64], place: NDArray[np.int64], balance: float) -> list[Bin]:
    owners, many = int(rows.owners.max()) + 1, len(EDGES) - 1
    cell = rows.owners * many + place
    honest = np.bincount(cell[~rows.abusive], minlength=owners * many).reshape(owners, many)
    abusive = np.bincount(cell[rows.abusive], minlength=owners * many).reshape(owners, many)
    drawn = np.random.default_rng(SEED).multinomial(owners, np.full(owners, 1.0 / owners), size=DRAWS)
    shares = _share(drawn @ honest, drawn @ abusive, balance)
    found = []
    for at in range(many):
        inside, h, a = place == at, int(honest[:, at].sum()), int(abusive[:, at].sum())
        known = shares[:, at][~np.isnan(shares[:, at])]
        low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (0.0, 1.0)
        weight = np.where(rows.abusive[inside], balance, 1.0)
        mean = float(np.average(risk[inside], weights=weight)) if h + a else 0.0
        share = float(_share(np.array(h), np.array(a), balance)) if h + a else 0.0
        found.append(Bin(h + a, a, mean, share, float(low), float(high)))
    return found


def _share(honest: NDArray[np.int64], abusive: NDArray[np.int64], balance: float) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        share: NDArray[np.float64] = balance * abusive / (honest + balance * abusive)
    return share


def report(found: dict[str, dict[str, Judged]], model: EvidenceModel) -> dict[str, dict[str, Calibration]]:
    """Print everything; give what is drawn."""
    summary, drawn = [], dict[str, dict[str, Calibration]]()
    for group, kinds in found.items():
        for kind, judged_rows in kinds.items():
            own = float(judged_rows.abusive.mean())
            told = replace(model, base_rate=own)
            one = calibration(judged_rows, model, kind, weighted=True)
            other = calibration(judged_rows, told, kind, weighted=False)
            drawn.setdefault(kind, {})[group] = one
            print(f"== {KINDS[kind]} of {group}: at a base rate of {100 * model.base_rate:g} %\n")
            print(_bins_table(one.bins), "\n")
            for how, base, c in (("weighted to the model's", model.base_rate, one), ("as they are", own, other)):
                figures = (f"{c.brier:.4f}", f"{c.skill:.3f}", f"{100 * c.error:.2f} %")
                summary.append([KINDS[kind], group, how, f"{100 * base:.1f} %", *figures])
    print(table(("rows", "organisations", "weighted", "base rate", "Brier", "skill", "calibration error"), summary))
    return drawn


def _bins_table(bins: Sequence[Bin]) -> str:
    lines = []
    for at, b in enumerate(bins):
        if b.rows:
            interval = f"{100 * b.low:.2f}–{100 * b.high:.2f}"
            span = f"{100 * EDGES[at]:g}–{100 * EDGES[at + 1]:g} %"
            lines.append(
                [span, str(b.rows), str(b.abusive), f"{100 * b.risk:.2f} %", f"{100 * b.share:.2f} %", interval]
            )
    return table(("risk", "rows", "abuse", "mean risk", "share of abuse", "95 %"), lines)


def draw(drawn: dict[str, dict[str, Calibration]], base_rate: float) -> Figure:
    """Risk against the share of abuse, for both kinds of row, with the rows in each bin below."""
    figure = Figure(figsize=(10.0, 6.4), layout="constrained")
    axes = figure.subplots(2, 2, height_ratios=(3.4, 1.0), sharex=True)
    for column, (kind, groups) in enumerate(drawn.items()):
        upper, lower = axes[0, column], axes[1, column]
        upper.plot([LEAST, 1.0], [LEAST, 1.0], color="0.6", linewidth=1.0, linestyle="--", label="as it should be")
        for number, (group, found) in enumerate(groups.items()):
            _reliability(upper, found.bins, group)
            _counts(lower, found.bins, group, number)
        upper.set(title=f"{KINDS[kind]}", yscale="log", xscale="log", ylim=(LEAST, 1.3), xlim=(LEAST, 1.3))
        upper.grid(visible=True, color="0.92")
        lower.set(xlabel="risk, as predicted", yscale="log", ylim=(1.0, 2e6))
        upper.legend(loc="upper left", frameon=False)
        for axis in (upper, lower):
            axis.set_xticks([0.001, 0.01, 0.1, 1.0], ["0.1 %", "1 %", "10 %", "100 %"])
    axes[0, 0].set_ylabel("share of rows that were abuse")
    axes[1, 0].set_ylabel("rows")
    for axis in axes[0]:
        axis.set_yticks([0.001, 0.01, 0.1, 1.0], ["0.1 %", "1 %", "10 %", "100 %"])
    figure.suptitle(f"Risk on organisations not trained on, if {100 * base_rate:g} % of rows were abuse (bars: 95 %)")
    return figure


def _reliability(axis: Axes, bins: Sequence[Bin], group: str) -> None:
    shown = [b for b in bins if b.rows >= FEW and b.share > 0.0]
    away = [[b.share - b.low for b in shown], [b.high - b.share for b in shown]]
    axis.errorbar(
        [b.risk for b in shown],
        [b.share for b in shown],
        yerr=np.maximum(away, 0.0),
        color=COLOURS[group],
        marker="o",
        markersize=5.0,
        linewidth=1.0,
        capsize=3.0,
        label=group,
    )


def _counts(axis: Axes, bins: Sequence[Bin], group: str, number: int) -> None:
    shown = [b for b in bins if b.rows]
    left = [b.risk * (0.86, 1.0)[number] for b in shown]
    axis.bar(left, [b.rows for b in shown], width=[0.14 * b.risk for b in shown], align="edge", color=COLOURS[group])


def main() -> int:
    """Print the tables and draw the picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection.calibration")
    parser.add_argument("--no-picture", action="store_true", help="only print")
    arguments = parser.parse_args()
    styles = {style for style, _ in TRAIN}
    groups = {
        "styles trained on": [pair for pair in TEST if pair[0] in styles],
        "styles not trained on": [pair for pair in TEST if pair[0] not in styles],
    }
    model = shipped_policy().model
    drawn = report({group: judged(pairs) for group, pairs in groups.items()}, model)
    if not arguments.no_picture:
        draw(drawn, model.base_rate).savefig(FOLDER / NAME, dpi=110, metadata={"Software": None})
        register(
            NAME, command="python -m bench.detection.calibration", libraries=("matplotlib", "numpy"), judged_on=TEST
        )
        print(f"\n{FOLDER / NAME}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
