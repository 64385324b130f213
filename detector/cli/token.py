"""`assayer token`: who may ask, feed, look and operate."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, configured, duration, instant
from detector.cli.output import console, table

if TYPE_CHECKING:
    from detector.api.tokens import Tokens

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@commands.command("create")
def create(
    role: Annotated[
        list[str], typer.Option("--role", metavar="ROLE", help="broker, ingest, analyst or operator; may be repeated.")
    ],
    name: Annotated[str, typer.Option("--name", help="Whose token it is. [default: the roles]")] = "",
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="Its life: 12h, 90d… [default: until revoked]")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make a token and print it, this once; only its hash is kept."""
    ends = None if expires is None else time.time() + duration(expires).total_seconds()
    tokens = _tokens(config, data)
    try:
        made = tokens.create(role, name=name, expires=ends)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(made.secret)
    until = "until revoked" if ends is None else f"until {instant(ends)}"
    typer.echo(f"{', '.join(made.token.roles)} token {made.token.id}, good {until}", err=True)


@commands.command("list")
def listing(config: ConfigOption = None, data: DataOption = None) -> None:
    """List the tokens: never their secrets, which nobody has but their holders."""
    now = time.time()
    rows = [
        (token.id, token.name, ", ".join(token.roles), token.state(now), instant(token.created), instant(token.expires))
        for token in _tokens(config, data).all()
    ]
    console().print(table(("id", "name", "roles", "state", "created", "expires"), rows))


@commands.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id or its name, as `assayer token list` says.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """End a token now; a running server knows within a second."""
    tokens = _tokens(config, data)
    meant = [known.id for known in tokens.all() if known.id == token]
    meant = meant or [known.id for known in tokens.all() if known.name == token and known.revoked is None]
    if not meant:
        raise Complaint(f"no token has the id or the name {token!r}: see `assayer token list`")
    if len(meant) > 1:
        raise Complaint(f"{len(meant)} tokens are named {token!r}: say which by id: {', '.join(meant)}")
    typer.echo(f"revoked {tokens.revoke(meant[0]).id}")


def _tokens(config: Path | None, data: Path | None) -> Tokens:
    from detector.api.tokens import Tokens, TokensUnreadable
    from detector.wiring.compose import tokens_file

    try:
        return Tokens(tokens_file(configured(config, data=data).server.data))
    except TokensUnreadable as error:
        raise Complaint(str(error)) from None
