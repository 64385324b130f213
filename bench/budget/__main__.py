"""`python -m bench.budget`: the tables. A small run is one with fewer `--requester-years`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from bench.budget.tables import Budgets, report
from bench.budget.years import ACTIVITY, FIRST_SEED, YEAR_DAYS, Played, Year, plan, play, robbed, stressed


def main(arguments: Sequence[str] | None = None) -> None:
    """Plan, play, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.budget", description=__doc__)
    parser.add_argument("--requester-years", type=int, default=3000, help="healthy ones, pooled over six styles")
    parser.add_argument("--stress-years", type=int, help="requester-years under each stress (a sixth of the healthy)")
    parser.add_argument("--late", type=int, default=3, help="organisations with campaigns at the year's end")
    parser.add_argument("--no-stress", action="store_true", help="only healthy years and power")
    parser.add_argument("--no-power", action="store_true", help="no campaigns")
    parser.add_argument("--days", type=int, default=YEAR_DAYS, help="after the warm-up")
    parser.add_argument("--activity", type=float, default=ACTIVITY, help="requests, by those of bench.detection")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first organisation of each style")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args(arguments)
    years = plan(chosen.requester_years, seed=chosen.seed, days=chosen.days, activity=chosen.activity)
    todo = list(years)
    if not chosen.no_stress:
        todo += stressed(years, chosen.stress_years or chosen.requester_years // 6)
    if not chosen.no_power:
        todo += robbed(years, chosen.late)
    began = time.perf_counter()
    played = list(_watched(_all(todo, chosen.processes), todo))
    print(report(played, Budgets()))
    print(f"\n{time.perf_counter() - began:.0f} s with {chosen.processes} processes")


def _all(todo: Sequence[Year], processes: int) -> Iterator[Played]:
    """Play them all. Each gets a process of its own, so that memory goes back and its peak is its own."""
    if processes == 1:
        yield from map(play, todo)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(play, year) for year in todo]):
            yield done.result()


def _watched(played: Iterable[Played], todo: Sequence[Year]) -> Iterator[Played]:
    """Say on standard error how far it is, and give them in the order of the plan."""
    done: dict[Year, Played] = {}
    for one in played:
        done[one.year] = one
        if sys.stderr.isatty():
            year = one.year
            print(
                f"{len(done)}/{len(todo)} {year.style}-{year.seed} {year.stress}: {one.rows:,} rows,"
                f" {one.simulating:.0f} + {one.judging:.0f} s, {one.megabytes:.0f} MB",
                file=sys.stderr,
            )
    return iter([done[year] for year in todo])


if __name__ == "__main__":
    main()
