"""What a stream is cut into."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

LONGEST_RECORD: Final = 16 << 20
"""Bytes: ten times the largest object that etcd stores, of which Kubernetes logs lists; CloudTrail ends at 256 KiB."""


class Piece(Struct, frozen=True, gc=False):
    """One record's bytes, or why there are none; the line it begins on, and its place in the array around it."""

    line: int
    body: bytes
    reason: str | None = None
    member: int | None = None
