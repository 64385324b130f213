"""`python -m bench`, which is `make bench`: everything that is measured about speed and memory, in one table."""

from __future__ import annotations

import argparse

from bench import replay, score
from bench.tables import show


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    score.add_arguments(parser)
    replay.add_arguments(parser)
    arguments = parser.parse_args()
    rows = replay.measure(events=arguments.events, tenfold=not arguments.no_tenfold)
    rows += score.measure(rounds=arguments.rounds, seconds=arguments.seconds, steady_seconds=arguments.steady_seconds)
    show(rows)


if __name__ == "__main__":
    main()
