"""`python -m bench.detection`: the tables. `--quick` is a small, faithful part of them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from bench.detection.cache import organisations
from bench.detection.measure import Evaluation, evaluate
from bench.detection.ours import assayer
from bench.detection.peers import PEERS, faceted
from bench.detection.peers.fixed import RULES, one_rule
from bench.detection.splits import QUICK, TEST, TRAIN, VALIDATION, Pair
from bench.detection.tables import report, summary, table


def main() -> None:
    """Generate, score, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three organisations instead of twelve")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument("--no-peers", action="store_true", help="only ours")
    parser.add_argument("--only-peers", action="store_true", help="only the others")
    arguments = parser.parse_args()
    pairs = QUICK if arguments.quick else {"train": TRAIN, "validation": VALIDATION, "test": TEST}[arguments.split]
    began, done = time.perf_counter(), list[Evaluation]()
    print(f"organisations: {', '.join(f'{style}-{seed}' for style, seed in pairs)}\n")
    if not arguments.only_peers:
        done.append(evaluate("assayer", organisations(pairs), assayer))
        print(report(done[0]), "\n", flush=True)
    if not arguments.no_peers:
        peers, rules = others(pairs)
        print("== all detectors, campaigns whose first mint carries a tell\n")
        print(summary([*done, *peers]), "\n", flush=True)
        print("== fixed rules, one by one\n")
        print(rules_table(rules), "\n")
    print(f"{time.perf_counter() - began:.0f} s")


def others(pairs: Sequence[Pair]) -> tuple[list[Evaluation], list[Evaluation]]:
    """Every peer, and every fixed rule by itself, on the same rows with the same facets."""
    peers = [(Evaluation(name), peer) for name, peer in PEERS.items()]
    rules = [(Evaluation(name), one_rule(name)) for name in RULES]
    for organisation in organisations(pairs):
        rows = faceted(organisation)
        for evaluation, peer in (*peers, *rules):
            evaluation.add(organisation, peer(organisation, rows))
    return [evaluation for evaluation, _ in peers], [evaluation for evaluation, _ in rules]


def rules_table(evaluations: list[Evaluation]) -> str:
    """What each rule catches at the first mint, and the share of legitimate issuances it would stop."""
    rows = []
    for evaluation in evaluations:
        counts, total = evaluation.stopped(0.5)
        honest = [row[0] for row in evaluation.honest["issuance"]]
        false = sum(score > 0.5 for score in honest) / len(honest)
        rows.append([evaluation.name, f"{100 * counts['first'] / total:.0f} %", f"{100 * false:.2f} %"])
    return table(("rule", "first mints caught", "legitimate issuances stopped"), rows)


if __name__ == "__main__":
    main()
