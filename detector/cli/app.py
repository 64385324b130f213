"""The commands put together. Importing this stays quick: each command imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from detector.cli import (
    config,
    demo,
    emergencies,
    explain,
    export,
    ingest,
    log,
    policies,
    replay,
    report,
    rules,
    serve,
    signals,
    step_ups,
    token,
    train,
    verify,
)

COLUMNS: Final = 100
"""Help is this wide on every terminal, so that the README's copy of it is exact."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich's help takes half a second to import, and is another one on every terminal
    pretty_exceptions_enable=False,  # what goes wrong is said by `guard`
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": COLUMNS, "terminal_width": COLUMNS},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        from importlib.metadata import version

        typer.echo(f"assayer {version('assayer')}")
        raise typer.Exit


@app.callback()
def assayer(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Asks, before a credential is minted, whether this request looks like this requester.

    Exit status: 0 done; 1 ran but found something wrong, said on standard error; 2 bad usage.
    """
    del version


app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("ingest")(ingest.ingest)
app.command("replay")(replay.replay)
app.command("explain")(explain.explain)
app.command("verify")(verify.verify)
app.command("export")(export.export)
app.command("report")(report.report)
app.command("train")(train.train)
app.add_typer(rules.commands, name="rules", help="Deny rules: list, raise, backtest, enforce, withdraw.")
app.add_typer(policies.commands, name="policy", help="Policy documents: check, dry-run, apply, show, reauthorise.")
app.add_typer(step_ups.commands, name="step-ups", help="Step-ups that wait for an answer: list, approve, deny.")
app.command("kill-switch")(emergencies.kill_switch)
app.add_typer(emergencies.glass_commands, name="break-glass", help="List and review broken glasses.")
app.add_typer(log.commands, name="log", help="The log itself: its key, a new key, what is to be forgotten.")
app.add_typer(signals.commands, name="signals", help="Who is told what is announced; keys that sign for it.")
app.add_typer(token.commands, name="token", help="Make, list and revoke the tokens of those who may call.")
app.add_typer(config.commands, name="config", help="Check the configuration, or print it.")
