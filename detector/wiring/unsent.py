"""What the log still has to be delivered from: a receiver that was away is told all of it, so it is not forgotten."""

from __future__ import annotations

from pathlib import Path

from detector.signals.streams import STREAMS_NAME, Streams
from detector.store.told import ToldReader


def unsent(directory: Path) -> int | None:
    """The position of the first entry that a stream may still need; `None` where none needs any.

    A disabled stream needs nothing. One whose receiver is gone for good has to be disabled, deleted or taken out of the
    configuration before what it was to be told can be forgotten.
    """
    if not (directory / STREAMS_NAME).is_file():
        return None
    streams, reader = Streams(directory), ToldReader(directory)
    try:
        needed = []
        for stream in streams.all():
            cursor = streams.cursor(stream.id)
            found = [] if stream.form == "ocsf" else reader.announced(cursor, most=1)
            if stream.status != "disabled" and (stream.form == "ocsf" or found):
                needed.append(found[0].position if found else cursor + 1)
    finally:
        streams.close()
    return min(needed, default=None)
