"""`assayer policy`: policy documents checked, tried on history, applied, and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, DialectOption, TokenFileOption, configured, duration
from detector.cli.output import console, printable, progress, table
from detector.cli.policy_home import policy_home

if TYPE_CHECKING:
    from detector.policies import Document, DryRun
    from detector.wiring.settings import Settings

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The policy document: TOML, or JSON as *.json.")]
BecauseOption = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; it is recorded.")]


@commands.command("check")
def check(file: FileArgument) -> None:
    """Check a policy document, and say what it is. Nothing is opened but the file."""
    from detector.policies import digest

    document = _read(file)
    console().print(
        f"version {document.version}, {len(document.intents)} intents, {len(document.limits)} limits", markup=False
    )
    console().print(f"digest  {digest(document)}", markup=False)


@commands.command("dry-run")
def dry_run(
    file: FileArgument,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Logs of any dialect. [default: the data directory's own log]"),
    ] = None,
    *,
    last: Annotated[str, typer.Option("--last", metavar="TIME", help="How far to look back in the store.")] = "30d",
    dialect: DialectOption = "auto",
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Say what a document would have done to history: whom each limit had hit, what each intent had eased.

    On the store, or the server that runs on it, the dry-run is recorded: the very document may then be
    applied, for a week. On other logs nothing is recorded, and nothing there was weighed, so nothing eased.
    """
    document, settings = _read(file), configured(config, data=data)
    days = duration(last).days
    if not days:
        raise typer.BadParameter("--last: at least one day")
    if paths:
        from detector.api.policies import dry_run_view

        _show_dry_run(dry_run_view(document, _of_logs(document, paths, dialect, settings)))
        return
    with policy_home(settings, token_file) as home:
        _show_dry_run(home.rehearse(document, days=days))


@commands.command("apply")
def apply(
    file: FileArgument,
    *,
    because: BecauseOption,
    override: Annotated[
        str | None,
        typer.Option("--override-because", metavar="TEXT", help="Why it is to go without a dry-run; recorded."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Let a document come into force. It follows the version in force, and has had a dry-run of late."""
    document = _read(file)
    with policy_home(configured(config, data=data), token_file) as home:
        _show(home.apply(document, because=because, override=override or ""))


@commands.command("show")
def show(config: ConfigOption = None, data: DataOption = None, token_file: TokenFileOption = None) -> None:
    """Show the document in force, and which of its intents somebody has to answer for anew."""
    with policy_home(configured(config, data=data), token_file) as home:
        _show(home.now())


@commands.command("history")
def history(config: ConfigOption = None, data: DataOption = None, token_file: TokenFileOption = None) -> None:
    """List the documents that came into force, the newest first."""
    with policy_home(configured(config, data=data), token_file) as home:
        applied = home.history()
    columns = ("version", "applied", "by", "because", "overridden")
    console().print(table(columns, [tuple(one[name] or "-" for name in columns) for one in applied]))


@commands.command("reauthorise")
def reauthorise(
    intent: Annotated[str, typer.Argument(metavar="INTENT", help="Its name in the document.")],
    because: BecauseOption,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Answer anew for an intent: it is in force for its reauthorise_days from now."""
    with policy_home(configured(config, data=data), token_file) as home:
        found = home.reauthorise(intent, because=because)
    known = next(one for one in found["intents"] if one["id"] == intent)
    console().print(f"{intent}: {known['state']}, to be answered for by {known['reauthorise_by']}", markup=False)


def _read(file: Path) -> Document:
    from detector.wiring.documents import read_document
    from detector.wiring.problems import ConfigurationError

    try:
        return read_document(file)
    except ConfigurationError as error:
        raise Complaint(str(error)) from None


def _of_logs(document: Document, paths: list[str], dialect: str, settings: Settings) -> DryRun:
    from detector.cli.reading import check_dialect, read_events
    from detector.cli.tally import Tally
    from detector.engine.rehearsal import Rehearsal
    from detector.events import GrantRequest, Issuance

    check_dialect(dialect)
    tally = Tally()
    rehearsal = Rehearsal(document, policy=settings.policy_in_force(), since=0.0)
    with progress("folding history") as advance:
        for event in read_events(paths, dialect, tally):
            if isinstance(event, Issuance):
                rehearsal.grant(event.grant)
            elif isinstance(event, GrantRequest):
                rehearsal.grant(event)
            advance(1)
    if tally.nothing_read:
        raise Complaint("nothing could be read there")
    return rehearsal.result()


def _show(policy: dict[str, Any]) -> None:
    screen = console()
    if not policy["version"]:
        screen.print("no policy document is in force")
        return
    said = f"version {policy['version']}, applied {policy['applied']} by {policy['by']}: {policy['because']}"
    screen.print(printable(said), markup=False)
    document = policy["document"]
    if policy["intents"]:
        columns = ("id", "state", "requester", "reauthorise_by", "expires")
        screen.print(table(columns, [tuple(intent[name] for name in columns) for intent in policy["intents"]]))
    if document.get("limits"):
        rows = [(name, limit.get("verdict", "deny"), _limited(limit)) for name, limit in document["limits"].items()]
        screen.print(table(("id", "verdict", "limit"), rows))
    for intent in policy["due"]:
        screen.print(printable(f"due: {intent} does nothing until somebody answers for it anew"), markup=False)


def _limited(limit: dict[str, Any]) -> str:
    """A limit in words."""
    whom = " or ".join(limit["sensitivity"]) + " resources"
    what = f"{' or '.join(limit['privileges'])} on {whom}" if limit.get("privileges") else whom
    demands = [f"at most {limit['max_ttl_seconds']:g} s"] if limit.get("max_ttl_seconds") else []
    demands += [f"{name}" for name in ("attested", "task") if limit.get(name)]
    return f"{what}: {', '.join(demands)}"


def _show_dry_run(found: dict[str, Any]) -> None:
    screen = console()
    screen.print(printable(found["in_words"]), markup=False)
    for limit in found["limits"]:
        hit = ", ".join(f"{name} ({count})" for name, count in limit["requesters"].items())
        said = f"limit {limit['limit']} ({limit['verdict']}): {limit['grants']} grants"
        screen.print(printable(f"{said}{': ' + hit if hit else ''}"), markup=False)
    if found["intents"]:
        rows = [(one["intent"], one["grants"], one["eased"]) for one in found["intents"]]
        screen.print(table(("intent", "grants within", "step-ups eased"), rows))
    columns = ("sensitivity", "grants", "denied", "stepped_up", "eased")
    screen.print(table(columns, [tuple(level[name] for name in columns) for level in found["levels"]]))
