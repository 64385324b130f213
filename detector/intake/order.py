"""Events in time order, exactly, in memory that does not grow with their number.

A chunk is sorted in memory; what does not fit goes to sorted runs on the disk,
which are merged. Runs are files of MessagePack, which keeps every float to the
bit. Not for streams that do not end: the last event may be the earliest.
"""

from __future__ import annotations

import heapq
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from detector.events import Event, GrantRequest, Issuance, Lifecycle, Usage

CHUNK: Final = 50_000
"""Events sorted at a time: some 60 MB of them."""

FAN_IN: Final = 128
"""Runs merged at a time: well below the 1,024 files that a process may have open, and 8 MB of buffers."""

# Of one moment, a request comes before what was minted on it, and that before its use. A change comes last: logs
# that tell time in whole seconds would otherwise have a key used after its end that was ended after its use.
_KINDS: Final = (GrantRequest, Issuance, Usage, Lifecycle)
_RANK: Final = {kind: rank for rank, kind in enumerate(_KINDS)}
_DECODERS: Final = [msgspec.msgpack.Decoder(kind) for kind in _KINDS]
_ENCODER: Final = msgspec.msgpack.Encoder()
_HEAD: Final = struct.Struct("<BI")  # a record in a run: its kind's rank and its length, then itself
_BUFFER: Final = 1 << 16


def in_time_order(events: Iterable[Event], *, chunk: int = CHUNK) -> Iterator[Event]:
    """The events by time; of one time, requests, issuances, uses, changes; of one kind, in the order they came.

    Everything is read before the first event comes out. `chunk` is how many
    events may be in memory at once.
    """
    waiting = iter(events)
    held = _sorted(islice(waiting, chunk))
    first = next(waiting, None)
    if first is None:
        yield from held
        return
    with tempfile.TemporaryDirectory(prefix="assayer-order-") as folder:
        runs = _Runs(Path(folder))
        runs.add(held)
        held = _sorted(_with(first, islice(waiting, chunk - 1)))
        while held:
            runs.add(held)
            held = _sorted(islice(waiting, chunk))
        yield from runs.merged()


class _Runs:
    """Sorted runs in a folder, oldest first: merging keeps that order among equals."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self._paths: list[Path] = []

    def add(self, events: Iterable[Event]) -> None:
        """Write one more run; too many of them become one."""
        if len(self._paths) >= FAN_IN:
            old = self._paths
            self._paths = [self._write(heapq.merge(*map(_read, old), key=_key))]
            for path in old:
                path.unlink()
        self._paths.append(self._write(events))

    def merged(self) -> Iterator[Event]:
        """All events of all runs, in order."""
        return heapq.merge(*map(_read, self._paths), key=_key)

    def _write(self, events: Iterable[Event]) -> Path:
        path = self._folder / f"{self._made}.run"
        self._made += 1
        encode: Callable[[object], bytes] = _ENCODER.encode
        pack = _HEAD.pack
        with path.open("wb", buffering=_BUFFER) as run:
            write = run.write
            for event in events:
                body = encode(event)
                write(pack(_RANK[type(event)], len(body)) + body)
        return path


def _read(path: Path) -> Iterator[Event]:
    unpack, size = _HEAD.unpack, _HEAD.size
    decode = [decoder.decode for decoder in _DECODERS]
    with path.open("rb", buffering=_BUFFER) as run:
        read = run.read
        while head := read(size):
            rank, length = unpack(head)
            yield decode[rank](read(length))


def _key(event: Event) -> tuple[float, int]:
    return event.time, _RANK[type(event)]


def _sorted(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=_key)


def _with(first: Event, others: Iterable[Event]) -> Iterator[Event]:
    yield first
    yield from others
