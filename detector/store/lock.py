"""One writer a data directory: an operating-system lock that dies with its holder.

A lock file's mere existence proves nothing after a crash, so the lock is
`flock` on the file; what the file says (pid, URL) only tells people whom to
look for. Wrong on network file systems that do not carry `flock` between
machines: a data directory belongs on a local disk.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, Final

from detector.store.errors import DirectoryHeld
from detector.store.files import FILE_MODE

LOCK_NAME: Final = "writer.lock"
ATTEMPTS: Final = 5
"""A reader that asks who holds the lock holds it itself for some microseconds; a writer tries again."""
PAUSE: Final = 0.02


class WriterLock:
    """The right to write a data directory, held until `release` or the process's end."""

    def __init__(self, directory: Path) -> None:
        """Take it. Raises `DirectoryHeld`, naming the holder, where another process has it."""
        self._path = directory / LOCK_NAME
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        for attempt in range(ATTEMPTS):
            if _try_lock(self._descriptor, fcntl.LOCK_EX):
                break
            time.sleep(PAUSE * (attempt < ATTEMPTS - 1))
        else:
            text = _held_text(directory, _read(self._descriptor))
            os.close(self._descriptor)
            raise DirectoryHeld(text)
        self._write({"pid": os.getpid()})

    def announce(self, url: str) -> None:
        """Say where the holder's server listens."""
        self._write({"pid": os.getpid(), "url": url})

    def release(self) -> None:
        """Give it up. Idempotent."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, holder: dict[str, Any]) -> None:
        data = json.dumps(holder).encode() + b"\n"
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)


def running_server(directory: Path) -> str | None:
    """The URL of the server that writes `directory`, while that process lives; else `None`."""
    try:
        descriptor = os.open(directory / LOCK_NAME, os.O_RDONLY)
    except OSError:
        return None
    try:
        if _try_lock(descriptor, fcntl.LOCK_SH):
            return None
        url = _read(descriptor).get("url")
        return url if isinstance(url, str) else None
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> dict[str, Any]:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _held_text(directory: Path, holder: dict[str, Any]) -> str:
    pid, url = holder.get("pid", "unknown"), holder.get("url")
    where = f", serving {url}" if url else ""
    return f"{directory}: another process writes here (pid {pid}{where}); one data directory has one writer"
