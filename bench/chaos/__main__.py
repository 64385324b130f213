"""`python -m bench.chaos`, which is `make bench-chaos`: every disaster in turn, a row each, and what else was seen."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.chaos.disasters import DISASTERS
from bench.chaos.disasters.small_disk import NoDisk
from bench.chaos.ground import learnt
from bench.chaos.scene import CALM, SHORT, WHOLE, Figures
from bench.detection.tables import table

HEADS = (
    "disaster",
    "asks",
    "recorded:false",
    "of those durable later",
    "acknowledged and lost",
    "denied",
    "stepped up",
    "late without a word",
    "99 % ms, calm",
    "else, worst phase",
    "MB before",
    "MB most",
)


def row(name: str, figures: Figures) -> list[str]:
    """A disaster's line."""
    phases = {answer.phase for answer in figures.answers} - {CALM}
    worst = max((figures.quantile(0.99, phase) for phase in phases), default=0.0)
    audit = figures.audit
    cells = (
        len(figures.answers),
        figures.unrecorded(),
        audit.late_but_kept,
        len(audit.lost) + len(audit.lost_events),
        figures.verdicts("deny"),
        figures.verdicts("step_up"),
        figures.late(),
        f"{figures.quantile(0.99, CALM):.0f}",
        f"{worst:.0f}",
        f"{figures.resident:.0f}",
        f"{figures.peak:.0f}",
    )
    return [name, *map(str, cells)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Let them happen, print, and say what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(DISASTERS), help="these alone")
    parser.add_argument("--short", action="store_true", help="as the tests have it: a minute in all")
    parsed = parser.parse_args(arguments)
    lines, details, wrong = [], [], []
    with tempfile.TemporaryDirectory(prefix="assayer-bench-", dir=".") as folder:
        ground = learnt(Path(folder).absolute())
        for name in parsed.only or DISASTERS:
            began = time.monotonic()
            try:
                figures = DISASTERS[name](ground, Path(folder).absolute() / name, SHORT if parsed.short else WHOLE)
            except NoDisk as reason:
                wrong.append(f"{name}: did not happen: {reason}")
                continue
            lines.append(row(name, figures))
            details += [f"{name}: {what}: {figure}" for what, figure in figures.told.items()]
            wrong += [f"{name}: {what}: {found}" for what, found in figures.wrong(killed=name == "killed").items()]
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(table(HEADS, lines))
    print(*details, sep="\n")
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
