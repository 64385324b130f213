"""What `pip install .` gives: the package, its models and samples, the `assayer` command, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as pip builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("assayer-*.whl")
    return made


def test_wheel_holds_package_models_and_samples(wheel: Path, root: Path) -> None:
    """Every source file, model and sample of the checkout is in the wheel, and no test or bench."""
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"{packaged}/{path.relative_to(root / folder).as_posix()}"
        for folder, packaged in (
            ("detector", "detector"),
            ("models", "detector/models_data"),
            ("data/samples", "detector/samples_data"),
        )
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - names == set()
    assert {name.split("/")[0] for name in names - expected} <= {"assayer-0.1.0.dist-info"}


def test_installed_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Unpacked elsewhere, the package finds its own models and samples, and its command answers."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import detector.assets as a, detector.cli, sys;"
        "print(a.__file__, a.models(), a.samples(), sep='\\n');"
        "sys.argv = ['assayer', '--help']; detector.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()
    assert all(line.startswith(str(tmp_path)) for line in found[:3])
    assert "Usage: assayer" in done.stdout
