"""The core is handed its clock, its randomness and its files: what import contracts cannot see is checked here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

CORE = ("events.py", "evidence*", "risk*", "rules*", "verdict*", "baselines", "engine", "features", "sources")

# Built-ins that read or write, and `hash`, which differs from one process to the next.
IMPURE_BUILTINS = {"breakpoint", "eval", "exec", "hash", "input", "open", "print"}
CLOCKS = {"monotonic", "perf_counter", "time_ns"}
MOMENTS = {"now", "today", "utcnow"}  # of these two; an object of ours may well have a `now` that it was handed
CALENDARS = {"date", "datetime"}
GENERATORS = {"default_rng", "random", "urandom", "uuid4"}


def core_files() -> Iterator[Path]:
    """Every source file of the core."""
    for pattern in CORE:
        for found in sorted((ROOT / "detector").glob(pattern)):
            yield from sorted(found.rglob("*.py")) if found.is_dir() else [found]


def impurities(source: str) -> list[str]:
    """What a source text calls that reads a clock, a file or a random generator, each with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            module = getattr(node, "module", None) or ""
            if any(name == "urllib.request" for name in names) or module == "urllib.request":
                found.append(f"line {node.lineno}: urllib.request")
        if isinstance(node, ast.Attribute) and node.attr == "random":
            found.append(f"line {node.lineno}: .random")
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in IMPURE_BUILTINS | GENERATORS:
            found.append(f"line {node.lineno}: {called.id}()")
        if not isinstance(called, ast.Attribute):
            continue
        owner = called.value
        calendar = (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) in CALENDARS
        if called.attr in CLOCKS | GENERATORS or (calendar and called.attr in MOMENTS):
            found.append(f"line {node.lineno}: .{called.attr}()")
    return found


def test_core_has_no_clock_randomness_or_io() -> None:
    """No module of the core reads a clock, a file or a random generator, nor asks `hash`, which changes by process."""
    files = list(core_files())
    assert len(files) >= len(CORE)
    offences = {str(path.relative_to(ROOT)): found for path in files if (found := impurities(path.read_text("utf-8")))}
    assert offences == {}


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.date.today()",
        "import time\ntime.monotonic()",
        "import numpy as np\nnp.random.normal()",
        "rows = open('x').read()",
        "key = hash('deploy')",
        "from urllib.request import urlopen",
    ],
)
def test_the_check_itself_sees(source: str) -> None:
    """Each of these would be reported, so an empty report means something."""
    assert impurities(source) != []
