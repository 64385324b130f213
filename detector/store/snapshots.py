"""Snapshots as files: authenticated, versioned, written whole or not at all, and never trusted further than that.

    magic (8) | version (2) | position (8) | anchor (32) | length (8) | state | tag (32)

Big-endian. The tag is keyed BLAKE2b over all that stands before it. The anchor
is a digest of the log's own entry at the snapshot's position: a snapshot that
outlived its log (deleted, replaced, restored from an older backup) is authentic
and yet wrong, and is refused. A snapshot only saves time: whatever is wrong
with one, the log still has everything.

Except where the log was compacted: then the base, which is the state that the
forgotten entries came to, is all that is left of them. It is a file of its own,
and believed for its digest, which stands in the log.
"""

from __future__ import annotations

import hmac
import struct
import threading
from collections.abc import Callable
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Final, NamedTuple

from detector.store import keys
from detector.store.files import replace_private

MAGIC: Final = b"assayer\x00"
VERSION: Final = 1
KEPT: Final = 2
"""The newest, and the one before it in case the newest is damaged."""

_BASES: Final = "base-*.bin"
_HEADER: Final = struct.Struct(">8sHQ32sQ")
_TAG_BYTES: Final = 32
_PATTERN: Final = "snapshot-*.bin"


class SnapshotRefused(Exception):
    """A snapshot file is not one that this process wrote for this log; the text says why."""


class Base(NamedTuple):
    """The state that a log's forgotten entries came to: up to which position, and its SHA-256 (hexadecimal)."""

    position: int
    digest: str


def without_base() -> Base | None:
    """A log that has forgotten nothing."""
    return None


class FileSnapshots:
    """The newest snapshots of one log in its data directory, and its base.

    `anchor` gives the log's digest of its entry at a position (32 bytes), `None`
    for one that it does not hold; `base` what the log says of its base. `warn` is told of each file that is refused.
    `save` may be called from any thread.
    """

    def __init__(
        self,
        directory: Path,
        *,
        anchor: Callable[[int], bytes | None],
        warn: Callable[[str], None],
        base: Callable[[], Base | None] = without_base,
    ) -> None:
        """In a directory that exists; makes its key where there is none. Raises `OSError`."""
        self._base = base
        self._directory = directory
        self._anchor = anchor
        self._warn = warn
        self._saved = 0
        self._key = keys.load_or_make(directory, warn=warn)
        self._lock = threading.Lock()

    def save(self, position: int, state: bytes) -> None:
        """Keep the state folded up to `position`, durably, beside the one before it.

        One older than the last saved is not kept. Raises `OSError` when the disk
        refuses, `ValueError` for a position that the log does not hold.
        """
        anchor = self._anchor(position)
        if anchor is None:
            message = f"the log holds no entry {position}: a snapshot must not run ahead of it"
            raise ValueError(message)
        header = _HEADER.pack(MAGIC, VERSION, position, anchor, len(state))
        tag = blake2b(header, key=self._key, digest_size=_TAG_BYTES)
        tag.update(state)
        with self._lock:
            if position < self._saved:
                return
            self._saved = position
            path = self._directory / _name(position)
            replace_private(path, header, state, tag.digest())
            self._drop_all_but(position)

    def load(self, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The newest snapshot that is whole and authentic, at a position below `before`; `None` where there is none."""
        for path in self._newest_first():
            if before is not None and path.name >= _name(before):
                continue
            try:
                return self._parse(path.read_bytes())
            except (OSError, SnapshotRefused) as error:
                self._warn(f"{path}: not used: {error}")
        base = self._base()
        if base is None or (before is not None and base.position >= before):
            return None
        try:
            return base.position, read_base(self._directory, base)
        except (OSError, SnapshotRefused) as error:
            self._warn(f"{base_path(self._directory, base.position)}: not used: {error}")
            return None

    def _newest_first(self) -> list[Path]:
        return sorted(self._directory.glob(_PATTERN), reverse=True)

    def _drop_all_but(self, position: int) -> None:
        """Keep this snapshot and the one before; one that claims to be newer is of a log that is gone."""
        paths = self._newest_first()
        kept = [path for path in paths if path.name <= _name(position)][:KEPT]
        for path in set(paths).difference(kept):
            path.unlink(missing_ok=True)

    def _parse(self, data: bytes) -> tuple[int, bytes]:
        """Position and state of a file's content. Nothing in it is used before its tag is found right."""
        if len(data) < _HEADER.size + _TAG_BYTES or not data.startswith(MAGIC):
            message = "not a snapshot, or cut short"
            raise SnapshotRefused(message)
        view = memoryview(data)
        _, version, position, anchor, length = _HEADER.unpack_from(view)
        if version != VERSION:
            message = f"snapshot version {version}, this version of assayer reads {VERSION}"
            raise SnapshotRefused(message)
        tag = blake2b(view[:-_TAG_BYTES], key=self._key, digest_size=_TAG_BYTES).digest()
        if not hmac.compare_digest(tag, view[-_TAG_BYTES:]):
            message = "damaged, or not written with this directory's key"
            raise SnapshotRefused(message)
        if anchor != self._anchor(position):
            message = f"the log's entry {position} is not the one it was made at"
            raise SnapshotRefused(message)
        state = bytes(view[_HEADER.size : -_TAG_BYTES])
        if len(state) != length:
            message = f"{len(state)} bytes of state where {length} were announced"
            raise SnapshotRefused(message)
        return position, state


def base_path(directory: Path, position: int) -> Path:
    """Where the base at a position lies."""
    return directory / f"base-{position:020d}.bin"


def read_base(directory: Path, base: Base) -> bytes:
    """The base's state. Raises `OSError`, `SnapshotRefused` for another one than the log tells of."""
    state = base_path(directory, base.position).read_bytes()
    if sha256(state).hexdigest() != base.digest:
        message = "it is not the state that the log says its forgotten entries came to"
        raise SnapshotRefused(message)
    return state


def write_base(directory: Path, position: int, state: bytes) -> Base:
    """Keep a state as a base, durably. Raises `OSError`."""
    replace_private(base_path(directory, position), state)
    return Base(position, sha256(state).hexdigest())


def drop_bases_but(directory: Path, position: int) -> None:
    """Remove every base but one."""
    for path in directory.glob(_BASES):
        if path != base_path(directory, position):
            path.unlink(missing_ok=True)


def _name(position: int) -> str:
    """Twenty digits hold any 64-bit position, so that names sort as positions do."""
    return f"snapshot-{position:020d}.bin"
