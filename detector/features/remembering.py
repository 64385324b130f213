"""A bounded memory of what names come to: so many short names, for an attacker chooses how many and how long."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, TypeVar

T = TypeVar("T")

MEMO: Final = 65_536
"""Names remembered for one question: the busy ones of a large fleet."""

LONGEST: Final = 256
"""Characters of a name that is remembered: an ARN and then some. Longer ones are looked at each time, which takes
microseconds; remembered, a minute's worth of invented ones would fill gigabytes."""


def remembered(look: Callable[[str], T], *, most: int = MEMO) -> Callable[[str], T]:
    """`look`, remembering what it found for the last `most` short names.

    >>> looked = []
    >>> length = remembered(lambda name: looked.append(name) or len(name))
    >>> length("a"), length("a"), length("b" * 300), length("b" * 300), len(looked)
    (1, 1, 300, 300, 3)
    """
    known = lru_cache(maxsize=most)(look)

    @wraps(look)
    def remembering(name: str) -> T:
        return known(name) if len(name) <= LONGEST else look(name)

    return remembering
