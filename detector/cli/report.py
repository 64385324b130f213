"""`assayer report`: what an auditor asks for over a period, from the log."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, configured
from detector.cli.output import progress

if TYPE_CHECKING:
    from detector.report import Period


class Format(StrEnum):
    """How it is written; `schema` is the JSON Schema of `json`, for which no log is read."""

    MD = "md"
    JSON = "json"
    SCHEMA = "schema"


def report(
    *,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="When the period begins. [default: the log's beginning]"),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="When it ends, not included. [default: the log's end]")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Markdown, JSON, or the JSON's schema.")] = Format.MD,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it here. [default: standard output]")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write the evidence of a period for an auditor.

    Who was minted what on which verdict, every identity that can mint and how far it reaches, what
    was enforced and reviewed, mapped to five frameworks. It is read from the log in the data directory,
    whether or not a server runs there. A DATE is 2026-03-31, or a time like 2026-03-31T12:00:00Z, by
    the log's own clock. The same log and period give the same bytes.
    """
    period = _period(since, until)
    settings = configured(config, data=data)
    text = _schema() if form is Format.SCHEMA else _written(settings.server.data, period, form)
    if out is None:
        typer.echo(text, nl=False)
        return
    from detector.store.files import replace_private

    replace_private(out, text)


def _period(since: str | None, until: str | None) -> Period:
    from detector.report import Period, instant

    bounds: dict[str, float | None] = {}
    for option, text in (("--from", since), ("--until", until)):
        try:
            bounds[option] = None if text is None else instant(text)
        except ValueError as error:
            raise typer.BadParameter(f"{option}: {error}") from None
    try:
        return Period(bounds["--from"], bounds["--until"])
    except ValueError as error:
        raise typer.BadParameter(f"--{error}") from None


def _written(directory: Path, period: Period, form: Format) -> bytes:
    from detector.store import LogReader, StoreError
    from detector.wiring.reporting import written

    try:
        reader = LogReader(directory)
        with progress("reading the log", total=reader.head(), unit="entries") as advance:
            return written(reader, period, "md" if form is Format.MD else "json", paged=advance)
    except StoreError as error:
        raise Complaint(str(error)) from None


def _schema() -> bytes:
    import msgspec

    from detector.report import schema

    return msgspec.json.format(msgspec.json.encode(schema()), indent=2) + b"\n"
