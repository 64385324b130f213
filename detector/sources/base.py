"""What a decoder gives back: events, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from detector.events import Event

Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that gives no events, and why: names the field, never quotes what stood in it."""

    reason: str


Decoded: TypeAlias = tuple[Event, ...] | Unreadable
"""Events; none where the record is readable but none of our business; or unreadable."""

Decoder: TypeAlias = Callable[[Record], Decoded]
