"""`assayer signals`: who is told what is announced, how far behind they are, and the keys that sign for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, configured
from detector.cli.output import console, table

if TYPE_CHECKING:
    from pathlib import Path

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@commands.command("streams")
def streams(config: ConfigOption = None, data: DataOption = None) -> None:
    """List the streams, and how far behind each is."""
    from detector.signals.streams import STREAMS_NAME, Streams
    from detector.store import StoreError
    from detector.store.told import ToldReader

    directory = configured(config, data=data).server.data
    if not (directory / STREAMS_NAME).is_file():
        raise Complaint(f"{directory}: there are no streams (signals.issuer, signals.streams)")
    try:
        reader = ToldReader(directory)
        known = Streams(directory)
    except StoreError as error:
        raise Complaint(str(error)) from None
    try:
        rows = [
            (stream.id, stream.owner, stream.form, stream.endpoint or "polled", stream.status, behind)
            for stream in known.all()
            for behind, _ in (reader.announced_after(known.cursor(stream.id)),)
        ]
    finally:
        known.close()
    console().print(table(("id", "owner", "sends", "to", "status", "behind"), rows))


@commands.command("rotate-keys")
def rotate_keys(config: ConfigOption = None, data: DataOption = None) -> None:
    """Sign with the next key from now on, and publish another one after it.

    A running server takes it up at its next signature. Receivers know the key already: the next one is
    always published beside the one that signs.
    """
    typer.echo(f"tokens are signed with {_rotated(configured(config, data=data).server.data)}")


def _rotated(directory: Path) -> str:
    from detector.signals.keys import KEY_NAME, KeysUnreadable, SigningKeys

    if not (directory / KEY_NAME).is_file():
        raise Complaint(f"{directory}: there are no keys yet; a server with signals.issuer makes them")
    try:
        return SigningKeys(directory / KEY_NAME).rotate()
    except (KeysUnreadable, OSError) as error:
        raise Complaint(str(error)) from None
