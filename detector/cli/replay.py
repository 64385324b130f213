"""`assayer replay`: a history judged as if it happened now, row by row, each before it is learnt."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from detector.cli.complaint import FOUND_WRONG
from detector.cli.options import ConfigOption, DialectOption, configured, instant
from detector.cli.output import console, progress, table
from detector.cli.reading import check_dialect, read_events
from detector.cli.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import BinaryIO

    from detector.cli.rows import Summary
    from detector.engine.policy import Policy
    from detector.events import Event

FORMATS: Final = (".jsonl", ".parquet")

REASON_LENGTH: Final = 60


def replay(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Files, directories or globs; .gz and .zst are unpacked; - is stdin."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the rows go: a .jsonl or .parquet file.")],
    dialect: DialectOption = "auto",
    config: ConfigOption = None,
) -> None:
    """Judge a history from nothing, each event before it is learnt.

    Grants, issuances and usages are taken in the order of their times, with a fresh in-memory store;
    one row an event goes to FILE. The same input gives the same bytes.

    The exit status is 1 if a path is missing or nothing at all could be read.
    """
    if out.suffix not in FORMATS:
        raise typer.BadParameter(f"--out {out}: the name must end in {' or '.join(FORMATS)}")
    check_dialect(dialect)
    policy = configured(config).policy_in_force()
    tally = Tally()
    with written_whole(out) as target, progress("replaying") as advance:
        summary = _replayed(paths, dialect, policy=policy, tally=tally, target=target, advance=advance)
    _show(out, tally, summary)
    if tally.nothing_read:
        raise typer.Exit(FOUND_WRONG)


def _replayed(
    paths: list[str], dialect: str, *, policy: Policy, tally: Tally, target: Path, advance: Callable[[int], None]
) -> Summary:
    """Judge into `target`, whose suffix says the format."""
    from detector.intake.order import in_time_order

    events = in_time_order(read_events(paths, dialect, tally))
    if target.suffix == ".jsonl":
        with target.open("wb") as lines:
            return judge(events, policy=policy, lines=lines, tally=tally, advance=advance)
    from detector.intake.export import write_parquet

    with tempfile.TemporaryDirectory(prefix="assayer-replay-", dir=target.parent) as folder:
        between = Path(folder) / "rows.jsonl"
        with between.open("wb") as lines:
            summary = judge(events, policy=policy, lines=lines, tally=tally, advance=advance)
        write_parquet(between, target)
    return summary


def judge(
    events: Iterable[Event],
    *,
    policy: Policy,
    lines: BinaryIO,
    tally: Tally,
    advance: Callable[[int], None],
) -> Summary:
    """Weigh, then learn, each of the events in turn, and write the rows to `lines`. Memory stays flat."""
    from detector.cli.rows import Lines, Summary
    from detector.wiring.compose import EventClock, in_memory

    clock, encoded, summary = EventClock(), Lines(), Summary()
    engine = in_memory(policy, clock=clock)
    see, observe, write, encode = clock.see, engine.observe, lines.write, encoded.encode
    with unhurried_collector():
        for event in events:
            see(event.time)
            for row in observe(event):
                summary.see(row)
                tally.judged(row)
                write(encode(row))
            advance(1)
        for row in engine.settle():
            summary.see(row)
            tally.judged(row)
            write(encode(row))
    engine.close()
    return summary


@contextmanager
def unhurried_collector() -> Iterator[None]:
    """Let the garbage collector look at the long-lived state seldom: it is large, and holds no cycles."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A file beside `out` that takes its place at the end; where something goes wrong, `out` stays as it was."""
    partial = out.with_name(f".{out.stem}.partial{out.suffix}")
    partial.touch()
    try:
        yield partial
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _show(out: Path, tally: Tally, summary: Summary) -> None:
    screen = console()
    tally.show()
    kinds = sorted({kind for kind, _ in summary.verdicts})
    rows = [(kind, *(summary.verdicts[kind, verdict] for verdict in ("allow", "step_up", "deny"))) for kind in kinds]
    if rows:
        screen.print(table(("rows", "allow", "step_up", "deny"), rows))
    riskiest = [row for row in summary.riskiest() if row.evidence > 0]
    if riskiest:
        screen.print(
            table(
                ("evidence", "verdict", "kind", "time", "requester", "id", "because"),
                [
                    (
                        row.evidence,
                        row.verdict,
                        row.kind,
                        instant(row.time),
                        row.requester,
                        row.id,
                        row.reasons[0].because[:REASON_LENGTH] if row.reasons else "",
                    )
                    for row in riskiest
                ],
                title="the riskiest rows",
            )
        )
    screen.print(f"{summary.rows:,} rows in {out}", markup=False)
