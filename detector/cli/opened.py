"""A data directory as the other commands find it: served by a process that runs, or opened by this one."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from detector.cli.complaint import Complaint
from detector.cli.output import complain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.cli.remote import Remote
    from detector.wiring.compose import Embedded
    from detector.wiring.settings import Settings


class ServedBy(NamedTuple):
    """A server runs on it."""

    server: Remote
    store: None = None


class OpenedHere(NamedTuple):
    """This process alone writes it."""

    store: Embedded


@contextmanager
def opened(settings: Settings, token_file: Path | None) -> Iterator[ServedBy | OpenedHere]:
    """The server that runs on the data directory, else the store in it. Raises `Complaint` where there is neither."""
    from detector.cli.remote import running
    from detector.store import StoreError
    from detector.store.schema import LOG_NAME
    from detector.wiring.compose import embedded

    remote = running(settings.server.data, token_file)
    if remote is not None:
        with remote:
            yield ServedBy(remote)
        return
    if not (settings.server.data / LOG_NAME).is_file():
        raise Complaint(f"{settings.server.data}: no log here, and no server runs on it (say where with --data)")
    try:
        store = embedded(settings, warn=complain)
    except StoreError as error:
        raise Complaint(str(error)) from None
    try:
        yield OpenedHere(store)
    finally:
        store.close()
