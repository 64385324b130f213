"""`assayer log`: the log itself: whose key signs it, a new key, and what is to be forgotten."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, TokenFileOption, configured, duration

if TYPE_CHECKING:
    from pathlib import Path

    from detector.wiring.compose import Embedded

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

ROTATES: Final = "operator"


@commands.command("key")
def key(config: ConfigOption = None, data: DataOption = None) -> None:
    """Print the key that checks the log's checkpoints, for whoever is to verify them elsewhere.

    After a rotation every key is printed, the one that signs now last.
    """
    from detector.store import LogReader, StoreError

    directory = configured(config, data=data).server.data
    try:
        keys = LogReader(directory).verifiers()
    except StoreError as error:
        raise Complaint(str(error)) from None
    for verifier in keys:
        typer.echo(verifier.text())


@commands.command("rotate-key")
def rotate_key(config: ConfigOption = None, data: DataOption = None, token_file: TokenFileOption = None) -> None:
    """Sign the log with a new key from here on.

    The old key signs once more, together with the new one, and names it: who knows the old key can
    follow. It is then gone.
    """
    from detector.cli.opened import opened

    with opened(configured(config, data=data), token_file) as home:
        if home.store is None:
            typer.echo(str(home.server.post("v1", "log", "rotate-key", body={}, needs=ROTATES)["verifier_key"]))
        else:
            typer.echo(home.store.rotate_key(by=_by()).new)


@commands.command("compact")
def compact(
    keep: Annotated[str, typer.Option("--keep", metavar="TIME", help="How much of the past to keep: 400d, 52w…")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Forget what was logged longer ago, without losing what it came to, nor any proof.

    The entries' hashes are kept, and the state they led to. A running server does it by itself, with
    days set under [retention] in its configuration.
    """
    from detector.cli.opened import opened

    seconds = duration(keep).total_seconds()
    settings = configured(config, data=data)
    with opened(settings, None) as home:
        if home.store is None:
            raise Complaint(
                f"a server runs on {settings.server.data}: stop it, or let it forget by itself ([retention] days)"
            )
        before = _compacted(home.store, seconds, settings.server.data)
    if before is None:
        typer.echo("nothing is old enough to be forgotten")
    else:
        typer.echo(f"forgotten: entries up to {before:,}; their hashes are kept, and what they came to")


def _compacted(store: Embedded, keep: float, data: Path) -> int | None:
    from detector.store import StoreError

    try:
        record = store.compact(older_than=store.engine.state.memory.stamp - keep, by=_by())
    except StoreError as error:
        raise Complaint(f"{data}: {error}") from None
    return None if record is None else record.before


def _by() -> str:
    return f"{getpass.getuser()} (command line)"
