"""The lock installs the same files everywhere, and says nothing of where they come from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def locked(root: Path) -> dict[str, tuple[str, int]]:
    """Each locked distribution with its version and how many files of it are allowed."""
    text = (root / "requirements.lock").read_text("utf-8").replace("\\\n", " ")
    pins = {}
    for line in text.splitlines():
        requirement = Requirement(line.split("--hash", 1)[0].strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", line[:60]
        pins[canonicalize_name(requirement.name)] = (pin.version, len(HASH.findall(line)))
    return pins


def test_every_pin_is_hashed(root: Path) -> None:
    """Each line pins one version and lists the SHA-256 of every file that may be installed."""
    unhashed = [name for name, (_, files) in locked(root).items() if files == 0]
    assert unhashed == []


def test_lock_names_no_host(root: Path) -> None:
    """No registry, index or folder is named: whoever installs uses their own."""
    text = (root / "requirements.lock").read_text("utf-8")
    assert re.findall(r"^.*(?:://|--(?:extra-)?index|--find-links|@ ).*$", text, re.MULTILINE) == []


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
