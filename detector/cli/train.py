"""`assayer train`: the model fitted again on a labelled log, and whether that makes it better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, DialectOption, configured, instant
from detector.cli.output import complain, console, printable, progress, table
from detector.cli.reading import check_dialect, read_events
from detector.cli.replay import unhurried_collector, written_whole
from detector.cli.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.engine.records import Entry
    from detector.events import Event
    from detector.evidence import EvidenceModel
    from detector.training.labels import Truth
    from detector.training.refit import Refit

LINES_NAMED: Final = 10
"""Bad lines of a file of labels that are named; the others are counted."""


def train(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Logs, as for replay. [default: the events in the data directory's own log]",
            show_default=False,
        ),
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="MODEL", help="Where the model goes, if it is better.")],
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help='JSON Lines: {"id": …, "label": "malicious" or "legitimate"}. '
            "[default: outcomes in the data directory's log]",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write the model even if it is no better.")] = False,
    dialect: DialectOption = "auto",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Fit the weights again, on labelled events, and say whether that is better.

    Starts from the model in use. The first 70 % of the labelled time is fitted on, the rest judges
    both models at equal false alarms. Use what it writes by model.file in the configuration.

    The exit status is 1 if no model was written.
    """
    from detector.training.refit import gather, refit

    check_dialect(dialect)
    if not out.parent.is_dir():
        raise Complaint(f"{out.parent}: no such directory")
    settings, tally = configured(config, data=data), Tally()
    policy = settings.policy_in_force()
    truth = _truth(labels, settings.server.data)
    events = _events(paths or [], dialect, settings.server.data, tally)
    tally.show_rejected()
    with unhurried_collector(), progress("replaying") as advance:
        gathered = gather(events, truth, advance)
        found = refit(events, truth, gathered.marked, policy, advance)
    if gathered.unmet:
        complain(f"{gathered.unmet:,} of {len(truth.malicious):,} labels are of no event that was read")
    _show(found)
    if found.model is None:
        raise Complaint(f"{out} was not written")
    if found.comparison.opinion != "better" and not force:
        raise Complaint(f"{out} was not written; --force writes it all the same")
    _write(out, found.model)


def _truth(labels: Path | None, directory: Path) -> Truth:
    """The labels in the file, else those in the data directory's log."""
    from detector.training.labels import logged_labels, read_labels

    if labels is None:
        return logged_labels(_entries(directory))
    bad: list[tuple[int, str]] = []
    with labels.open("rb") as lines:
        truth = read_labels(lines, lambda number, reason: bad.append((number, reason)))
    for number, reason in bad[:LINES_NAMED]:
        complain(printable(f"{labels}:{number}: {reason}"))
    if bad:
        many = "1 line could not be read and was" if len(bad) == 1 else f"{len(bad):,} lines could not be read and were"
        complain(f"{labels}: {many} skipped")
    return truth


def _events(paths: list[str], dialect: str, directory: Path, tally: Tally) -> list[Event]:
    """All events in time order, of the paths or of the data directory's log: they are replayed several times."""
    from detector.intake.order import in_time_order
    from detector.training.labels import logged_events

    events: list[Event] = []
    with unhurried_collector(), progress("reading") as advance:
        found = read_events(paths, dialect, tally) if paths else logged_events(_entries(directory))
        for event in in_time_order(found):
            events.append(event)
            advance(1)
    return events


def _entries(directory: Path) -> Iterator[Entry]:
    """The log's entries. Raises `Complaint` where there is no log, or a damaged one."""
    from detector.store import LogReader, StoreError

    try:
        yield from LogReader(directory).read()
    except StoreError as error:
        raise Complaint(str(error)) from None


def _show(found: Refit) -> None:
    screen = console()
    parts = ((f"fitted on, until {instant(found.until or None)}", found.fitted), ("judged on, after that", found.held))
    for what, counts in parts:
        screen.print(f"{what}: {counts[True]:,} malicious and {counts[False]:,} legitimate events", markup=False)
    if found.comparison.measures:
        rows = [(m.name, m.first, m.second, f"{m.low:+.3f} to {m.high:+.3f}") for m in found.comparison.measures]
        shown = [(name, f"{first:.3f}", f"{second:.3f}", change) for name, first, second, change in rows]
        screen.print(table(("on what came after", "in use", "refitted", "change (95 %)"), shown))
    screen.print(f"{found.comparison.opinion}: {found.comparison.because}", markup=False)


def _write(out: Path, model: EvidenceModel) -> None:
    from detector.wiring.model import written

    with written_whole(out) as target:
        target.write_bytes(written(model))
    console().print(f'wrote {out}: set file = "{out}" under [model] in the configuration to use it', markup=False)
