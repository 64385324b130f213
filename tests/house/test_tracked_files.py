"""What is committed reads the same on anybody's machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# A package index is configured by whoever installs; a developer's folders mean nothing elsewhere.
INDEX = re.compile(r"https?://[^\s/\"']+/simple\b|file:/{3}|^\s*(?:extra-)?index-url\s*=", re.MULTILINE)
PRIVATE_FOLDER = re.compile(r"(?<![\w.*/])/(?:work|root)/")
SAMPLES_LIMIT = 5_000_000  # bytes in data/samples: a clone stays quick
FILE_LIMIT = 1_500_000  # bytes: larger than any sample, smaller than a log or cache left behind


def tracked(root: Path) -> list[Path]:
    """The files git knows; skips where the tree is no clone (an unpacked archive)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git clone")
    return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Each tracked text file outside the generated samples, with its content."""
    for path in tracked(root):
        name = path.relative_to(root).as_posix()
        if name.startswith("data/"):
            continue
        try:
            yield name, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def test_no_package_index_is_named(root: Path) -> None:
    """No tracked file names a package index."""
    assert {name: found for name, text in texts(root) if (found := INDEX.findall(text))} == {}


def test_no_private_folder_is_named(root: Path) -> None:
    """No tracked file holds an absolute path of the machine it was written on."""
    assert {name: found for name, text in texts(root) if (found := PRIVATE_FOLDER.findall(text))} == {}


def test_no_large_file_is_tracked(root: Path) -> None:
    """Nothing that a log or a cache left behind is committed: each file stays under the limit."""
    assert {path.name: size for path in tracked(root) if (size := path.stat().st_size) > FILE_LIMIT} == {}


def test_samples_stay_small(root: Path) -> None:
    """The generated samples are under 5 MB in all."""
    shipped = [path for path in (root / "data" / "samples").rglob("*") if path.is_file()]
    assert shipped
    assert sum(path.stat().st_size for path in shipped) < SAMPLES_LIMIT
