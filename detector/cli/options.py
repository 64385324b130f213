"""Options that several commands share, and the settings that come of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from detector.cli.complaint import Complaint

if TYPE_CHECKING:  # pydantic takes a third of a second to import: only commands that configure pay for it
    from detector.wiring.settings import Settings

SECONDS_IN: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

LONGEST_LIFE_DAYS: Final = 36_500
"""A hundred years: anything longer is a typing mistake, and dates end soon after."""

ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration file. [default: what ASSAYER_CONFIG names]"),
]
DataOption: TypeAlias = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The data directory. [default: ./assayer-data]")
]
DialectOption: TypeAlias = Annotated[
    str, typer.Option("--dialect", metavar="NAME", help="What the logs are; auto recognises them by content.")
]
TokenFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="Read the token from here. [default: ASSAYER_TOKEN]"),
]


def configured(config: Path | None, **server: Any) -> Settings:
    """The settings in force; keywords that are not `None` override the `server` section.

    Raises `Complaint` with a line for every mistake.
    """
    from detector.wiring.environment import configuration_file
    from detector.wiring.files import load
    from detector.wiring.problems import ConfigurationError

    given = {name: value for name, value in server.items() if value is not None}
    try:
        return load(configuration_file(config), overrides={"server": given} if given else {})
    except ConfigurationError as error:
        raise Complaint(str(error)) from None


def duration(text: str) -> timedelta:
    """A length of time such as `90d`, `12h` or `30m`. Raises `typer.BadParameter` for anything else.

    >>> duration("90m")
    datetime.timedelta(seconds=5400)
    """
    amount, unit = text[:-1], text[-1:]
    if unit not in SECONDS_IN or not amount.isascii() or not amount.isdigit() or int(amount) == 0:
        raise typer.BadParameter(f"{text!r} is no length of time: write 30m, 12h, 90d or 4w")
    if int(amount) * SECONDS_IN[unit] > LONGEST_LIFE_DAYS * SECONDS_IN["d"]:
        raise typer.BadParameter(f"{text!r} is longer than a hundred years")
    return timedelta(seconds=int(amount) * SECONDS_IN[unit])


def instant(seconds: float | None) -> str:
    """Unix seconds as a person reads them, in UTC; a dash for none."""
    from datetime import UTC, datetime

    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
