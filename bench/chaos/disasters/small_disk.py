"""A disk of a few megabytes that one process sees, made without rights: a file system in memory, in a namespace."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NAMESPACES = (("--user", "--map-root-user", "--mount"), ("--mount",))
"""Two ways to a mount of one's own: anybody's where the kernel lets anybody, else root's."""

READY = "mounted"
PATIENCE = 10.0


class NoDisk(Exception):
    """This machine lets us mount nothing."""


@dataclass(frozen=True, slots=True)
class Disk:
    """`inside` is its path for whoever is started with `command`, `outside` the same for everybody else."""

    inside: Path
    outside: Path
    command: Sequence[str]

    def fill(self) -> None:
        """Leave room for nothing."""
        with (self.outside / "ballast").open("wb", buffering=0) as file:
            for size in (65_536, 4_096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def empty(self) -> None:
        """Make room again."""
        (self.outside / "ballast").unlink()


@contextmanager
def small_disk(at: Path, *, megabytes: int) -> Iterator[Disk]:
    """A disk of that size at a path, until the block ends. Raises `NoDisk`."""
    at.mkdir(parents=True)
    keep = f"mount -t tmpfs -o size={megabytes}m,mode=700 none '{at}' && echo {READY} && exec sleep 86400"
    for namespaces in NAMESPACES:
        process = subprocess.Popen(
            ["unshare", *namespaces, "sh", "-c", keep],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout:
            if READY not in process.stdout.readline():
                process.wait()
                continue
        try:
            kinds = [option for option in namespaces if option in {"--user", "--mount"}]
            command = ["nsenter", "--target", str(process.pid), "--preserve-credentials", *kinds, f"--wd={Path.cwd()}"]
            yield Disk(at, Path(f"/proc/{process.pid}/root{at}"), command)
        finally:
            process.kill()
            process.wait()
        return
    raise NoDisk("no mount of one's own: neither user namespaces nor root")


def grown(path: Path, *, within: float = PATIENCE) -> None:
    """Wait until a file is there. Raises `TimeoutError`."""
    ends = time.monotonic() + within
    while not path.exists():
        if time.monotonic() > ends:
            raise TimeoutError(path)
        time.sleep(0.05)
