"""The systemd unit is valid, locked down, and starts a command that exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# systemd's own measure of what a service could still do, in tenths: 0 is nothing, 100 everything.
EXPOSURE_LIMIT = 20

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on this machine")


@pytest.fixture
def unit(root: Path, tmp_path: Path) -> Path:
    """The unit, with its program swapped for one that every machine has: systemd refuses a missing one."""
    text = (root / "deploy" / "systemd" / "assayer.service").read_text("utf-8")
    copy = tmp_path / "assayer.service"
    copy.write_text(text.replace("ExecStart=/opt/assayer/bin/assayer", "ExecStart=/bin/true"), "utf-8")
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@needs_systemd
def test_unit_is_valid(unit: Path) -> None:
    """systemd reads the unit without a complaint."""
    done = analyze("verify", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_unit_is_locked_down(unit: Path) -> None:
    """By systemd's own measure the service can do little beyond its work."""
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", str(unit))
    assert done.returncode == 0, done.stdout


def test_unit_starts_a_command_that_exists(root: Path) -> None:
    """Each option in ExecStart is one that `assayer serve` takes."""
    text = (root / "deploy" / "systemd" / "assayer.service").read_text("utf-8")
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    _, command, *arguments = shlex.split(line)
    offered = subprocess.run(
        [str(Path(sys.executable).parent / "assayer"), command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [option for option in arguments if option.startswith("--") and option not in offered] == []
