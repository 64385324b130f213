"""Habit with honest novelty: a Pitman-Yor urn.

The chance of something new after n draws of k kinds is (strength + discount k) / (strength + n): it falls
but never dies, as in real logs, where a known principal goes on touching new areas.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from detector.simulator.dice import Dice

T = TypeVar("T")


class Urn(Generic[T]):
    """Counts of what was drawn, and the chance that the next is new."""

    __slots__ = ("_counts", "_discount", "_strength", "_total")

    def __init__(self, *, strength: float, discount: float) -> None:
        self._counts: dict[T, float] = {}
        self._total = 0.0
        self._strength = strength
        self._discount = discount

    def add(self, value: T, weight: float = 1.0) -> None:
        """One more of that value."""
        self._counts[value] = self._counts.get(value, 0.0) + weight
        self._total += weight

    def drop(self, value: T) -> None:
        """It is gone; nobody will draw it again."""
        self._total -= self._counts.pop(value, 0.0)

    def novel(self, dice: Dice) -> bool:
        """Whether the next draw is something new."""
        if not self._counts:
            return True
        fresh = self._strength + self._discount * len(self._counts)
        return dice.chance(fresh / (self._strength + self._total))

    def draw(self, dice: Dice) -> T:
        """Something drawn before, by how often (less the discount)."""
        left = dice.unit() * (self._total - self._discount * len(self._counts))
        value = None
        for value, count in self._counts.items():  # noqa: B007 - the last one is kept
            left -= count - self._discount
            if left < 0.0:
                break
        if value is None:
            message = "an empty urn holds nothing to draw"
            raise ValueError(message)
        return value
