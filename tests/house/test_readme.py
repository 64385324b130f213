"""The README is true: its commands run in the order they stand there, and what it shows is what is printed."""

from __future__ import annotations

import doctest
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.house.readme import BIN, README, SAME_AS, TABLE, Step, refreshed, steps

PORT = "8181"  # the default, as the README writes it; the test's server takes a free one
READY_SECONDS = 120.0  # a busy machine takes its time to start Python


@pytest.fixture
def text() -> str:
    """The README."""
    return README.read_text("utf-8")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A newcomer's environment: our command on the path, no configuration of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAYER_")}
    return {**kept, "PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "HOME": str(tmp_path), "NO_COLOR": "1"}


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def server(step: Step, *, port: int, cwd: Path, environment: dict[str, str]) -> Iterator[None]:
    """The README's server, until the reader is done."""
    command = f"exec {step.text.strip()} --port {port}"
    with (cwd / "server.log").open("w") as log:
        running = subprocess.Popen(["bash", "-c", command], cwd=cwd, env=environment, stderr=log, stdout=log)
    try:
        until = time.monotonic() + READY_SECONDS
        while not ready(port):
            assert running.poll() is None, (cwd / "server.log").read_text()
            assert time.monotonic() < until, "the server was never ready"
            time.sleep(0.1)
        yield
    finally:
        running.terminate()
        running.wait(timeout=20)


def ready(port: int) -> bool:
    """Whether the server says it is ready."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
    except httpx.TransportError:
        return False


def run(step: Step, *, port: int, cwd: Path, environment: dict[str, str]) -> str:
    """Run one block and give what it printed; it must succeed."""
    program = [sys.executable, "-c"] if step.language == "python" else ["bash", "-euo", "pipefail", "-c"]
    done = subprocess.run(
        [*program, step.text.replace(PORT, str(port))],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{step.text}\n{done.stdout}{done.stderr}"
    return done.stdout


def read_aloud(told: list[Step], *, port: int, cwd: Path, environment: dict[str, str]) -> None:
    """Do what the blocks say, in order, and compare what they are said to print."""
    printed = ""
    for number, step in enumerate(told):
        if step.mark == "serve":
            with server(step, port=port, cwd=cwd, environment=environment):
                read_aloud(told[number + 1 :], port=port, cwd=cwd, environment=environment)
            return
        if step.mark == "run":
            printed = run(step, port=port, cwd=cwd, environment=environment)
        else:
            same = doctest.OutputChecker().check_output(
                step.text.replace(PORT, str(port)), printed, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            )
            assert same, f"the README shows\n{step.text}\nbut this is printed\n{printed}"


@pytest.mark.process
def test_a_reader_can_follow(text: str, root: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """Someone who types what the README says, in an empty directory beside the samples, gets what it shows."""
    (tmp_path / "data").symlink_to(root / "data")
    told = steps(text)
    assert [step.mark for step in told].count("serve") == 1
    read_aloud(told, port=free_port(), cwd=tmp_path, environment=environment)


def test_generated_parts_are_fresh(text: str) -> None:
    """Command help and the configuration table are what the program says today (`python -m tests.house.readme`)."""
    assert SAME_AS.search(text)
    assert TABLE.search(text)
    assert refreshed(text) == text


def test_make_targets_exist(text: str, root: Path) -> None:
    """Each `make x` the README names is a target."""
    named = set(re.findall(r"\bmake ([a-z-]+)\b(?=[`\n]| {2,})", text))
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert named
    assert named - targets == set()


def test_linked_files_exist(text: str, root: Path) -> None:
    """Each relative link leads to a file of the repository."""
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (root / link).exists()] == []
