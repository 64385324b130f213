"""What people's words say of `risk`: how much commoner, or rarer, abuse is among what was flagged than it claims.

Each judged decision counts at the log odds that the model gave it. Once a day the one shift of all log odds that
fits the words best is drawn, held towards none by a prior, and logged. No verdict depends on it.
Wrong where only some kinds of step-ups are ever answered: then it is right for those kinds.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

from msgspec import Struct, field

from detector.evidence import quantised

BIN: Final = 0.5
"""Log odds that count as one: finer than any word is worth."""

FARTHEST: Final = 12.0
"""Log odds past which words count as there: a millionth either way."""

PRIOR: Final = 1.0
"""The standard deviation (log odds) of the shift before anybody has said a word: the base rate is a guess, but
rarely off by more than a factor of ten."""

MOST_SHIFT: Final = 4.0
STEPS: Final = 30
"""Halvings of the interval that the shift lies in: by then it is known to less than a quantum."""

SURE: Final = 1e-9


class Labels(Struct):
    """Judged decisions by the log odds the model gave them: how many, and how many of them were abuse."""

    judged: dict[int, float] = field(default_factory=dict)
    abusive: dict[int, float] = field(default_factory=dict)

    def count(self, probability: float, *, abusive: bool, weight: float = 1.0) -> None:
        """Count a word on a decision to which the model gave this probability; `weight` -1 takes it back."""
        odds = log(max(probability, SURE) / max(1.0 - probability, SURE))
        place = round(min(max(odds, -FARTHEST), FARTHEST) / BIN)
        self.judged[place] = max(self.judged.get(place, 0.0) + weight, 0.0)
        if abusive:
            self.abusive[place] = max(self.abusive.get(place, 0.0) + weight, 0.0)

    def fade(self, factor: float) -> None:
        """Let old words count for less."""
        for counts in (self.judged, self.abusive):
            for place in counts:
                counts[place] *= factor

    def shift(self) -> float:
        """The shift of log odds that fits the words best, as far as the prior lets it; 0 without a word."""
        low, high = -MOST_SHIFT, MOST_SHIFT
        for _ in range(STEPS):
            middle = (low + high) / 2.0
            if self._surplus(middle) > 0.0:
                low = middle
            else:
                high = middle
        return quantised((low + high) / 2.0)

    def _surplus(self, shift: float) -> float:
        """Abuse that was found beyond what the shifted odds expect, less what the prior holds against the shift."""
        expected = sum(many / (1.0 + exp(-(place * BIN + shift))) for place, many in sorted(self.judged.items()))
        return sum(self.abusive.values()) - expected - shift / PRIOR**2
