"""`assayer config`: is the configuration right, and what may stand in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detector.cli.options import ConfigOption, configured

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@commands.command("check")
def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="[default: what ASSAYER_CONFIG names]", show_default=False)
    ] = None,
) -> None:
    """Check a configuration file, and the ASSAYER_ variables over it.

    Every mistake is named with its key and line, and the exit status is then 1.
    """
    from detector.wiring.environment import configuration_file

    configured(file)
    named = configuration_file(file)
    typer.echo(f"{named}: good" if named else "the environment is good; no configuration file is named")


@commands.command("show")
def show(config: ConfigOption = None) -> None:
    """Print the configuration in force as a commented file: the defaults, where nothing else is said."""
    from detector.wiring.reference import example_toml

    typer.echo(example_toml(configured(config)), nl=False)
