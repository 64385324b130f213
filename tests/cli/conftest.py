"""What tests of the command line share: the command as a person would run it, in a place of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from detector.cli.guard import run


@dataclass(frozen=True)
class Ran:
    """How one command line ended."""

    status: int
    out: str
    err: str


Assayer = Callable[..., Ran]


@pytest.fixture
def assayer(capsys: pytest.CaptureFixture[str]) -> Assayer:
    """Run one command line in this process; gives its status and what it said."""

    def command(*arguments: object) -> Ran:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return command


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs in its own directory, without the caller's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASSAYER_TOKEN", raising=False)
    monkeypatch.delenv("ASSAYER_CONFIG", raising=False)
