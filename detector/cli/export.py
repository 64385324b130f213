"""`assayer export`: what was found, for other tools: the log's flagged rows as OCSF Detection Findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, configured
from detector.cli.output import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.engine.records import Entry
    from detector.store.told import ToldReader

PAGE: Final = 1_000
"""Flagged rows read at once."""

FOR_EVER: Final = float("inf")


def export(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where they go: one JSON object a line.")],
    *,
    ocsf: Annotated[bool, typer.Option("--ocsf", help="As OCSF Detection Findings (class 2004).")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="From here on (RFC 3339), by the log's clock.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to here, not included.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write what was found as findings that other tools read.

    Every row that was stepped up or denied is one, also where nothing was enforced; a credential that was
    announced updates the finding it was announced for. Read from the log, whether or not a server runs.
    """
    if not ocsf:
        raise typer.BadParameter("say what to write: --ocsf")
    begin, end = _moment(since, "--since", 0.0), _moment(until, "--until", FOR_EVER)
    settings = configured(config, data=data)
    with progress("exporting", unit="records") as advance:
        written = _written(settings.server.data, out, begin, end, advance)
    typer.echo(f"{written:,} findings in {out}")


def _moment(text: str | None, option: str, default: float) -> float:
    from detector.sources.fields import moment

    if text is None:
        return default
    try:
        return moment(text, naive_is_utc=True)
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text}: {error}") from None


def _written(data: Path, out: Path, begin: float, end: float, advance: Callable[[int], None]) -> int:
    """How many findings were written. Raises `Complaint` where the log, or the file, cannot be had."""
    from importlib.metadata import version

    import msgspec

    from detector.cli.replay import written_whole
    from detector.signals.findings import finding
    from detector.store import StoreError
    from detector.store.told import ToldReader

    product, written = version("assayer"), 0
    try:
        reader = ToldReader(data)
        with written_whole(out) as target, target.open("wb") as file:
            for entry in _flagged(reader, advance):
                found = finding(entry, product_version=product) if begin <= entry.stamp < end else None
                if found is not None:
                    file.write(msgspec.json.encode(found) + b"\n")
                    written += 1
    except StoreError as error:
        raise Complaint(str(error)) from None
    return written


def _flagged(reader: ToldReader, advance: Callable[[int], None]) -> Iterator[Entry]:
    """Every entry that may be a finding, in order; memory stays flat."""
    after, head = 0, reader.head()
    while after < head:
        entries, reached = reader.flagged(after, most=PAGE)
        yield from entries
        advance(reached - after)
        after = reached
