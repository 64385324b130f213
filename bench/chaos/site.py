"""One running server, and the ways in which its operator, its orchestrator and its machine deal with it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

URL = re.compile(r"http://\S+")
START_SECONDS = 60.0
STOP_SECONDS = 60.0
DEADLINE = 0.15
"""`limits.durable_deadline_seconds`, as it comes."""

OWN = (sys.executable, "-m", "detector")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its status and its document (`None` where it is no JSON)."""

    status: int
    document: Any


class Site:
    """A server on a data directory; `errors` is where it logs.

    `process` is the server itself: what wraps it (another user, other rights) has become it.
    """

    def __init__(self, data: Path, *, secrets: Mapping[str, str], errors: Path, command: Sequence[str] = OWN) -> None:
        """Start it, and wait until callers are let in. Raises `RuntimeError` with its last words."""
        self.data, self.secrets, self.errors = data, secrets, errors
        began = time.monotonic()
        with errors.open("ab") as log:
            arguments = [*command, "serve", "--data", str(data), "--port", "0"]
            self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        with self.process.stdout:
            found = URL.search(self.process.stdout.readline())
        if found is None:
            self.process.wait()
            raise RuntimeError("\n".join(errors.read_text("utf-8").splitlines()[-5:]) or "it said nothing")
        self.started_in = time.monotonic() - began
        self.port = int(found.group().rpartition(":")[2])

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid

    def ask(self, method: str, path: str, document: Any = None, *, role: str = "operator") -> Said:
        """One request with a role's token."""
        headers = {"Authorization": f"Bearer {self.secrets[role]}", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, None if document is None else json.dumps(document), headers)
            answer = connection.getresponse()
            body = answer.read()
        try:
            return Said(answer.status, json.loads(body))
        except ValueError:
            return Said(answer.status, None)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels; 0 where there is none."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in text.splitlines() if re.match(rf"{name}[ {{]", line)]
        return sum(float(line.rpartition(" ")[2]) for line in lines if all(word in line for word in wanted))

    def trouble(self) -> str:
        """Why it calls itself unready; empty when it is ready."""
        document = self.ask("GET", "/readyz").document
        return "; ".join(document["reasons"])

    def becomes(self, *, ready: bool, within: float = 30.0) -> float:
        """Seconds until it calls itself ready, or unready. Raises `TimeoutError`."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            if (not self.trouble()) is ready:
                return time.monotonic() - began
            time.sleep(0.05)
        raise TimeoutError(self.trouble() or "it went on calling itself ready")

    def resident(self) -> float:
        """Megabytes of it in memory now."""
        return _megabytes(self.pid, "VmRSS")

    def forget_peak(self) -> None:
        """Let the peak be counted from now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", "ascii")

    def peak(self) -> float:
        """Most megabytes of it in memory since the peak was forgotten."""
        return _megabytes(self.pid, "VmHWM")

    def said(self, words: str) -> int:
        """How often these words stand in its log."""
        return self.errors.read_text("utf-8", errors="replace").count(words)

    def kill(self) -> None:
        """As the out-of-memory killer does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As an orchestrator does; gives the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS)


def spoilt(control: Path, *what: str) -> Sequence[str]:
    """The command of a server whose `clock` or `chores` answer to a control."""
    return (sys.executable, "-m", "bench.chaos.sidecar", str(control), ",".join(what))


@contextmanager
def ended(site: Site) -> Iterator[Site]:
    """The site, which does not live longer than the block."""
    try:
        yield site
    finally:
        if site.process.poll() is None:
            site.kill()


def _megabytes(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(f"{name}:"))
