"""Policy documents as files: TOML, or JSON where the name ends so; what is wrong points at the key and the line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Final

from detector.policies import Document, Misfit, read, written
from detector.wiring.problems import ConfigurationError, Problem
from detector.wiring.toml import line_of, lines_of_keys

LARGEST_FILE: Final = 1_048_576
"""Bytes of a policy document read: what the server takes in one body, and a log given by mistake is refused at once."""


def read_document(path: Path) -> Document:
    """The policy document in a file. Raises `ConfigurationError` naming key and line, also for contradictions."""
    text = _text(path)
    try:
        value: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise ConfigurationError([Problem(where="", message=f"not {kind}: {error}", source=str(path))]) from None
    try:
        document = read(value)
        contradiction = document.contradiction()
        if contradiction is not None:
            raise contradiction
    except Misfit as misfit:
        line = None if path.suffix == ".json" else line_of(misfit.path, lines_of_keys(text))
        problem = Problem(where=written(misfit.path), message=misfit.reason, source=str(path), line=line)
        raise ConfigurationError([problem]) from None
    return document


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise ConfigurationError([Problem(where="", message="too large for a policy document", source=str(path))])
        return data.decode()
    except OSError as error:
        said = error.strerror or str(error)
        raise ConfigurationError([Problem(where="", message=said, source=str(path))]) from None
    except UnicodeDecodeError as error:
        said = f"not UTF-8 text (byte {error.start})"
        raise ConfigurationError([Problem(where="", message=said, source=str(path))]) from None
