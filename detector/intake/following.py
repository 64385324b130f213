"""A directory followed as it grows: new files, new lines, files renamed, cut or replaced by a log rotation.

Asks the directory again and again, so that it works on every file system. A
file is known by its inode, so that a rotated one is not read twice, and by its
first bytes, so that another one that took its inode is read from its beginning.
Wrong where a file is deleted within one interval of its last line: that line is
lost. A compressed file is read once it has stopped growing.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from detector.events import Event
from detector.intake.archives import CHUNK, SUFFIXES
from detector.intake.decoding import AUTO, Decoding
from detector.intake.files import logs_in, stream_events
from detector.intake.rejected import OnRejected
from detector.intake.splitting import Splitter

EVERY: Final = 1.0
"""Seconds between two looks at the directory."""

_FINGERPRINT: Final = 256  # first bytes of a file, by which it is known again

_Identity = tuple[int, int]


@dataclass(slots=True)
class _Tail:
    """How far one file has been read."""

    splitter: Splitter
    decoding: Decoding
    offset: int = 0
    size: int = -1
    whole: bool = False
    marked: int = 0
    mark: int = zlib.crc32(b"")

    def finish(self) -> Iterator[tuple[str, Event]]:
        """The last line, whose end will not come; an archive was read to its end at once."""
        if not self.whole:
            yield from self.decoding.events(self.splitter.finish())


def follow(
    directory: str,
    *,
    dialect: str = AUTO,
    on_rejected: OnRejected,
    stop: threading.Event | None = None,
    every: float = EVERY,
) -> Iterator[tuple[str, Event]]:
    """(dialect, event) of every record in a directory's files, and then of every new one, for ever.

    `stop`, once set, ends it after what is there has been read: then a last line
    without its end counts, too. `every` is in seconds. Raises NotADirectoryError.
    """
    if not Path(directory).is_dir():
        raise NotADirectoryError(20, "is no directory", directory)
    stop = stop or threading.Event()
    tails: dict[_Identity, _Tail] = {}
    while True:
        last = stop.is_set()
        seen: set[_Identity] = set()
        for path in logs_in(directory):
            decoding = Decoding(path, dialect=dialect, on_rejected=on_rejected)
            yield from _grown(path, tails, seen, decoding, last=last)
        for gone in [identity for identity in tails if last or identity not in seen]:
            yield from tails.pop(gone).finish()
        if last:
            return
        stop.wait(every)


def _grown(
    path: str, tails: dict[_Identity, _Tail], seen: set[_Identity], decoding: Decoding, *, last: bool
) -> Iterator[tuple[str, Event]]:
    """What a file has that was not read yet; `decoding` is for a file that is new."""
    try:
        with Path(path).open("rb") as stream:
            status = os.fstat(stream.fileno())
            identity = (status.st_dev, status.st_ino)
            if identity in seen:
                return  # a second name for the same file
            seen.add(identity)
            tail = tails.get(identity)
            if tail is not None and not _same(tail, stream, status.st_size):
                yield from tail.finish()
                tail = None
            if tail is None:
                tail = tails[identity] = _Tail(Splitter(), decoding)
            if path.endswith(SUFFIXES):
                yield from _archive(tail, stream, status.st_size, last=last)
            else:
                yield from _appended(tail, stream)
    except FileNotFoundError:
        return  # rotated away while we looked; its inode turns up under its new name
    except OSError as error:
        decoding.damaged(1, f"cannot be read: {error.strerror or type(error).__name__}")


def _same(tail: _Tail, stream: BinaryIO, size: int) -> bool:
    """Whether this is still the file that was read: not cut, and beginning as it did."""
    return size >= tail.offset and zlib.crc32(stream.read(tail.marked)) == tail.mark


def _archive(tail: _Tail, stream: BinaryIO, size: int, *, last: bool) -> Iterator[tuple[str, Event]]:
    settled, tail.size = last or size == tail.size, size
    if settled and not tail.whole:
        tail.whole = True
        stream.seek(0)
        yield from stream_events(stream, tail.decoding)
        tail.offset = size


def _appended(tail: _Tail, stream: BinaryIO) -> Iterator[tuple[str, Event]]:
    if tail.marked < _FINGERPRINT:
        stream.seek(0)
        begun = stream.read(_FINGERPRINT)
        tail.marked, tail.mark = len(begun), zlib.crc32(begun)
    stream.seek(tail.offset)
    while chunk := stream.read(CHUNK):
        tail.offset += len(chunk)
        yield from tail.decoding.events(tail.splitter.feed(chunk))
