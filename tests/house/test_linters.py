"""A rule of the house is a check: style, types and import contracts, as `make lint` runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
LINTERS = {
    "ruff check": ["ruff", "check", "--no-fix", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "import contracts": ["lint-imports"],
}


@pytest.mark.parametrize("name", LINTERS)
def test_linter_finds_nothing(name: str, root: Path) -> None:
    """The whole repository passes this linter as it is configured in pyproject.toml."""
    command, *arguments = LINTERS[name]
    done = subprocess.run([str(BIN / command), *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
