"""The transmitter put together: the configuration's streams, the keys, and the log that is delivered from."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from detector.signals.couriers import Tally
from detector.signals.keys import KEY_NAME, KeysUnreadable, SigningKeys
from detector.signals.streams import CONFIGURED, Stream, Streams, StreamsFull, configured
from detector.signals.transmitter import Transmitter
from detector.signals.vocabulary import EVENTS
from detector.store.sqlite import SqliteLog
from detector.store.told import ToldReader
from detector.wiring.listeners import SignalSettings, StreamSettings

LONGEST_SECRET: Final = 8_192


class SignalsUnusable(Exception):
    """The transmitter cannot be put together; the text says why."""


def transmitter(
    settings: SignalSettings,
    *,
    data: Path,
    log: SqliteLog,
    tally: Tally,
    warn: Callable[..., None],
    version: str,
    entitled: Callable[[str], bool],
) -> Transmitter | None:
    """The transmitter of a data directory; `None` where there is nobody to tell. Raises `SignalsUnusable`."""
    if not settings.issuer and not settings.streams:
        return None
    try:
        wanted = streams_of(settings, created=0.0)
        keys = SigningKeys(data / KEY_NAME) if settings.issuer else None
        streams = Streams(data)
    except (KeysUnreadable, OSError, sqlite3.Error) as error:
        raise SignalsUnusable(f"signals: {error}") from None
    try:
        configured(streams, wanted, head=log.head())
        return Transmitter(
            ToldReader(data),
            streams,
            head=log.head,
            issuer=settings.issuer,
            keys=keys,
            tally=tally,
            warn=warn,
            version=version,
            hosts=settings.push_hosts,
            ca_file=settings.ca_file,
            entitled=entitled,
        )
    except (StreamsFull, OSError, sqlite3.Error) as error:
        streams.close()
        where = f"signals.ca_file: {settings.ca_file}" if isinstance(error, OSError) else "signals"
        raise SignalsUnusable(f"{where}: {error}") from None


def streams_of(settings: SignalSettings, *, created: float) -> Mapping[str, Stream]:
    """The streams that the configuration names, with the secrets in their files. Raises `SignalsUnusable`."""
    return {name: _stream(name, stream, created) for name, stream in settings.streams.items()}


def _stream(name: str, settings: StreamSettings, created: float) -> Stream:
    return Stream(
        id=name,
        owner=CONFIGURED,
        audience=settings.audience or settings.endpoint,
        created=created,
        form=settings.format,
        endpoint=settings.endpoint,
        requested=tuple(EVENTS[kind] for kind in settings.events),
        authorization=_secret(settings.authorization_file, f"signals.streams.{name}.authorization_file"),
        secret=_secret(settings.secret_file, f"signals.streams.{name}.secret_file"),
    )


def _secret(file: str, key: str) -> str:
    """What a file holds, without the line's end; empty for no file."""
    if not file:
        return ""
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SignalsUnusable(f"{key}: {file}: {error}") from None
    if not text or len(text) > LONGEST_SECRET or not text.isascii() or not text.isprintable():
        raise SignalsUnusable(f"{key}: {file}: must hold one line of visible characters")
    return text
