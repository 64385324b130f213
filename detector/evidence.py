"""Log-likelihood ratios and how they combine: abuse against this requester's own habit, in nats.

A facet's share is `log(1 - pi + pi * abuse / habit)`: with probability `1 - pi`
the facet of an abusive event is as habit has it, else it is drawn from the broad
alternative. One that fits says slightly less than zero, and as much
however well it fits; silence is zero, `None` is "can't tell yet".

Facets are not independent, and how likely abuse goes for a value is a guess. The
model's weights (fitted on labelled replays, shipped in `models/`) correct both:
they say what part of a facet's share is its own, apart for values that the
requester had shown before and for those that are news, and apart for what a share
says at first and beyond the knee. Wrong where the weights come from organisations
quite unlike this one: the ranking then suffers, the orientation does not, for
no weight is negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp, isfinite, log
from typing import Final, NamedTuple, TypeAlias

from detector.features.facets import GRANT_FACETS, GRANT_GRADES, USE_FACETS, USE_GRADES

KNEE: Final = 1.2
"""Nats up to which a share is small talk: what honest life says all day is weighted
apart from what is seldom said."""

FIT: Final = 0.05
"""What a facet that fits says, as a part of `pi`. Whoever stole an identity fits in nearly
all facets at once, and forty of them must not talk one that shouts down."""

QUANTA: Final = 1024
"""Evidence is kept in 1/1024 nat: `exp` and `log` differ in their last bits
between machines, and what is compared, stored or hashed must not."""

GRANT_CODES: Final = (*GRANT_FACETS, *GRANT_GRADES, "longer")
"""Codes of a grant's shares, parallel to what `Baselines.weigh_grant` returns."""

USE_CODES: Final = (*USE_FACETS, *USE_GRADES)
"""Codes of a usage's shares, parallel to what `Baselines.weigh_use` returns."""


Curve: TypeAlias = tuple[tuple[float, float], ...]
"""Knots of a line that never falls: evidence in nats, and the log-likelihood ratio that it is worth."""

LEAST_KNOTS: Final = 2


class Weight(NamedTuple):
    """What a facet's share counts for: below and beyond the knee, for values shown before and for new ones."""

    known: float
    rare: float
    new: float
    unheard: float

    @classmethod
    def even(cls, weight: float) -> Weight:
        """The same for all."""
        return cls(weight, weight, weight, weight)


class Weights(NamedTuple):
    """Every facet's weight; and of those that count for what is known, (index, below the knee, beyond it)."""

    each: tuple[Weight, ...]
    telling: tuple[tuple[int, float, float], ...]

    @classmethod
    def of(cls, weights: Iterable[Weight]) -> Weights:
        """Made once a model: most facets say something only when their value is new."""
        each = tuple(weights)
        return cls(each, tuple((at, w.known, w.rare) for at, w in enumerate(each) if w.known or w.rare))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceModel:
    """How shares combine, as plain data.

    `grants` and `uses` give the weights for each code (0 and up; a code not named
    weighs `elsewhere`), `pi` how often abuse shows in a facet at all. The curves
    say what a row's evidence is worth: the log of how much likelier it is among
    abusive rows than among legitimate ones. With `base_rate`, the share of rows
    that are abuse, that makes the probability of abuse.
    Raises `ValueError` for what would turn more surprise into less evidence or risk.
    """

    name: str = "even"
    grants: Mapping[str, Weight] = field(default_factory=dict)
    uses: Mapping[str, Weight] = field(default_factory=dict)
    elsewhere: float = 0.5
    pi: float = 0.3
    grant_curve: Curve = ((0.0, -0.7), (12.0, 7.3))
    use_curve: Curve = ((0.0, -0.7), (12.0, 7.3))
    base_rate: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what is no model: these values come from files."""
        weights = [part for weight in (*self.grants.values(), *self.uses.values()) for part in weight]
        if not all(isfinite(part) and part >= 0.0 for part in (*weights, self.elsewhere)):
            raise ValueError("a weight must be finite and not negative")
        if not (0.0 < self.pi < 1.0 and 0.0 < self.base_rate < 1.0):
            raise ValueError("pi and base_rate must lie between 0 and 1")
        for curve in (self.grant_curve, self.use_curve):
            rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(curve))
            if len(curve) < LEAST_KNOTS or not rising or not all(isfinite(x) for knot in curve for x in knot):
                raise ValueError("a curve needs two knots or more, in order, and must not fall")

    def grant_weights(self) -> Weights:
        """Weights parallel to `GRANT_CODES`."""
        return Weights.of(self.grants.get(code, Weight.even(self.elsewhere)) for code in GRANT_CODES)

    def use_weights(self) -> Weights:
        """Weights parallel to `USE_CODES`."""
        return Weights.of(self.uses.get(code, Weight.even(self.elsewhere)) for code in USE_CODES)

    def probability(self, evidence: float, *, use: bool = False, shift: float = 0.0) -> float:
        """The probability of abuse in [0, 1] for the evidence (nats) of a grant, or of a `use`.

        `shift` is what people's words have added to its log odds. Wrong by as much, in
        log odds, as abuse is rarer or commoner than `base_rate`, and nobody has said so.
        """
        worth = shift + along(self.use_curve if use else self.grant_curve, evidence)
        return 1.0 / (1.0 + (1.0 / self.base_rate - 1.0) * exp(min(-worth, 700.0)))


def along(curve: Curve, evidence: float) -> float:
    """What a curve says of so much evidence: level before its first knot, straight on beyond its last.

    >>> [along(((0.0, -1.0), (2.0, 1.0), (4.0, 5.0)), nats) for nats in (-3.0, 1.0, 3.0, 5.0)]
    [-1.0, 0.0, 3.0, 7.0]
    """
    left, low = curve[0]
    if evidence <= left:
        return low
    right, high = curve[1]
    if evidence > right:  # most rows have next to none, and this is on the way to every answer
        for knot in curve[2:]:
            left, low, (right, high) = right, high, knot
            if evidence <= right:
                break
    return low + (evidence - left) * (high - low) / (right - left)


def quantise(nats: float) -> int:
    """Nats in whole quanta."""
    return round(nats * QUANTA)


def quantised(nats: float) -> float:
    """Nats rounded to whole quanta: what may be compared."""
    return round(nats * QUANTA) / QUANTA


def in_nats(quanta: int) -> float:
    """Quanta in nats."""
    return quanta / QUANTA


def shares(ratios: Sequence[float | None], novel: Sequence[int], weights: Weights, pi: float) -> list[float]:
    """Each facet's weighted share in nats, parallel to `ratios`; 0 for what can't tell, or weighs nothing.

    `novel` are the indices of the facets whose value is news.
    """
    rest, fits, found = 1.0 - pi, -FIT * pi, [0.0] * len(ratios)
    for index, known, rare in weights.telling:
        ratio = ratios[index]
        if ratio is None:
            continue
        if ratio <= 1.0:
            found[index] = known * fits
        else:
            nats = log(rest + pi * ratio)
            found[index] = known * nats if nats < KNEE else known * KNEE + rare * (nats - KNEE)
    for index in novel:
        ratio = ratios[index]
        if ratio is None:
            continue
        _, _, new, unheard = weights.each[index]
        if ratio <= 1.0:
            found[index] = new * fits
        else:
            nats = log(rest + pi * ratio)
            found[index] = new * nats if nats < KNEE else new * KNEE + unheard * (nats - KNEE)
    return found
