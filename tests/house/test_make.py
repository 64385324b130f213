"""`make` sets everything up from nothing, and says what is missing where it cannot."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

TARGETS = ("demo", "serve", "test", "bench", "lint")


def make(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in the repository."""
    return subprocess.run(["make", *arguments], cwd=root, capture_output=True, text=True, check=False)


def test_help_names_every_target(root: Path) -> None:
    """`make help` lists what one can ask for, each with a sentence."""
    listed = dict(re.findall(r"^make (\S+) +(.+)$", make(root, "help").stdout, re.MULTILINE))
    assert set(TARGETS) <= set(listed)


def test_old_python_is_refused_in_words(root: Path, tmp_path: Path) -> None:
    """A Python before 3.11 gives one clear sentence and no half-made environment."""
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n', "utf-8")
    old.chmod(0o755)
    done = make(root, "demo", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert not (tmp_path / "venv").exists()
