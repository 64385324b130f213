"""`assayer step-ups`: what waits for somebody's answer, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from detector.cli.options import ConfigOption, DataOption, TokenFileOption, configured
from detector.cli.output import console, printable, table
from detector.cli.step_up_home import step_up_home

if TYPE_CHECKING:
    from pathlib import Path

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

TaskArgument = Annotated[str, typer.Argument(metavar="STEP-UP", help="Its id, as `assayer step-ups list` says.")]
BecauseOption = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; it is recorded.")]

FACTS: Final = (
    *("id", "status", "requester", "on_behalf_of", "issuer", "resource", "ttl_seconds", "evidence", "emergency"),
    *("because", "broker", "methods", "created", "expires", "answered_by", "method", "answered", "approved_until"),
    *("used", "decision_id"),
)


@commands.command("list")
def listing(
    status: Annotated[
        str, typer.Option("--status", metavar="STATUS", help="pending, approved, denied, cancelled or expired.")
    ] = "pending",
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List what waits for an answer, emergencies first. A running server wants an approver's token."""
    with step_up_home(configured(config, data=data), token_file) as home:
        found = home.all(status)
    rows = [
        (one["id"], one["requester"], one["resource"], one["evidence"], one["expires"], one["because"])
        for one in found["step_ups"]
    ]
    console().print(table(("id", "requester", "resource", "nats", "expires", "because"), rows))
    if found["total"] > len(rows):
        console().print(f"and {found['total'] - len(rows)} more")


@commands.command("show")
def show(
    task: TaskArgument, config: ConfigOption = None, data: DataOption = None, token_file: TokenFileOption = None
) -> None:
    """Show one: who asks for what, on whose behalf, and why it was stepped up."""
    with step_up_home(configured(config, data=data), token_file) as home:
        _show(home.one(task))


@commands.command("approve")
def approve(
    task: TaskArgument,
    because: BecauseOption,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Approve exactly what was asked for, for a while. Nobody approves a request of his own."""
    _answer(task, "approve", because, config=config, data=data, token_file=token_file)


@commands.command("deny")
def deny(
    task: TaskArgument,
    because: BecauseOption,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Deny it: that counts against the requester."""
    _answer(task, "deny", because, config=config, data=data, token_file=token_file)


@commands.command("revoke")
def revoke(
    task: TaskArgument,
    because: BecauseOption,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Take an approval back: nothing passes on it any more."""
    _answer(task, "revoke", because, config=config, data=data, token_file=token_file)


def _answer(
    task: str, verb: str, because: str, *, config: Path | None, data: Path | None, token_file: Path | None
) -> None:
    with step_up_home(configured(config, data=data), token_file) as home:
        _show(home.answer(task, verb, because=because))


def _show(one: dict[str, Any]) -> None:
    screen = console()
    for name in FACTS:
        value = one.get(name)
        if value not in (None, "", [], False):
            said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            screen.print(f"{name:<15} {printable(said)}", markup=False)
    for reason in (one.get("decision") or {}).get("reasons", ()):
        said = f"{reason['because']} (expected {reason['expected']}; observed {reason['observed']})"
        screen.print(f"{'reason':<15} {reason['nats']:.1f} nats: {printable(said)}", markup=False)
