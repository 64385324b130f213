"""Small files are what one enjoys: a file or function that grows too long is asking to be two things."""

from __future__ import annotations

import ast
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60


def test_files_stay_small(root: Path) -> None:
    """No source file of the package passes 400 lines."""
    long = {
        str(path.relative_to(root)): lines
        for path in (root / "detector").rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > FILE_LINES
    }
    assert long == {}


def test_functions_stay_small(root: Path) -> None:
    """No function of the package passes 60 lines, docstring included."""
    long = {
        f"{path.relative_to(root)}:{node.name}": lines
        for path in (root / "detector").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}
