"""Where a key stands in a TOML text: its line, so that an error can point at it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

LONGEST_STATEMENT: Final = 2_000
"""Lines tried as one statement before giving up on positions: trying is quadratic in the length."""


def lines_of_keys(text: str) -> dict[Path, int]:
    r"""The first line (from 1) of every key and table in a TOML text that parses.

    Elements of an array of tables are numbered from 0, as a validator numbers
    them. Keys inside inline tables stand where their statement does.

    >>> lines_of_keys('[server]\nport = 1\n[[a.b]]\nname = "x"\n')[("a", "b", 0, "name")]
    4
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for line, statement in _statements(text):
        stripped = statement.strip()
        if stripped.startswith("[["):
            keys = _keys(tomllib.loads(stripped))
            array = _inside_arrays(keys, counts)
            counts[array] = counts.get(array, -1) + 1
            table = (*array, counts[array])
            found.setdefault(array, line)
            found.setdefault(table, line)
        elif stripped.startswith("["):
            table = _inside_arrays(_keys(tomllib.loads(stripped)), counts)
            found.setdefault(table, line)
        else:
            for key in _paths(tomllib.loads(statement)):
                found.setdefault((*table, *key), line)
    return found


def line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    """The line of `path`, or of the nearest thing around it that has one."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with the line it starts on; a value may go over several lines."""
    start, pending = 1, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not pending:
            start = number
        pending += line + "\n"
        try:
            tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            if number - start > LONGEST_STATEMENT:
                return
            continue
        if pending.strip() and not pending.lstrip().startswith("#"):
            yield start, pending
        pending = ""


def _keys(parsed: Mapping[str, Any]) -> tuple[str, ...]:
    """The one dotted name in a parsed table header."""
    keys: list[str] = []
    inner: Any = parsed
    while isinstance(inner, Mapping) and inner:
        key, inner = next(iter(inner.items()))
        keys.append(key)
    return tuple(keys)


def _inside_arrays(keys: tuple[str, ...], counts: Mapping[Path, int]) -> Path:
    """The name with the current element's number after each part that is an array of tables."""
    path: Path = ()
    for depth, key in enumerate(keys):
        path = (*path, key)
        if path in counts and depth < len(keys) - 1:
            path = (*path, counts[path])
    return path


def _paths(value: Any, prefix: Path = ()) -> Iterator[Path]:
    """Every key in a parsed value, outermost first."""
    pairs: Iterator[tuple[str | int, Any]]
    if isinstance(value, Mapping):
        pairs = iter(value.items())
    elif isinstance(value, list):
        pairs = iter(enumerate(value))
    else:
        return
    for key, inner in pairs:
        yield (*prefix, key)
        yield from _paths(inner, (*prefix, key))
