"""The data directory's own keys: one authenticates snapshots, one signs the log's checkpoints. Made on first use."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from detector.proof import KeyRefused, Signer
from detector.store.errors import StoreError
from detector.store.files import replace_private, sync_directory

KEY_NAME: Final = "snapshot.key"
KEY_BYTES: Final = 32
REDACTION_NAME: Final = "redaction.key"
SIGNER_NAME: Final = "log.key"
NEXT_SIGNER_NAME: Final = "log.key.next"
"""A rotation's new key, until the old one has named it: a crash in between loses neither."""
LONGEST_SIGNER: Final = 1_024
"""Characters of a signing key: some hundred."""


def load_or_make(directory: Path, *, warn: Callable[[str], None]) -> bytes:
    """The directory's key. A key that is damaged, or that everybody may read, is replaced, with a warning.

    Snapshots made with the old key are then no longer believed, and state is folded from the log:
    slower once, but never forged. Group access is let pass: Kubernetes gives it to a volume's own group.
    """
    path = directory / KEY_NAME
    found = _read(path, KEY_BYTES + 1)
    if found is None:
        return _make(path)
    key, exposed = found
    if exposed:
        warn(f"{path}: everybody may read this key; making a new one, older snapshots are not used")
        return _make(path)
    if len(key) != KEY_BYTES:
        warn(f"{path}: not a key of {KEY_BYTES} bytes; making a new one, older snapshots are not used")
        return _make(path)
    return key


def redaction(directory: Path, *, warn: Callable[[str], None]) -> bytes:
    """The directory's key for redacting, made where there is none.

    One that everybody may read goes on being used, with a warning: under another key everything redacted looks new.
    Raises `StoreError` for one that is damaged, for the same reason.
    """
    path = directory / REDACTION_NAME
    found = _read(path, KEY_BYTES + 1)
    if found is None:
        return _make(path)
    key, exposed = found
    if exposed:
        warn(f"{path}: everybody may read this key, and try values against what was redacted with it: chmod 600 it")
    if len(key) != KEY_BYTES:
        raise StoreError(
            f"{path}: not a key of {KEY_BYTES} bytes: put it back, or remove it and let all that is redacted look new"
        )
    return key


def signer(directory: Path, name: str, *, warn: Callable[[str], None]) -> Signer:
    """The directory's signing key, made under `name` where there is none or the one there is no key.

    One that everybody may read goes on signing, with a warning: another one that the old did not name looks like a
    forgery to whoever checks the log.
    """
    path = directory / SIGNER_NAME
    found = _read(path, LONGEST_SIGNER)
    if found is None:
        return _make_signer(path, name)
    text, exposed = found
    if exposed:
        warn(f"{path}: everybody may read this key: chmod 600 it, then `assayer log rotate-key`")
    try:
        signer = Signer.parse(text.decode(errors="replace").strip())
    except KeyRefused as error:
        warn(f"{path}: {error}; making a new one")
        return _make_signer(path, name)
    if signer.name != name:
        warn(f"{path}: this key signs for {signer.name}, not for {name}; making a new one")
        return _make_signer(path, name)
    return signer


def make_next_signer(directory: Path, name: str) -> Signer:
    """A new signing key beside the one that signs, until `follow` puts it in its place."""
    return _make_signer(directory / NEXT_SIGNER_NAME, name)


def next_signer(directory: Path) -> Signer | None:
    """The key that a rotation was to go on with, where one was interrupted."""
    found = _read(directory / NEXT_SIGNER_NAME, LONGEST_SIGNER)
    try:
        return None if found is None else Signer.parse(found[0].decode(errors="replace").strip())
    except KeyRefused:
        return None


def follow(directory: Path) -> None:
    """Let the next key be the one that signs, durably."""
    (directory / NEXT_SIGNER_NAME).replace(directory / SIGNER_NAME)
    sync_directory(directory)


def forget_next(directory: Path) -> None:
    """Drop a next key that never signed."""
    (directory / NEXT_SIGNER_NAME).unlink(missing_ok=True)


def _make_signer(path: Path, name: str) -> Signer:
    made = Signer(name, secrets.token_bytes(KEY_BYTES))
    replace_private(path, made.text().encode() + b"\n")
    return made


def _read(path: Path, most: int) -> tuple[bytes, bool] | None:
    """What a key's file holds, up to `most` bytes, and whether everybody may read or write it; `None` for no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most), bool(os.fstat(file.fileno()).st_mode & stat.S_IRWXO)


def _make(path: Path) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    replace_private(path, key)
    return key
