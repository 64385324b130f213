"""Log-likelihood ratios and how they combine: abuse against this requester's own habit, in nats.

A facet's share is `log(1 - pi + pi * abuse / habit)`: with probability `1 - pi`
the facet of an abusive event is as habit has it, else it is drawn from the broad
alternative. One that fits says slightly less than zero, silence is zero, `None`
is "can't tell yet".

Facets are not independent: a new network is a new site and a new path. The
model's weights (fitted on labelled replays, shipped in `models/`) say what part
of a facet's share is its own. Wrong where the weights come from organisations
quite unlike this one: the ranking then suffers, the orientation does not, for
no weight is negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Final

from detector.features.facets import GRANT_FACETS, GRANT_GRADES, USE_FACETS, USE_GRADES

QUANTA: Final = 1024
"""Evidence is kept in 1/1024 nat: `exp` and `log` differ in their last bits
between machines, and what is compared, stored or hashed must not."""

GRANT_CODES: Final = (*GRANT_FACETS, *GRANT_GRADES, "longer")
"""Codes of a grant's shares, parallel to what `Baselines.weigh_grant` returns."""

USE_CODES: Final = (*USE_FACETS, *USE_GRADES)
"""Codes of a usage's shares, parallel to what `Baselines.weigh_use` returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceModel:
    """How shares combine, as plain data.

    `grants` and `uses` give a weight for each code (0 and up; a code not named
    weighs `elsewhere`), `pi` how often abuse shows in a facet at all. `offset`
    and `scale` turn a row's evidence into the probability of abuse.
    """

    name: str = "even"
    grants: Mapping[str, float] = field(default_factory=dict)
    uses: Mapping[str, float] = field(default_factory=dict)
    elsewhere: float = 0.5
    pi: float = 0.3
    offset: float = 8.0
    scale: float = 1.5

    def grant_weights(self) -> tuple[float, ...]:
        """Weights parallel to `GRANT_CODES`."""
        return tuple(self.grants.get(code, self.elsewhere) for code in GRANT_CODES)

    def use_weights(self) -> tuple[float, ...]:
        """Weights parallel to `USE_CODES`."""
        return tuple(self.uses.get(code, self.elsewhere) for code in USE_CODES)

    def probability(self, evidence: float) -> float:
        """The probability of abuse in [0, 1] for a row's evidence in nats."""
        return 1.0 / (1.0 + exp(min((self.offset - evidence) / self.scale, 700.0)))


def quantise(nats: float) -> int:
    """Nats in whole quanta."""
    return round(nats * QUANTA)


def quantised(nats: float) -> float:
    """Nats rounded to whole quanta: what may be compared."""
    return round(nats * QUANTA) / QUANTA


def in_nats(quanta: int) -> float:
    """Quanta in nats."""
    return quanta / QUANTA


def shares(ratios: Sequence[float | None], weights: Sequence[float], pi: float) -> list[float]:
    """Each facet's weighted share in nats, parallel to `ratios`; 0 for what can't tell, or weighs nothing."""
    rest = 1.0 - pi
    return [
        weight * log(rest + pi * ratio) if weight and ratio is not None else 0.0
        for ratio, weight in zip(ratios, weights)  # noqa: B905 - the hot path; parallel by construction
    ]
