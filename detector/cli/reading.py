"""Paths into events, with what could not be read counted on the way."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.cli.tally import Tally
    from detector.events import Event

IDLE_SECONDS: Final = 0.5
"""A pause in a followed directory after which what was read is made durable."""

AHEAD_EVENTS: Final = 10_000
"""Events that reading may be ahead of learning: some megabytes."""


def check_dialect(name: str) -> None:
    """Refuse an unknown dialect as bad usage, naming the known ones."""
    from detector.sources import DIALECTS

    if name != "auto" and name not in DIALECTS:
        raise typer.BadParameter(f"--dialect {name!r}: one of auto, {', '.join(DIALECTS)}")


def read_events(paths: Sequence[str], dialect: str, tally: Tally) -> Iterator[Event]:
    """The events of all files, in the files' order. Raises `Complaint` for a missing path."""
    from detector.intake import read

    for name, event in read(paths, dialect=dialect, on_rejected=tally.reject):
        tally.read(name, event)
        yield event


def followed(paths: Sequence[str], dialect: str, tally: Tally) -> Iterator[Event | None]:
    """The events of a directory as it grows, `None` at each pause, until SIGINT or SIGTERM.

    What had been written by then is still read. Raises `typer.BadParameter` for
    anything but one directory.
    """
    if len(paths) != 1 or not Path(paths[0]).is_dir():
        raise typer.BadParameter("--follow: name one directory")
    queue: Queue[Event | BaseException | None] = Queue(maxsize=AHEAD_EVENTS)
    stop = threading.Event()
    reader = threading.Thread(target=_read_into, args=(queue, paths[0], dialect, tally, stop), daemon=True)
    with _told_to_stop(stop):
        reader.start()
        while True:
            try:
                item = queue.get(timeout=IDLE_SECONDS)
            except Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item


def _read_into(
    queue: Queue[Event | BaseException | None], directory: str, dialect: str, tally: Tally, stop: threading.Event
) -> None:
    """Everything that `follow` gives, then `None`, or the error that ended it."""
    from detector.intake import follow

    try:
        for name, event in follow(directory, dialect=dialect, on_rejected=tally.reject, stop=stop):
            tally.read(name, event)
            queue.put(event)
    except Exception as error:  # noqa: BLE001 - raised again in the thread that listens
        queue.put(error)
    else:
        queue.put(None)


@contextmanager
def _told_to_stop(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stop` instead of ending the process half-way."""
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
