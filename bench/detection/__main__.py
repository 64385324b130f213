"""`python -m bench.detection`: the tables. `--quick` is a small, faithful part of them."""

from __future__ import annotations

import argparse
import sys
import time
from importlib.util import find_spec

from bench.detection.bootstrap import Resamples
from bench.detection.measure import Evaluation
from bench.detection.report import report
from bench.detection.run import judged
from bench.detection.splits import QUICK, TEST, TRAIN, VALIDATION
from bench.detection.tables import share, summary, table


def main() -> int:
    """Generate, score, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{len(QUICK)} organisations instead of {len(TEST)}")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument("--no-peers", action="store_true", help="only ours")
    parser.add_argument("--only-peers", action="store_true", help="only the others")
    arguments = parser.parse_args()
    if not arguments.no_peers and not find_spec("pyod"):
        print("PyOD is missing: `make bench-detection` installs bench/requirements.lock, --no-peers does without it")
        return 1
    pairs = QUICK if arguments.quick else {"train": TRAIN, "validation": VALIDATION, "test": TEST}[arguments.split]
    began = time.perf_counter()
    print(f"organisations: {', '.join(f'{style}-{seed}' for style, seed in pairs)}\n", flush=True)
    said = judged(pairs, ours=not arguments.only_peers, peers=not arguments.no_peers)
    for evaluation in said.ours:
        print(report(evaluation), "\n", flush=True)
    if said.peers:
        drawn = [Resamples(evaluation) for evaluation in (*said.ours, *said.peers)]
        print("== all detectors, campaigns whose first mint carries a tell\n")
        print(summary(drawn), "\n")
        print("== all detectors, campaigns whose tell is in the use\n")
        print(summary(drawn, tells=("use",)), "\n")
        print("== fixed rules, one by one\n")
        print(rules_table(said.rules), "\n")
    print(f"{time.perf_counter() - began:.0f} s")
    return 0


def rules_table(evaluations: list[Evaluation]) -> str:
    """What each rule catches at the first mint, and the share of legitimate issuances it would stop."""
    rows = []
    for evaluation in evaluations:
        counts, total = evaluation.stopped(0.5)
        honest = evaluation.scores("issuance")
        false = share(float((honest > 0.5).sum()), honest.size, 2)
        rows.append([evaluation.name, share(counts["first"], total), false])
    return table(("rule", "first mints caught", "legitimate issuances stopped"), rows)


if __name__ == "__main__":
    sys.exit(main())
