"""Paths into events: files, directories, globs and standard input, compressed or not."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from detector.events import Event
from detector.intake.archives import Damaged, chunks
from detector.intake.decoding import AUTO, Decoding
from detector.intake.rejected import OnRejected
from detector.intake.splitting import Splitter

STDIN: Final = "-"

_JSON_LINE: Final = re.compile(rb"^(?:\xef\xbb\xbf)?\s*[\[{]", re.MULTILINE)


def read(
    paths: Sequence[str],
    *,
    dialect: str = AUTO,
    on_rejected: OnRejected,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[str, Event]]:
    """(dialect, event) of every record in every file, in the order of the paths, a directory's files by name.

    `-` is standard input; directories are walked, patterns (`logs/*.gz`)
    expanded. A record that cannot be read goes to `on_rejected` and the rest goes
    on; so does a file that cannot be read to its end. `on_progress` is told how
    many bytes were taken from a file, compressed ones as they lie on the disk.
    Raises FileNotFoundError for a path that is not there, before anything is
    read, and ValueError for a dialect that there is not.
    """
    Decoding(STDIN, dialect=dialect, on_rejected=on_rejected)  # a wrong dialect is said before anything is read
    found = [(path, walked) for given in paths for path, walked in _files(given)]
    return _read(found, dialect, on_rejected, on_progress)


def total_bytes(paths: Sequence[str]) -> int | None:
    """How many bytes `read` will take from these paths; None where that cannot be known (standard input)."""
    if STDIN in paths:
        return None
    return sum(Path(path).stat().st_size for given in paths for path, _ in _files(given))


def logs_in(directory: str) -> list[str]:
    """The files in a directory and those below it, by name; hidden ones are somebody's working state."""
    found: list[str] = []
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.extend(str(Path(folder, name)) for name in sorted(names) if not name.startswith("."))
    return found


def _read(
    paths: list[tuple[str, bool]], dialect: str, on_rejected: OnRejected, on_progress: Callable[[int], None] | None
) -> Iterator[tuple[str, Event]]:
    for path, walked in paths:
        decoding = Decoding(path, dialect=dialect, on_rejected=on_rejected)
        if path == STDIN:
            yield from stream_events(sys.stdin.buffer, decoding, on_read=on_progress)
            continue
        try:
            with Path(path).open("rb") as stream:
                yield from stream_events(stream, decoding, on_read=on_progress, sniff=walked)
        except OSError as error:
            decoding.damaged(1, f"cannot be read: {error.strerror or type(error).__name__}")


def stream_events(
    stream: BinaryIO, decoding: Decoding, *, on_read: Callable[[int], None] | None = None, sniff: bool = False
) -> Iterator[tuple[str, Event]]:
    """(dialect, event) of a stream to its end. With `sniff`, what does not look like JSON at all is one rejection."""
    splitter = Splitter()
    try:
        for count, chunk in enumerate(chunks(stream, on_read=on_read)):
            if sniff and count == 0 and not _JSON_LINE.search(chunk):
                decoding.damaged(1, "is no log: none of its lines begins as JSON")
                return
            yield from decoding.events(splitter.feed(chunk))
    except Damaged as error:
        yield from decoding.events(splitter.finish())
        decoding.damaged(splitter.line, str(error))
        return
    yield from decoding.events(splitter.finish())


def _files(given: str) -> list[tuple[str, bool]]:
    """(path, whether we found it ourselves by walking) of everything that a path stands for."""
    if given == STDIN:
        return [(STDIN, False)]
    if Path(given).is_dir():
        return [(path, True) for path in logs_in(given)]
    if Path(given).exists():
        return [(given, False)]
    found: list[str] = sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - the pattern may be absolute
    if not found:
        raise FileNotFoundError(2, "no such file or directory, and no pattern that matches one", given)
    return [member for path in found for member in _files(path)]
