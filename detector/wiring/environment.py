"""The environment variables that are no settings: who is calling, and where the configuration is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CONFIG_VARIABLE: Final = "ASSAYER_CONFIG"
TOKEN_VARIABLE: Final = "ASSAYER_TOKEN"  # noqa: S105 - the variable's name, not a token
RESERVED: Final = frozenset({CONFIG_VARIABLE, TOKEN_VARIABLE})


def configuration_file(given: Path | None) -> Path | None:
    """The file to read: the one given, else the one that `ASSAYER_CONFIG` names, else none."""
    named = os.environ.get(CONFIG_VARIABLE)
    return given if given is not None else Path(named) if named else None


def token(given: Path | None = None) -> str | None:
    """The caller's bearer token: from the file given, else from `ASSAYER_TOKEN`, else none.

    Raises `OSError` where the file cannot be read.
    """
    text = given.read_text(encoding="utf-8") if given is not None else os.environ.get(TOKEN_VARIABLE, "")
    return text.strip() or None
