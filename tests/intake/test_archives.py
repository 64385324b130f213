"""Compressed streams, whole and not."""

from __future__ import annotations

import gzip
import io
import os
import tracemalloc

import pytest
import zstandard

from detector.intake.archives import CHUNK, Damaged, chunks

DATA = os.urandom(3 * CHUNK) + b"x" * 3 * CHUNK


def unpacked(data: bytes) -> bytes:
    """All that comes out."""
    return b"".join(chunks(io.BytesIO(data)))


def until_damage(data: bytes) -> tuple[bytes, str | None]:
    """What comes out before the archive turns out to be damaged, and what is said then."""
    found = bytearray()
    try:
        for chunk in chunks(io.BytesIO(data)):
            found += chunk
    except Damaged as error:
        return bytes(found), str(error)
    return bytes(found), None


def test_what_is_not_compressed_passes() -> None:
    """Byte for byte, also when there is next to nothing."""
    for data in (DATA, b"", b"{", b"ab"):
        assert unpacked(data) == data


def test_gzip_of_one_and_of_several_members() -> None:
    """Concatenated gzip is one stream, and zeros behind it are padding."""
    assert unpacked(gzip.compress(DATA)) == DATA
    assert unpacked(gzip.compress(DATA) + gzip.compress(b"more") + b"\0" * 100) == DATA + b"more"


def test_zstd_of_one_and_of_several_frames() -> None:
    """Concatenated zstd is one stream, with or without its size in its head; empty and skippable frames are passed."""
    pack = zstandard.ZstdCompressor(write_checksum=True).compress
    streamed = zstandard.ZstdCompressor().compressobj()
    unsized = streamed.compress(DATA) + streamed.flush()
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"
    assert unpacked(pack(DATA)) == DATA
    assert unpacked(pack(DATA) + pack(b"") + unsized + skippable + pack(b"more")) == DATA + DATA + b"more"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor(write_checksum=True).compress])
def test_what_came_before_the_damage_is_handed_on(pack: object) -> None:
    """A truncated or damaged archive gives what it can, and then says so."""
    packed = pack(DATA)  # type: ignore[operator]
    middle = len(packed) // 2
    for damaged in (
        packed[:middle],
        packed[:-2],
        packed[:middle] + b"\0" * 64 + packed[middle + 64 :],
        packed + b"rest",
    ):
        found, reason = until_damage(damaged)
        assert reason is not None
        assert len(found) > CHUNK
        assert DATA.startswith(found[:CHUNK])


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_bomb_is_unpacked_in_flat_memory(pack: object) -> None:
    """A quarter of a gigabyte of nothing in a few kilobytes comes out in chunks."""
    bomb = pack(bytes(1 << 28))  # type: ignore[operator]
    tracemalloc.start()
    total = sum(map(len, chunks(io.BytesIO(bomb))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 1 << 28
    assert peak < 64 << 20


def test_progress_is_told_in_bytes_taken() -> None:
    """Compressed bytes count as they lie on the disk."""
    packed = gzip.compress(DATA)
    taken: list[int] = []
    for _ in chunks(io.BytesIO(packed), on_read=taken.append):
        pass
    assert sum(taken) == len(packed)
