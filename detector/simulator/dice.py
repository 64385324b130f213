"""Chance, reproducible to the bit on every machine and Python version.

`random.Random.random` is the only part of the standard generator whose stream
Python promises to keep; numpy promises none. Everything here is built on it.
When it is wrong: logarithms may differ in the last bit between C libraries,
so that callers round what they print (times to milliseconds).
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

_LARGE = 30.0  # exp(-30) is still far from underflow


class Dice:
    """A seeded stream of chances; `fork` gives independent named streams.

    >>> Dice("a").fork("b").below(1000) == Dice("a").fork("b").below(1000)
    True
    """

    __slots__ = ("_seed", "_unit")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        digest = hashlib.sha256(seed.encode()).digest()
        # Simulated chance, never a secret.
        self._unit = random.Random(int.from_bytes(digest[:8], "big")).random

    def fork(self, name: str) -> Dice:
        """A stream of its own, so that one part's draws do not move another's."""
        return Dice(f"{self._seed}/{name}")

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return self._unit()

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self._unit()

    def below(self, bound: int) -> int:
        """A whole number in 0..bound-1."""
        return int(self._unit() * bound)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self._unit() < probability

    def pick(self, values: Sequence[T]) -> T:
        """One of the values, each as likely."""
        return values[int(self._unit() * len(values))]

    def weighted(self, values: Sequence[T], weights: Sequence[float]) -> T:
        """One of the values, by weight (weights need not sum to one)."""
        left = self._unit() * sum(weights)
        for value, weight in zip(values, weights, strict=True):
            left -= weight
            if left < 0.0:
                return value
        return values[-1]

    def sample(self, values: Sequence[T], count: int) -> list[T]:
        """Up to `count` distinct positions' values, in drawn order."""
        rest = list(values)
        return [rest.pop(self.below(len(rest))) for _ in range(min(count, len(rest)))]

    def normal(self) -> float:
        """Standard normal (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self._unit()))
        return radius * math.cos(2.0 * math.pi * self._unit())

    def lognormal(self, median: float, sigma: float) -> float:
        """Log-normal with this median and this spread of the logarithm."""
        return median * math.exp(sigma * self.normal())

    def exponential(self, mean: float) -> float:
        """Exponential with this mean."""
        return -mean * math.log(1.0 - self._unit())

    def gamma(self, shape: float) -> float:
        """Gamma with this shape and mean one (Marsaglia and Tsang, 2000)."""
        if shape < 1.0:
            boost: float = (1.0 - self._unit()) ** (1.0 / shape)
            return self.gamma(shape + 1.0) * (shape + 1.0) * boost / shape
        d = shape - 1.0 / 3.0
        c = 1.0 / math.sqrt(9.0 * d)
        while True:
            x = self.normal()
            v = (1.0 + c * x) ** 3
            if v > 0.0 and math.log(1.0 - self._unit()) < 0.5 * x * x + d - d * v + d * math.log(v):
                return float(d * v / shape)

    def poisson(self, mean: float) -> int:
        """Poisson count (Knuth's product, split for large means)."""
        count = 0
        while mean > _LARGE:
            count += self.poisson(_LARGE)
            mean -= _LARGE
        limit, product = math.exp(-mean), self._unit()
        while product > limit:
            count += 1
            product *= self._unit()
        return count

    def geometric(self, mean: float) -> int:
        """A count from 0 up with this mean, memoryless."""
        if mean <= 0.0:
            return 0
        return int(math.log(1.0 - self._unit()) / math.log(mean / (1.0 + mean)))

    def hexes(self, digits: int) -> str:
        """That many hexadecimal digits."""
        out = ""
        while len(out) < digits:
            out += f"{int(self._unit() * 4294967296):08x}"
        return out[:digits]

    def letters(self, count: int) -> str:
        """That many characters as pod suffixes have them."""
        return "".join(self.pick("bcdfghjklmnpqrstvwxz2456789") for _ in range(count))


@lru_cache(1 << 16)
def hash_of(text: str) -> int:
    """A number that is the same on every machine (unlike `hash`)."""
    value = 14695981039346656037  # FNV-1a
    for byte in text.encode():
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value
