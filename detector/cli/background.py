"""A sidecar in a process of its own, for the demonstration: the real command, on a free loopback port."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from detector.cli.complaint import Complaint

URL: Final = re.compile(r"http://\S+")
STOP_SECONDS: Final = 15.0


@contextmanager
def background_sidecar(*, config: Path, data: Path) -> Iterator[str]:
    """`assayer serve` on a free port, running until the block ends; gives its URL.

    What it logs goes to `serve.log` in the data directory. Raises `Complaint`
    with its last words where it does not start.
    """
    command = [sys.executable, "-m", "detector", "serve", "--config", str(config), "--data", str(data), "--port", "0"]
    log = data / "serve.log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)  # noqa: S603 - ourselves
    try:
        yield _url(process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _url(process: subprocess.Popen[str], log: Path) -> str:
    """What the first line says; an empty one means that the process has ended."""
    line = process.stdout.readline() if process.stdout is not None else ""
    found = URL.search(line)
    if found is None:
        words = log.read_text(encoding="utf-8").splitlines()
        raise Complaint("\n".join(["the sidecar did not start:", *(words[-3:] or ["it said nothing"])]))
    return found.group()
