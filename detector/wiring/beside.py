"""Work that would hold the interpreter for longer than an answer may take, done in another process of ours."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Final

NICE: Final = 10
"""What such a process adds to its niceness: nobody waits for it, and somebody waits for whatever else runs."""


class Beside:
    """Runs a module of ours, one at a time. `warn` hears the last words of one that failed."""

    def __init__(self, module: str, *, warn: Callable[[str], None]) -> None:
        self._command = [sys.executable, "-m", module]
        self._warn = warn
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def run(self, *arguments: object) -> str | None:
        """What it printed; `None` where it failed or was stopped. Waits, on any thread."""
        with self._lock:
            if self._stopped:
                return None
            process = self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [*self._command, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        said, trouble = process.communicate()
        if process.returncode == 0:
            return said
        if not self._stopped:
            self._warn((trouble.strip().splitlines() or [f"it ended with {process.returncode}"])[-1])
        return None

    def stop(self) -> None:
        """End the one that is under way, and run no more."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
