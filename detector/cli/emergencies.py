"""`assayer kill-switch` and `assayer break-glass`: what operators reach for at night, and look back on by day."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, TokenFileOption, configured
from detector.cli.output import console, printable, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from detector.cli.remote import Remote
    from detector.wiring.compose import Embedded
    from detector.wiring.settings import Settings

glass_commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

READS: Final = "analyst"
TURNS: Final = "operator"
DURABLE_SECONDS: Final = 10.0
"""For one record: a disk that takes longer is full or gone."""


class Turn(StrEnum):
    """What to do with the switch."""

    ON = "on"
    OFF = "off"
    STATUS = "status"


class Finding(StrEnum):
    """What a review found."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


class Emergencies(Protocol):
    """Where the switch and the glasses are: both homes speak as the API's JSON does."""

    def switch(self) -> dict[str, Any]:
        """The switch."""

    def turn(self, *, engaged: bool, because: str) -> dict[str, Any]:
        """Turn it."""

    def glasses(self) -> list[dict[str, Any]]:
        """Every broken glass that is remembered, the newest first."""

    def review(self, glass: str, finding: str, note: str) -> dict[str, Any]:
        """Say what was found. Raises `Complaint` for an unknown one."""


class Served:
    """A running server's."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def switch(self) -> dict[str, Any]:
        """`GET /v1/kill-switch`."""
        found: dict[str, Any] = self._remote.get("v1", "kill-switch", needs=READS)
        return found

    def turn(self, *, engaged: bool, because: str) -> dict[str, Any]:
        """`POST /v1/kill-switch`."""
        body = {"engaged": engaged, "reason": because}
        found: dict[str, Any] = self._remote.post("v1", "kill-switch", body=body, needs=TURNS)
        return found

    def glasses(self) -> list[dict[str, Any]]:
        """`GET /v1/break-glass`."""
        found: list[dict[str, Any]] = self._remote.get("v1", "break-glass", needs=READS)["break_glass"]
        return found

    def review(self, glass: str, finding: str, note: str) -> dict[str, Any]:
        """`POST /v1/break-glass/{id}/review`."""
        body = {"finding": finding, "note": note}
        found: dict[str, Any] = self._remote.post("v1", "break-glass", glass, "review", body=body, needs=READS)
        return found


class Stored:
    """Those of a store that this process has opened."""

    def __init__(self, store: Embedded) -> None:
        self._engine = store.engine
        self._by = f"{getpass.getuser()} (command line)"

    def switch(self) -> dict[str, Any]:
        """As the engine remembers it."""
        from detector.api.emergencies import switch_view

        return switch_view(self._engine.state.halted)

    def turn(self, *, engaged: bool, because: str) -> dict[str, Any]:
        """Turn it, durably."""
        _durable(self._engine.turn_kill_switch(engaged=engaged, by=self._by, because=because))
        return self.switch()

    def glasses(self) -> list[dict[str, Any]]:
        """As the engine remembers them."""
        from detector.api.emergencies import glass_view

        glasses = self._engine.state.memory.glasses
        return [glass_view(name, glass) for name, glass in reversed(glasses.items())]

    def review(self, glass: str, finding: str, note: str) -> dict[str, Any]:
        """Record it, durably."""
        try:
            justified = finding == Finding.JUSTIFIED
            recorded = self._engine.review_glass(
                glass, "justified" if justified else "unjustified", by=self._by, note=note
            )
            _durable(recorded)
        except KeyError:
            raise Complaint(f"no broken glass {glass!r}: see `assayer break-glass list`") from None
        return next(view for view in self.glasses() if view["id"] == glass)


def kill_switch(
    turn: Annotated[Turn, typer.Argument(metavar="on|off|status", help="Halt enforcement, resume it, or look.")],
    because: Annotated[str | None, typer.Option("--because", metavar="TEXT", help="Why; it is recorded.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Allow and record everything, at once; or enforce again.

    Every answer and metric says so. Where no server answers, a file named KILL_SWITCH in the data
    directory does the same.
    """
    if turn is not Turn.STATUS and not because:
        raise typer.BadParameter("--because: say why")
    with _emergencies(configured(config, data=data), token_file) as home:
        found = home.switch() if turn is Turn.STATUS else home.turn(engaged=turn is Turn.ON, because=str(because))
    if found["engaged"]:
        said = f"on since {found['since']} by {found['by']}: {found['because']}"
        console().print(f"the kill switch is {printable(said)}", markup=False)
    else:
        console().print("the kill switch is off")


@glass_commands.command("list")
def listing(
    *,
    unreviewed: Annotated[bool, typer.Option("--unreviewed", help="Only those that nobody has looked at.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List broken glasses, the newest first, with what a review found."""
    with _emergencies(configured(config, data=data), token_file) as home:
        shown = [glass for glass in home.glasses() if not unreviewed or glass["finding"] is None]
    columns = ("id", "requester", "until", "decisions", "purpose", "finding")
    console().print(table(columns, [tuple(glass[name] or "-" for name in columns) for glass in shown]))


@glass_commands.command("review")
def review(
    glass: Annotated[str, typer.Argument(metavar="GLASS", help="Its id, as `assayer break-glass list` says.")],
    finding: Annotated[Finding, typer.Argument(metavar="justified|unjustified", help="What was found.")],
    *,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="A word for whoever reads the log.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Say what a look at a broken glass found; unjustified, what went through it is labelled malicious."""
    with _emergencies(configured(config, data=data), token_file) as home:
        found = home.review(glass, finding.value, note)
    console().print(f"{found['id']}: {found['finding']}, by {printable(str(found['reviewer']))}", markup=False)


@contextmanager
def _emergencies(settings: Settings, token_file: Path | None) -> Iterator[Emergencies]:
    """Those of the server that runs on the data directory, else of the store in it. Raises `Complaint`."""
    from detector.cli.opened import opened

    with opened(settings, token_file) as home:
        yield Stored(home.store) if home.store is not None else Served(home.server)


def _durable(recorded: Future[int]) -> None:
    try:
        recorded.result(timeout=DURABLE_SECONDS)
    except TimeoutError:
        raise Complaint("the change does not become durable: the disk is slow, or full") from None
