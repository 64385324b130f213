"""`python -m bench.enforcement`: attack mints stopped, honest requests blocked, and what each rule did."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from statistics import median
from typing import Final, TypeVar

import numpy as np

from bench.detection.ours import shipped_policy
from bench.detection.splits import QUICK, TEST, Pair
from bench.enforcement.broker import Arm, Asked, Played, play
from bench.tables import Row, show
from detector.engine.policy import Policy
from detector.engine.raising import RAISER
from detector.rules import Rule
from detector.simulator import simulate

NEVER: Final = 1e9
"""Accumulated risk that nobody reaches: no rule is raised."""

ARMS: Final[tuple[tuple[Arm, bool], ...]] = (
    ("obeyed", False),
    ("obeyed", True),
    ("denials only", False),
    ("denials only", True),
)
T = TypeVar("T")

RESAMPLES: Final = 1000
SEED: Final = 20_260_302


def main() -> None:
    """Play every organisation under every arm, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four organisations instead of twenty-four")
    parser.add_argument("--workers", type=int, default=2, help="processes at once")
    options = parser.parse_args()
    pairs = QUICK if options.quick else TEST
    jobs = [(pair, arm, rules) for arm, rules in ARMS for pair in pairs]
    with ProcessPoolExecutor(options.workers) as pool:
        played = list(pool.map(_played, jobs))
    by_arm: dict[tuple[Arm, bool], list[Played]] = defaultdict(list)
    for (_, arm, rules), one in zip(jobs, played, strict=True):
        by_arm[arm, rules].append(one)
    print(f"{len(pairs)} organisations, every mint asked for; seeds that nothing was tuned on\n")
    for (arm, rules), organisations in by_arm.items():
        print(f"-- step-ups {arm}, rules {'on' if rules else 'off'}")
        show([*_stopped(organisations), *(_rules(organisations) if rules else ())])
        print()


def policy(*, rules: bool) -> Policy:
    """What a fresh installation runs with, its rules going on to bite, or none raised at all."""
    shipped = shipped_policy()
    chosen = replace(shipped.rules, mode="enforced") if rules else replace(shipped.rules, raise_at=NEVER)
    return replace(shipped, rules=chosen)


def _played(job: tuple[Pair, Arm, bool]) -> Played:
    (style, seed), arm, rules = job
    return play(simulate(style, seed), policy(rules=rules), arm)


def _stopped(organisations: list[Played]) -> list[Row]:
    abuse = [[asked for asked in one.asked if asked.abuse] for one in organisations]
    honest = [[asked for asked in one.asked if not asked.abuse] for one in organisations]
    many, good = sum(map(len, abuse)), sum(map(len, honest))
    campaigns = [_campaigns(one) for one in abuse]
    return [
        Row("campaigns stopped at their first mint", _share(campaigns, lambda mints: not mints[0].minted), "", ""),
        Row("  at some mint", _share(campaigns, lambda mints: not all(a.minted for a in mints)), "", ""),
        Row("attack mints stopped", _share(abuse, lambda asked: not asked.minted), f"of {many:,}", ""),
        Row("  by a deny rule", _share(abuse, lambda asked: asked.bitten), "", ""),
        Row("  by another deny", _share(abuse, lambda asked: asked.answer == "deny" and not asked.bitten), "", ""),
        Row("  by a step-up", _share(abuse, lambda asked: asked.answer == "step_up" and not asked.minted), "", ""),
        Row("honest requests denied by a rule", _share(honest, lambda asked: asked.bitten), f"of {good:,}", ""),
        Row("  denied otherwise", _share(honest, lambda asked: asked.answer == "deny" and not asked.bitten), "", ""),
        Row("  stepped up", _share(honest, lambda asked: asked.answer == "step_up"), "", ""),
    ]


def _campaigns(abuse: list[Asked]) -> list[list[Asked]]:
    """An organisation's attack mints by campaign, in order."""
    found: dict[str, list[Asked]] = defaultdict(list)
    for asked in abuse:
        found[asked.campaign].append(asked)
    return list(found.values())


def _rules(organisations: list[Played]) -> list[Row]:
    """What each rule that Assayer raised did."""
    facts = [_Facts(one, rule) for one in organisations for rule in one.rules if rule.by == RAISER]
    biting = [fact for fact in facts if fact.bit]
    if not biting:
        return [Row("rules", f"{len(facts)} raised, none denied anything", "", "")]
    clean = sum(not fact.blocked for fact in biting)
    over = [fact for fact in facts if fact.observed > fact.predicted]
    return [
        Row("rules raised / that denied something", f"{len(facts)} / {len(biting)}", "", ""),
        Row("of these, that blocked no honest request", f"{clean / len(biting):.1%}", f"{clean}", "90 %"),
        Row("honest requests blocked by the others", f"{sum(fact.blocked for fact in biting)}", "", ""),
        Row(
            "collateral predicted / observed (mean share of a requester's requests)",
            f"{np.mean([fact.predicted for fact in facts]):.3%} / {np.mean([fact.observed for fact in facts]):.3%}",
            f"more than predicted: {len(over)} rules",
            "",
        ),
        Row("median life", f"{median(fact.life for fact in facts) / 3600.0:.1f} h", "", ""),
        Row("  of those that denied something", f"{median(fact.life for fact in biting) / 3600.0:.1f} h", "", ""),
    ]


class _Facts:
    """One rule, as it lived: what it blocked, what its backtest had said, how long it lived (seconds)."""

    def __init__(self, played: Played, rule: Rule) -> None:
        own = [
            a
            for a in played.asked
            if a.requester == rule.selector.requester and rule.created <= a.at < _end(rule, played)
        ]
        hit = [asked for asked in own if asked.rule == rule.id]
        honest = [asked for asked in own if not asked.abuse]
        self.bit = any(asked.bitten for asked in hit)
        self.blocked = sum(asked.bitten and not asked.abuse for asked in hit)
        self.predicted = rule.backtest.collateral if rule.backtest is not None else 0.0
        self.observed = sum(not asked.abuse for asked in hit) / len(honest) if honest else 0.0
        self.life = _end(rule, played) - rule.created


def _end(rule: Rule, played: Played) -> float:
    return min(rule.since if rule.withdrawn else rule.expires, played.ended)


def _share(rows: Sequence[Sequence[T]], is_so: Callable[[T], bool]) -> str:
    """The share of all rows that are so, with its interval by drawing organisations again."""
    so = np.array([sum(bool(is_so(asked)) for asked in one) for one in rows], dtype=float)
    many = np.array([len(one) for one in rows], dtype=float)
    if not many.sum():
        return "-"
    draws = np.random.default_rng(SEED).multinomial(len(rows), [1 / len(rows)] * len(rows), size=RESAMPLES)
    shares = (draws @ so) / np.maximum(draws @ many, 1.0)
    low, high = np.quantile(shares, (0.025, 0.975))
    return f"{so.sum() / many.sum():.3%} ({low:.3%} to {high:.3%})"


if __name__ == "__main__":
    main()
