"""`assayer rules`: deny rules listed, shown, raised, switched and withdrawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.backtest import backtest
from detector.cli.options import ConfigOption, DataOption, TokenFileOption, configured, duration
from detector.cli.output import console, printable, table
from detector.cli.rulebook import rulebook
from detector.cli.scopes import (
    IssuerOption,
    MatchOption,
    NetworkOption,
    PrivilegeOption,
    RequesterOption,
    ResourceOption,
    scope,
)

if TYPE_CHECKING:
    from rich.console import Console

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help="Its id, as `assayer rules list` says.")]

OverrideOption = Annotated[
    str | None,
    typer.Option("--override", metavar="TEXT", help="Why it is to deny whatever its backtest says; recorded."),
]

FACTS = (
    *("id", "state", "mode", "scope", "expires", "since", "created", "by", "because", "taken_back", "override"),
    *("hits", "canary_hits", "shadow_hits", "quiet_hits"),
)


@commands.command("list")
def listing(
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="Only those in this state: shadow, enforced, expired, …"),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List the deny rules, the newest first. A running server wants an analyst's or operator's token."""
    with rulebook(configured(config, data=data), token_file) as rules:
        shown = [rule for rule in rules.all() if state in {None, rule["state"]}]
    rows = [(rule["id"], rule["state"], rule["expires"], rule["scope"], rule["because"]) for rule in shown]
    console().print(table(("id", "state", "expires", "scope", "because"), rows))


@commands.command("show")
def show(
    rule: RuleArgument, config: ConfigOption = None, data: DataOption = None, token_file: TokenFileOption = None
) -> None:
    """Show one rule: what it matches, why it is there, until when."""
    with rulebook(configured(config, data=data), token_file) as rules:
        _show(rules.one(rule))


@commands.command("enforce")
def enforce(
    rule: RuleArgument,
    override: OverrideOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Let a rule deny what it matches. It needs a backtest within its limit, or an override."""
    _change(rule, "enforce", override, config=config, data=data, token_file=token_file)


@commands.command("shadow")
def shadow(
    rule: RuleArgument, config: ConfigOption = None, data: DataOption = None, token_file: TokenFileOption = None
) -> None:
    """Let a rule only count what it matches."""
    _change(rule, "shadow", None, config=config, data=data, token_file=token_file)


@commands.command("withdraw")
def withdraw(
    rule: RuleArgument,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why it is taken back; it is recorded.")],
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """End a rule now."""
    _change(rule, "withdraw", because, config=config, data=data, token_file=token_file)


@commands.command("raise")
def write(
    *,
    requester: RequesterOption,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; callers that it denies are told.")],
    lifetime: Annotated[str, typer.Option("--for", metavar="TIME", help="Its life: 30m, 4h, 7d…")] = "4h",
    issuer: IssuerOption = None,
    resource: ResourceOption = None,
    privilege: PrivilegeOption = None,
    network: NetworkOption = None,
    match: MatchOption = None,
    enforced: Annotated[bool, typer.Option("--enforced", help="Deny, once its backtest is within its limit.")] = False,
    override: OverrideOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Raise a deny rule by hand. It ends by itself, is backtested, and counts in shadow unless told otherwise."""
    named = {"requester": requester, "issuer": issuer, "resource": resource, "privilege": privilege, "network": network}
    selector = scope(named, match)
    seconds = duration(lifetime).total_seconds()
    mode = "enforced" if enforced else "shadow"
    with rulebook(configured(config, data=data), token_file) as rules:
        _show(rules.write(selector, reason=because, lifetime_seconds=seconds, mode=mode, override=override or ""))


commands.command("backtest")(backtest)


def _change(
    rule: str, verb: str, reason: str | None, *, config: Path | None, data: Path | None, token_file: Path | None
) -> None:
    with rulebook(configured(config, data=data), token_file) as rules:
        _show(rules.change(rule, verb, reason=reason))


def _show(rule: dict[str, Any]) -> None:
    screen: Console = console()
    for name in FACTS:
        if rule.get(name) is not None:
            screen.print(f"{name:<12} {printable(str(rule[name]))}", markup=False)
    if rule.get("backtest"):
        screen.print(f"{'backtest':<12} {printable(rule['backtest']['in_words'])}", markup=False)
