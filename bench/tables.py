"""One table for all measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A figure, and what it should be (empty where nothing was promised)."""

    what: str
    figure: str
    measured: str
    wanted: str


def show(rows: Sequence[Row]) -> None:
    """Print the rows under each other."""
    heads = Row("", "figure", "measured", "wanted")
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
