"""What is wrong with a configuration, one sentence a mistake, pointing at the key and the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from detector.wiring.toml import Path, line_of

CLOSE_ENOUGH: Final = 0.6
"""Likeness from which a known key is offered for a wrong one: difflib's own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: `where` is the dotted key or the variable, `source` the file or "environment"."""

    where: str
    message: str
    source: str
    line: int | None = None

    def __str__(self) -> str:
        """As a compiler would say it: source, line, key, what is wrong."""
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"


class ConfigurationError(Exception):
    """The configuration cannot be used; `problems` names every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems; the message is one line each."""
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def explain_errors(
    error: ValidationError,
    *,
    schema: type[BaseModel],
    source: str,
    lines: Mapping[Path, int],
    variables: Mapping[Path, str],
) -> tuple[Problem, ...]:
    """Each validation error as a problem, blamed on the variable that set it, else on the file's line."""
    return tuple(
        _problem(detail, schema=schema, source=source, lines=lines, variables=variables) for detail in error.errors()
    )


def _problem(
    detail: ErrorDetails,
    *,
    schema: type[BaseModel],
    source: str,
    lines: Mapping[Path, int],
    variables: Mapping[Path, str],
) -> Problem:
    path: Path = tuple(detail["loc"])
    message = _message(detail, schema=schema)
    for depth in range(len(path), 0, -1):
        if path[:depth] in variables:
            return Problem(where=f"{variables[path[:depth]]} ({dotted(path)})", message=message, source="environment")
    return Problem(where=dotted(path), message=message, source=source, line=line_of(path, lines))


def _message(detail: ErrorDetails, *, schema: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        path: Path = tuple(detail["loc"])
        return f"unknown key{suggestion(path, schema=schema)}"
    text = detail["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:] if text[:2] != text[:2].upper() else text


def suggestion(path: Path, *, schema: type[BaseModel]) -> str:
    """`; did you mean …?` for an unknown key, or nothing where no known key is like it."""
    wrong = str(path[-1])
    beside = tuple(_fields_at(schema, path[:-1]))
    close = get_close_matches(wrong, beside, n=1, cutoff=CLOSE_ENOUGH)
    if close:
        return f'; did you mean "{close[0]}"?'
    elsewhere = [known for known in known_keys(schema) if known.rpartition(".")[2] == wrong]
    if elsewhere:
        return f"; did you mean {' or '.join(elsewhere)}?"
    return f"; known here: {', '.join(beside)}" if beside else ""


def dotted(path: Iterable[str | int]) -> str:
    """The path as TOML would write it: parts with other characters quoted, elements in brackets.

    >>> dotted(("issuers", "vault:prod/aws", "mode"))
    'issuers."vault:prod/aws".mode'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        plain = part.replace("_", "").replace("-", "").isalnum() and part.isascii()
        text += ("." if text else "") + (part if plain else f'"{part}"')
    return text


def known_keys(schema: type[BaseModel], prefix: str = "") -> list[str]:
    """Every dotted key of the schema that has a fixed name, sections left out."""
    keys: list[str] = []
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += known_keys(field.annotation, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys


def _fields_at(schema: type[BaseModel], path: Path) -> Iterable[str]:
    """Names that may stand in the table at `path`."""
    model = schema
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        inner = model_in(field.annotation) if field else None
        if field and inner is None:
            return ()
        model = inner or model
    return model.model_fields


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation is, maps to, or lists; `None` for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        inner = model_in(argument)
        if inner is not None:
            return inner
    return None
