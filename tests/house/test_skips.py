"""Where everything is installed, nothing skips itself in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MUST_RUN

SKIPPING = '''"""A test that finds its tool missing."""

import pytest


def test_tool():
    pytest.skip("no tool")
'''


@pytest.mark.parametrize(("must_run", "status"), [("", 0), ("1", 1)])
def test_a_skip_fails_where_the_machine_could_run_it(must_run: str, status: int, root: Path, tmp_path: Path) -> None:
    """A skipped test passes on a developer's machine, and fails where .ci/run has installed what it needs."""
    (tmp_path / "test_skipping.py").write_text(SKIPPING, "utf-8")
    ours = ["-c", str(root / "pyproject.toml"), "-p", "tests.conftest", "-p", "pytest_timeout"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *ours, str(tmp_path)],
        cwd=root,
        env={**os.environ, MUST_RUN: must_run, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert ("1 skipped" in done.stdout) is (status == 0)
