"""`python -m detector.simulator`: writes the samples, or a whole organisation with its labels."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from detector.simulator.organisation import DEFAULT_CAMPAIGNS, DEFAULT_DAYS, simulate
from detector.simulator.samples import write
from detector.simulator.styles import STYLES
from detector.simulator.writers import WRITERS, records


def main(arguments: list[str] | None = None) -> None:
    """Parse, write, say nothing."""
    parser = argparse.ArgumentParser(prog="python -m detector.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    samples = commands.add_parser("samples", help="write data/samples again from its seed (the default)")
    samples.add_argument("folder", type=Path, nargs="?", default=Path("data/samples"))
    whole = commands.add_parser("organisation", help="write one organisation and the truth about it")
    whole.add_argument("folder", type=Path)
    whole.add_argument("--style", choices=sorted(STYLES), default="vault")
    whole.add_argument("--seed", type=int, default=1)
    whole.add_argument("--days", type=int, default=DEFAULT_DAYS)
    whole.add_argument("--campaigns", type=int, default=DEFAULT_CAMPAIGNS)
    whole.add_argument("--dialect", choices=sorted(WRITERS), default="native")
    chosen = parser.parse_args(arguments)
    if chosen.command == "organisation":
        _organisation(chosen)
    else:
        write(chosen.folder if chosen.command else Path("data/samples"))


def _organisation(chosen: argparse.Namespace) -> None:
    """Everything in one dialect, in the order of delivery, and beside it the labels, line by line in time order."""
    found = simulate(chosen.style, chosen.seed, days=chosen.days, campaigns=chosen.campaigns)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with (chosen.folder / f"{chosen.dialect}.jsonl").open("wb") as log:
        for record in records(chosen.dialect, [row.event for row in found.arrivals()]):
            log.write(msgspec.json.encode(record) + b"\n")
    with (chosen.folder / "labels.jsonl").open("wb") as labels:
        for row in found.rows:
            labels.write(msgspec.json.encode({"id": row.event.id, **msgspec.to_builtins(row.label)}) + b"\n")


if __name__ == "__main__":
    main()
