"""`assayer rules backtest`: what a rule would have hit, on the store's own log or on any other, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.complaint import FOUND_WRONG, Complaint
from detector.cli.options import ConfigOption, DataOption, DialectOption, configured, duration, instant
from detector.cli.output import console, printable, progress, table
from detector.cli.scopes import (
    IssuerOption,
    MatchOption,
    NetworkOption,
    PrivilegeOption,
    ResourceOption,
    scope,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.engine.policy import Policy
    from detector.rules import Backtest, Selector
    from detector.store import LogReader
    from detector.wiring.settings import Settings


def backtest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Logs of any dialect. [default: the data directory's own log]"),
    ] = None,
    *,
    rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="A rule of the data directory's.")] = None,
    requester: Annotated[str | None, typer.Option("--requester", metavar="NAME", help="Whom it would stop.")] = None,
    issuer: IssuerOption = None,
    resource: ResourceOption = None,
    privilege: PrivilegeOption = None,
    network: NetworkOption = None,
    match: MatchOption = None,
    since: Annotated[
        str | None, typer.Option("--last", metavar="TIME", help="How far to look back. [default: as configured]")
    ] = None,
    dialect: DialectOption = "auto",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Say what a rule would have hit: who, how often, and what of it was honest.

    The store's log knows what was flagged and how it was labelled; in any other log every hit counts
    as honest. Nothing is changed. The exit status is 1 where the rule is past its collateral limit.
    """
    from detector.features.identity import Identities
    from detector.rules import folded

    settings = configured(config, data=data)
    named = {"requester": requester, "issuer": issuer, "resource": resource, "privilege": privilege, "network": network}
    policy, seconds = settings.policy_in_force(), None if since is None else duration(since).total_seconds()
    selector = folded(_selector(settings, rule, scope(named, match)), Identities(policy.identity).fold)
    with progress("folding history") as advance:
        found = (
            _of_logs(paths, dialect, selector, policy, advance=advance)
            if paths
            else _of_store(settings, selector, policy, seconds)
        )
    _show(selector, found)
    if not found.within:
        raise typer.Exit(FOUND_WRONG)


def _selector(settings: Settings, rule: str | None, named: dict[str, str]) -> Selector:
    """The scope that is meant: a stored rule's, or the one that the options spell out."""
    from detector.rules import by_hand

    if (rule is None) == ("requester" not in named):
        raise typer.BadParameter("name a rule (--rule), or whom it would stop (--requester)")
    if rule is None:
        try:
            return by_hand(**named)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    from detector.engine.records import RuleChanged

    changes = [entry.record for entry in _reader(settings).find(rule) if isinstance(entry.record, RuleChanged)]
    if not changes:
        raise Complaint(f"no deny rule {rule!r}: see `assayer rules list`")
    return changes[-1].rule.selector


def _reader(settings: Settings) -> LogReader:
    from detector.store import LogReader, StoreError

    try:
        return LogReader(settings.server.data)
    except StoreError as error:
        raise Complaint(str(error)) from None


def _of_store(settings: Settings, selector: Selector, policy: Policy, seconds: float | None) -> Backtest:
    import time

    from detector.engine.backtest import History

    since = time.time() - (policy.rules.backtest_seconds if seconds is None else seconds)
    history = History([selector], policy=policy, since=since)
    history.see(_reader(settings).grants_since(since))
    return history.results()[0]


def _of_logs(
    paths: list[str], dialect: str, selector: Selector, policy: Policy, *, advance: Callable[[int], None]
) -> Backtest:
    from detector.cli.reading import check_dialect, read_events
    from detector.cli.tally import Tally
    from detector.engine.backtest import History
    from detector.events import GrantRequest, Issuance

    check_dialect(dialect)
    tally = Tally()
    history = History([selector], policy=policy, since=float("-inf"))
    for event in read_events(paths, dialect, tally):
        if isinstance(event, Issuance):
            history.grant(event.grant)
        elif isinstance(event, GrantRequest):
            history.grant(event)
        advance(1)
    if tally.nothing_read:
        raise Complaint("nothing could be read there")
    return history.results()[0]


def _show(selector: Selector, found: Backtest) -> None:
    screen = console()
    screen.print(f"a rule on {printable(selector.words())}", markup=False)
    screen.print(f"until {instant(found.until)}: {found.words()}", markup=False)
    if found.hits:
        screen.print(table(("hit", "grants"), found.names))
        screen.print(table(("for", "grants"), found.resources))
    if found.examples:
        screen.print(f"honest, for example: {', '.join(map(printable, found.examples))}", markup=False)
    screen.print("within its limit" if found.within else "past its limit: it cannot be enforced without an override")
