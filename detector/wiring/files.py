"""Reading the configuration: one TOML file, over it the environment, over that the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from detector.wiring.environment import RESERVED
from detector.wiring.problems import CLOSE_ENOUGH, ConfigurationError, Problem, explain_errors
from detector.wiring.settings import ENVIRONMENT_DELIMITER, ENVIRONMENT_PREFIX, Settings
from detector.wiring.toml import Path as KeyPath
from detector.wiring.toml import lines_of_keys

LARGEST_FILE: Final = 4 * 1024 * 1024
"""Bytes of configuration read: far more than any, and little enough that a log given by mistake is refused at once."""


def load(
    path: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings in force: `overrides` (nested, from the command line) over the environment over the file.

    Raises `ConfigurationError` with every mistake found, and `OSError` where the
    file cannot be read.
    """
    variables = os.environ if environment is None else environment
    text = "" if path is None else _text(path)
    source = "configuration" if path is None else str(path)
    written = _parsed(text, source=source)
    unknown = _unknown_variables(variables)
    settings, problems = _validated(
        merged(merged(written, _from_environment(variables)), overrides or {}),
        text=text,
        source=source,
        variables=variables,
    )
    if settings is None or unknown:
        raise ConfigurationError((*problems, *unknown))
    return settings


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """`high` over `low`: tables are merged key by key, everything else is replaced.

    >>> merged({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    result = dict(low)
    for key, value in high.items():
        below = result.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result


def _text(path: Path) -> str:
    if path.is_file() and path.stat().st_size > LARGEST_FILE:
        raise ConfigurationError([Problem(where="", message="too large for a configuration file", source=str(path))])
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text (byte {error.start})"
        raise ConfigurationError([Problem(where="", message=message, source=str(path))]) from None


def _parsed(text: str, *, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"not TOML: {error}"
        raise ConfigurationError([Problem(where="", message=message, source=source)]) from None


def _validated(
    values: Mapping[str, Any], *, text: str, source: str, variables: Mapping[str, str]
) -> tuple[Settings | None, tuple[Problem, ...]]:
    try:
        return Settings(**values), ()
    except ValidationError as error:
        return None, explain_errors(
            error,
            schema=Settings,
            source=source,
            lines=lines_of_keys(text),
            variables=_paths_of_variables(variables),
        )


def _from_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """What the environment sets, nested. Values of whole tables are JSON."""
    known = {name.lower(): value for name, value in variables.items() if name.upper() not in RESERVED}
    source = EnvSettingsSource(Settings)
    source.env_vars = known
    try:
        return source()
    except SettingsError as error:
        raise ConfigurationError([_unreadable_variable(error, variables)]) from None


def _unreadable_variable(error: SettingsError, variables: Mapping[str, str]) -> Problem:
    """The variable that holds a whole table but is no JSON."""
    for name in _ours(variables):
        path = _path(name)
        if len(path) == 1 and f'"{path[0]}"' in str(error):
            return Problem(where=name, message="must be a JSON object, as it sets a whole table", source="environment")
    return Problem(where="", message=str(error), source="environment")


def _unknown_variables(variables: Mapping[str, str]) -> tuple[Problem, ...]:
    """`ASSAYER_…` variables that name no section: a typo would silently do nothing."""
    sections = tuple(Settings.model_fields)
    problems = []
    for name in _ours(variables):
        section = str(_path(name)[0])
        if section in sections:
            continue
        offers = [f"{ENVIRONMENT_PREFIX}{known.upper()}{ENVIRONMENT_DELIMITER}…" for known in sections]
        close = get_close_matches(name.upper(), [*offers, *sorted(RESERVED)], n=1, cutoff=CLOSE_ENOUGH)
        hint = f"; did you mean {close[0]}?" if close else ""
        problems.append(Problem(where=name, message=f"unknown variable{hint}", source="environment"))
    return tuple(problems)


def _ours(variables: Mapping[str, str]) -> list[str]:
    return sorted(
        name for name in variables if name.upper().startswith(ENVIRONMENT_PREFIX) and name.upper() not in RESERVED
    )


def _path(variable: str) -> KeyPath:
    return tuple(variable.upper().removeprefix(ENVIRONMENT_PREFIX).lower().split(ENVIRONMENT_DELIMITER))


def _paths_of_variables(variables: Mapping[str, str]) -> dict[KeyPath, str]:
    return {_path(name): name for name in _ours(variables)}
