"""The locks install the same files everywhere, side by side, and say nothing of where they come from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


PRODUCT = "requirements.lock"
BENCH = "bench/requirements.lock"
LOCKS = (PRODUCT, BENCH)


def locked(root: Path, lock: str = PRODUCT) -> dict[str, tuple[str, int]]:
    """Each locked distribution with its version and how many files of it are allowed."""
    pins = {}
    for line in lines(root, lock):
        requirement = Requirement(line.split("--hash", 1)[0].strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", line[:60]
        pins[canonicalize_name(requirement.name)] = (pin.version, len(HASH.findall(line)))
    return pins


def lines(root: Path, lock: str) -> list[str]:
    """A lock's lines, each with its hashes behind it."""
    return (root / lock).read_text("utf-8").replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_hashed(root: Path, lock: str) -> None:
    """Each line pins one version and lists the SHA-256 of every file that may be installed."""
    unhashed = [name for name, (_, files) in locked(root, lock).items() if files == 0]
    assert unhashed == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_host(root: Path, lock: str) -> None:
    """No registry, index or folder is named: whoever installs uses their own."""
    text = (root / lock).read_text("utf-8")
    assert re.findall(r"^.*(?:://|--(?:extra-)?index|--find-links|@ ).*$", text, re.MULTILINE) == []


def test_locks_install_together(root: Path) -> None:
    """What both locks hold they pin alike, environment by environment, so that the benchmark's moves nothing."""
    pinned, ours = locked(root), set(lines(root, PRODUCT))
    names = {line: canonicalize_name(Requirement(line.split("--hash", 1)[0]).name) for line in lines(root, BENCH)}
    shared = [line for line, name in names.items() if name in pinned]
    assert shared
    assert [line[:60] for line in shared if line not in ours] == []


def test_the_product_needs_no_peer(root: Path) -> None:
    """What Assayer is compared with comes with the benchmark alone."""
    assert "pyod" in locked(root, BENCH)
    assert "pyod" not in locked(root)


def test_lock_satisfies_pyproject(root: Path) -> None:
    """Every requirement in pyproject.toml, extras included, is locked at a version it allows."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    pins = locked(root)
    for requirement in map(Requirement, wanted):
        if requirement.name == project["name"]:
            continue
        version, _ = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} but {version} is locked"
