"""What could not be read, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was skipped: its file, the line it begins on (from 1), why, and its dialect where that was known.

    `record` is its place (from 1) in the array that it stood in; None outside one.
    """

    file: str
    line: int
    reason: str
    dialect: str | None
    record: int | None = None


OnRejected: TypeAlias = Callable[[Rejected], None]
