"""`python -m bench.explanations`: are the reasons why? Takes the top three away and looks whether the verdict stands.

Every step-up and deny that the engine gives at its default thresholds, legitimate or not, on three organisations of
the test split (`--all`: on all twelve). The nats of its three largest reasons are taken from its evidence. A step-up
*flips* when what is left is below the step-up threshold, a deny when it is below the deny threshold. What says nothing
because a wider facet spoke for it (a new address in a new network) goes with that facet. What had accumulated against
the requester is a reason like any other.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from bench.detection.cache import organisations
from bench.detection.ours import HandClock, Witness, shipped_policy
from bench.detection.splits import QUICK, TEST
from bench.detection.tables import table
from detector.engine import Engine, Row
from detector.engine.policy import Policy
from detector.engine.ports import Silence
from detector.events import Event
from detector.evidence import in_nats

TOP: Final = 3
"""Reasons that are taken away: what a reader takes in at a glance."""

SHOWN: Final = 8
"""Rows that do not flip, shown with their reasons."""

_ROUNDING: Final = 0.01
"""Nats within which sums of rounded shares are equal."""


class Flagged(NamedTuple):
    """A row that was stepped up or denied, its thresholds, and every positive share of its evidence (nats)."""

    row: Row
    limit: float
    positive: Sequence[float]

    def left(self, top: int = TOP) -> float:
        """The evidence without so many of the largest reasons."""
        return self.row.evidence - sum(reason.nats for reason in self.row.reasons[:top])

    def flips(self, top: int = TOP) -> bool:
        """Whether the verdict would have been milder without them."""
        return self.left(top) < self.limit

    @property
    def held(self) -> float:
        """The part of all that spoke against the row that the top reasons hold."""
        return sum(reason.nats for reason in self.row.reasons[:TOP]) / max(sum(self.positive), _ROUNDING)


class _Shares(Silence):
    """An ear that keeps the shares of the rows that were judged last."""

    def __init__(self) -> None:
        self.heard: list[Sequence[float]] = []

    def judged(
        self, *, kind: str, verdict: str, mode: str, nats: float, shares: Sequence[float], novel: Sequence[int]
    ) -> None:
        """Keep them; rows come back in the order they were judged."""
        del kind, verdict, mode, nats, novel
        self.heard.append(shares)


def flagged(events: Iterable[Event], policy: Policy) -> Iterator[Flagged]:
    """Every row of `events` (in time order) that is not allowed. Wrong for rules: a replay has none that bite."""
    clock, ear, log = HandClock(), _Shares(), Witness()
    engine = Engine(policy=policy, log=log, clock=clock, ear=ear)
    for event in events:
        clock.now = max(clock.now, event.time)
        yield from _told(engine.observe(event), ear, log)
    yield from _told(engine.settle(), ear, log)
    engine.close()


def _told(rows: Sequence[Row], ear: _Shares, log: Witness) -> Iterator[Flagged]:
    for row, shares in zip(rows, ear.heard, strict=True):
        if row.verdict != "allow":
            limit = in_nats(log.weighed[row.kind, row.id].step_up_at)
            carried = max(row.evidence - sum(shares), 0.0)
            yield Flagged(row, limit, [share for share in (*shares, carried) if share > _ROUNDING])
    ear.heard.clear()


def main() -> None:
    """Replay, take away, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.explanations", description=__doc__)
    parser.add_argument("--all", action="store_true", help="all twelve organisations of the test split")
    pairs = TEST if parser.parse_args().all else QUICK
    began, policy = time.perf_counter(), shipped_policy()
    print(f"organisations: {', '.join(f'{style}-{seed}' for style, seed in pairs)}\n")
    found = [told for o in organisations(pairs) for told in flagged((row.event for row in o.rows), policy)]
    print(f"== verdicts that flip without their largest reasons\n\n{verdicts(found)}\n")
    print(f"== how many reasons rows have, and what the top {TOP} hold of all that spoke against them\n")
    print(f"{holdings(found)}\n")
    print(f"{standing(found)}\n\n{time.perf_counter() - began:.0f} s")


def verdicts(found: Sequence[Flagged]) -> str:
    """The shares that flip without the first reason, the first two, and so on, by kind of row and verdict."""
    cells: dict[tuple[str, str], list[Flagged]] = {}
    for told in found:
        for cell in ((told.row.kind, told.row.verdict), ("all", told.row.verdict), ("all", "all")):
            cells.setdefault(cell, []).append(told)
    rows = [
        [kind, verdict, str(len(given)), *(_share(given, top) for top in range(1, TOP + 1))]
        for (kind, verdict), given in sorted(cells.items(), key=lambda cell: (cell[0][0] == "all", cell[0]))
    ]
    return table(("rows", "verdict", "given", *(f"without {top}" for top in range(1, TOP + 1))), rows)


def _share(given: Sequence[Flagged], top: int) -> str:
    return f"{100 * sum(told.flips(top) for told in given) / len(given):.1f} %"


def holdings(found: Sequence[Flagged]) -> str:
    """By the number of reasons: rows, and the median and the least part of positive evidence that the top ones hold."""
    rows = []
    for number in sorted({len(told.row.reasons) for told in found}):
        held = [told.held for told in found if len(told.row.reasons) == number]
        rows.append([str(number), str(len(held)), f"{100 * statistics.median(held):.0f} %", f"{100 * min(held):.0f} %"])
    return table(("reasons", "rows", "held, median", "held, least"), rows)


def standing(found: Sequence[Flagged]) -> str:
    """The rows that do not flip, the furthest from it first."""
    stand = sorted((told for told in found if not told.flips()), key=lambda told: told.limit - told.left())
    lines = [f"== {len(stand)} stand"]
    for told in stand[:SHOWN]:
        said = ", ".join(f"{reason.code} {reason.nats:.1f}" for reason in told.row.reasons)
        lines.append(f"{told.row.kind} {told.row.verdict} {told.row.evidence:.1f}, {told.left():.1f} left: {said}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
