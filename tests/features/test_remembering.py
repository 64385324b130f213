"""What is remembered of names is bounded in number and in length."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from detector.features.identity import DEFAULT_IDENTITY_RULES, Identities
from detector.features.names import area, words
from detector.features.places import client
from detector.features.remembering import LONGEST, remembered
from detector.features.sensitivity import DEFAULT_SENSITIVITY_RULES, Sensitivities

LONGEST_NAME = 2_048  # what decoders let through
MEGABYTES = 1e6

LOOKS: dict[str, Callable[[str], object]] = {
    "identity": Identities(DEFAULT_IDENTITY_RULES).fold,
    "sensitivity": Sensitivities(DEFAULT_SENSITIVITY_RULES).level,
    "area": area,
    "words": words,
    "client": client,
}


def test_the_oldest_is_forgotten_and_looked_at_again() -> None:
    """An attacker who invents names cannot grow our memory; what was found stays the same."""
    looked: list[str] = []
    length = remembered(lambda name: looked.append(name) or len(name), most=100)
    for number in range(1_000):
        length(str(number))
    assert [length("999"), length("0"), length("999")] == [3, 1, 3]
    assert len(looked) == 1_001


def test_a_long_name_is_looked_at_each_time() -> None:
    """One character more than is remembered, and it leaves nothing behind."""
    looked: list[str] = []
    length = remembered(lambda name: looked.append(name) or len(name))
    for _ in range(2):
        assert [length("x" * LONGEST), length("x" * (LONGEST + 1))] == [LONGEST, LONGEST + 1]
    assert [len(name) for name in looked] == [LONGEST, LONGEST + 1, LONGEST + 1]


@pytest.mark.parametrize("name", LOOKS)
def test_long_invented_names_leave_nothing_behind(name: str) -> None:
    """Two thousand names of nothing but short words, as long as may be: four megabytes said, next to none kept."""
    look = LOOKS[name]
    tracemalloc.start()
    for number in range(2_000):
        look((f"{number}/" + "a-b/c.d " * LONGEST_NAME)[:LONGEST_NAME])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 0.2 * MEGABYTES
