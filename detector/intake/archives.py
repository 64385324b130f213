"""Compressed or not, a stream's bytes in chunks of bounded size. What it is, its first bytes say, not its name."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

import zstandard

CHUNK: Final = 256 << 10
"""Bytes handed on at a time: enough lines for the loop around them to cost nothing."""

ZSTD_INPUT: Final = 1 << 9
"""Compressed bytes given to zstd at a time: four may stand for 128 KiB, so these unpack to 16 MiB at the very worst."""

ZSTD_WINDOW: Final = 1 << 27
"""Bytes a frame may ask to be remembered: what the zstd tool itself allows before it is told otherwise."""

SUFFIXES: Final = (".gz", ".zst")

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_GZIP_BITS: Final = 31  # zlib's way to say: with gzip's header and checksum


class Damaged(ValueError):
    """An archive that cannot be read to its end; what came before has been handed on."""


def chunks(stream: BinaryIO, *, on_read: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """The stream's bytes, unpacked where it is gzip or zstd (also several members or frames one after another).

    `on_read` is told how many bytes were taken from the stream. Raises `Damaged`.
    """
    read = getattr(stream, "read1", stream.read)  # from a pipe: what is there, without waiting for more

    def taken() -> bytes:
        data: bytes = read(CHUNK)
        if on_read is not None and data:
            on_read(len(data))
        return data

    head = taken()
    while head and len(head) < len(_ZSTD):
        more = taken()
        if not more:
            break
        head += more
    if head.startswith(_GZIP):
        yield from _gzip(head, taken)
    elif head.startswith(_ZSTD):
        yield from _zstd(head, taken)
    else:
        while head:
            yield head
            head = taken()


def _gzip(data: bytes, taken: Callable[[], bytes]) -> Iterator[bytes]:
    while data.startswith(_GZIP):
        member = zlib.decompressobj(_GZIP_BITS)
        while True:
            try:
                unpacked = member.decompress(data, CHUNK)
            except zlib.error:
                raise Damaged("is damaged gzip") from None
            if unpacked:
                yield unpacked
            if member.eof:
                break
            data = member.unconsumed_tail
            if not data and not unpacked:
                data = taken()
                if not data:
                    raise Damaged("is gzip that ends in the middle")
        data = (member.unused_data or taken()).lstrip(b"\0")  # tapes and some writers fill up with zeros
        if 0 < len(data) < len(_GZIP):
            data += taken()
    if data:
        raise Damaged("is gzip with something else behind it")


def _zstd(data: bytes, taken: Callable[[], bytes]) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    while data:
        frame = unpacker.decompressobj()
        while not frame.eof:
            if not data:
                data = taken()
                if not data:
                    raise Damaged("is zstd that ends in the middle")
            piece, data = data[:ZSTD_INPUT], data[ZSTD_INPUT:]
            try:
                unpacked = frame.decompress(piece)
            except zstandard.ZstdError:
                raise Damaged("is damaged zstd") from None
            if unpacked:
                yield unpacked
        data = frame.unused_data + data or taken()
