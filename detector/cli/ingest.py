"""`assayer ingest`: logs into the store, learning from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.complaint import FOUND_WRONG
from detector.cli.options import ConfigOption, DataOption, DialectOption, TokenFileOption, configured
from detector.cli.output import complain, progress
from detector.cli.reading import check_dialect, followed, read_events
from detector.cli.remote import running
from detector.cli.sinks import ServerSink, opened_store
from detector.cli.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.cli.sinks import Sink
    from detector.events import Event
    from detector.wiring.settings import Settings


def ingest(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Files, directories or globs; .gz and .zst are unpacked; - is stdin."),
    ],
    *,
    dialect: DialectOption = "auto",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on reading one directory as it grows, until interrupted.")
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Learn from logs, into the store of a data directory.

    Events are taken in the order of their times. A server that runs on that directory is sent the
    events instead, with the token in ASSAYER_TOKEN.

    A record that cannot be read is named on standard error and skipped; the exit status is 1 only
    if a path is missing or nothing at all could be read.
    """
    check_dialect(dialect)
    settings = configured(config, data=data)
    tally = Tally()
    sink, stored = _sink(settings, token_file, tally, history=not follow)
    events = followed(paths, dialect, tally) if follow else _history(paths, dialect, tally)
    try:
        with progress("learning") as advance:
            for event in events:
                if event is None:
                    sink.flush()
                else:
                    sink.take(event)
                    advance(1)
    finally:
        sink.close()
    tally.show(joins=stored)
    if tally.nothing_read:
        raise typer.Exit(FOUND_WRONG)


def _sink(settings: Settings, token_file: Path | None, tally: Tally, *, history: bool) -> tuple[Sink, bool]:
    """Where the events go, and whether that is our own store."""
    remote = running(settings.server.data, token_file)
    if remote is None:
        return opened_store(settings, tally, history=history), True
    complain(f"a server writes {settings.server.data}: the events go to it, at {remote.url}")
    if history:
        wait = f"{settings.learning.quarantine_seconds:g} s"
        complain(f"they teach {wait} after they reach it; history teaches at once where no server runs yet")
    return ServerSink(remote), False


def _history(paths: list[str], dialect: str, tally: Tally) -> Iterator[Event]:
    from detector.intake.order import in_time_order

    return in_time_order(read_events(paths, dialect, tally))
