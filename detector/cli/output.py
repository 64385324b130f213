"""How commands speak: tables on standard output, progress and troubles on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # rich takes half a second to import: only commands that draw pay for it
    from rich.console import Console
    from rich.table import Table

WIDTH_OF_A_PIPE: Final = 160
"""Columns of a table that goes to a file or a pipe: wide enough that names are not cut in two."""

DRAW_SECONDS: Final = 0.1
"""Between two looks at the progress bar: drawing must not cost a replay its speed."""


def console(*, error: bool = False) -> Console:
    """A console on standard output or error; tables keep their width when nobody looks at them."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    return Console(file=stream, highlight=False, soft_wrap=False, width=None if stream.isatty() else WIDTH_OF_A_PIPE)


def complain(line: str) -> None:
    """Say something went wrong, on standard error, and go on."""
    sys.stderr.write(f"assayer: {line}\n")


WHOLE_ID: Final = 32
"""Characters up to which an id is never broken: it is there to be copied."""


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> Table:
    """A plain table; numbers stand to the right, text to the left and as it is."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[place], (int, float)) for row in rows)
        whole = name == "id" and all(len(str(row[place])) <= WHOLE_ID for row in rows)
        drawn.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        drawn.add_row(*(Text(_cell(value)) for value in row))
    return drawn


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else printable(str(value))


def printable(text: str) -> str:
    r"""The text with control characters shown as escapes: names come from logs that an attacker can write to.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


@contextmanager
def progress(what: str, *, total: int | None = None, unit: str = "events") -> Iterator[Callable[[int], None]]:
    """A bar with the rate, on standard error and only when that is a terminal; the function given takes what was done.

    With a `total` the bar also says how long is left.
    """
    if not sys.stderr.isatty():
        yield _unseen
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=30)]
    columns += [TextColumn("{task.completed:,.0f} " + unit), TextColumn("{task.fields[rate]}"), TimeElapsedColumn()]
    if total is not None:
        columns.append(TimeRemainingColumn())
    with Progress(*columns, console=console(error=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")
        pending, drawn = 0, time.monotonic()

        def advance(amount: int) -> None:
            nonlocal pending, drawn
            pending += amount
            if time.monotonic() - drawn < DRAW_SECONDS:
                return
            bar.update(task, advance=pending)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:,.0f} {unit}/s" if speed else "")
            pending, drawn = 0, time.monotonic()

        yield advance


def _unseen(amount: int) -> None:
    del amount
