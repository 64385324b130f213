"""The key that authenticates snapshots: made on first use, private to the data directory."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from detector.store.files import replace_private

KEY_NAME: Final = "snapshot.key"
KEY_BYTES: Final = 32


def load_or_make(directory: Path, *, warn: Callable[[str], None]) -> bytes:
    """The directory's key. A key that is damaged, or that everybody may read, is replaced, with a warning.

    Snapshots made with the old key are then no longer believed, and state is folded from the log:
    slower once, but never forged. Group access is let pass: Kubernetes gives it to a volume's own group.
    """
    path = directory / KEY_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return _make(path)
    with os.fdopen(descriptor, "rb") as file:
        exposed = os.fstat(file.fileno()).st_mode & stat.S_IRWXO
        key = file.read(KEY_BYTES + 1)
    if exposed:
        warn(f"{path}: everybody may read this key; making a new one, older snapshots are not used")
        return _make(path)
    if len(key) != KEY_BYTES:
        warn(f"{path}: not a key of {KEY_BYTES} bytes; making a new one, older snapshots are not used")
        return _make(path)
    return key


def _make(path: Path) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    replace_private(path, key)
    return key
