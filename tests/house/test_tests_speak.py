"""A test that cannot fail, or does not say what it tests, is a defect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Calls that fail a test by themselves: pytest's, schemathesis', and checks of ours named so.
CHECKING_CALLS = ("raises", "warns", "fail", "call_and_validate", "validate_response", "run_state_machine_as_test")
CHECKING_PREFIXES = ("assert_", "check_", "expect_", "_assert_", "_check_", "_expect_")


def functions(tree: ast.Module) -> Iterator[Function]:
    """Every function of a module, methods included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def called(function: Function) -> set[str]:
    """The bare names of what a function calls."""
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            names.add(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
    return names


def checks(function: Function, checking: set[str]) -> bool:
    """Whether a function asserts, or calls what does."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or any(
        name in checking or name in CHECKING_CALLS or name.startswith(CHECKING_PREFIXES) for name in called(function)
    )


def silent_tests(source: str) -> list[str]:
    """The tests of a source text that assert nothing, neither themselves nor through a function beside them."""
    found = list(functions(ast.parse(source)))
    checking: set[str] = set()
    for _ in range(3):  # a check that calls a check that asserts is as deep as it gets here
        checking |= {function.name for function in found if checks(function, checking)}
    return [function.name for function in found if function.name.startswith("test") and function.name not in checking]


def test_every_test_says_its_truth(root: Path) -> None:
    """Each test function has a docstring."""
    mute = [
        f"{path.relative_to(root)}:{function.name}"
        for path in (root / "tests").rglob("test_*.py")
        for function in functions(ast.parse(path.read_text("utf-8")))
        if function.name.startswith("test") and not ast.get_docstring(function)
    ]
    assert mute == []


def test_every_test_can_fail(root: Path) -> None:
    """Each test asserts something, itself or through a check that it calls."""
    silent = [
        f"{path.relative_to(root)}:{name}"
        for path in (root / "tests").rglob("test_*.py")
        for name in silent_tests(path.read_text("utf-8"))
    ]
    assert silent == []


def test_the_check_itself_sees() -> None:
    """A test that only calls is reported; one that asserts through a neighbour is not."""
    source = "def same(a):\n    assert a\ndef test_a():\n    same(1)\ndef test_b():\n    print(1)\n"
    assert silent_tests(source) == ["test_b"]
