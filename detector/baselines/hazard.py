"""How often something new honestly comes, learnt from everyone: the hazard of a novelty in each facet.

A requester that has shown no new network in two hundred requests is not alone:
how many others were in its place, and how many of them then came from a new
one, is in the log. So the chance of a novelty is counted by facet, by how many
the requester has shown before and by how long it has been at it, over all
requesters; nothing is assumed about how it falls with experience.

Wrong where this requester is unlike all others at its stage, and in the first
days of a log, when a prior speaks instead.

Source: Robbins, "An empirical Bayes approach to statistics" (1956).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

STAGES: Final = 13
"""Doublings of the number of events: 1, 2–3, 4–7, … and 4096 or more."""

RECORDS: Final = 5
"""How many novelties before: 0, 1, 2–3, 4–7, 8 or more (faded)."""

BACK_OFF: Final = 20.0
"""How many events the stage before is worth against a stage's own."""


class Hazard(Struct):
    """Events at risk and novelties that struck, by facet and class; faded by inflation."""

    exposed: list[list[float]]
    struck: list[list[float]]

    @classmethod
    def empty(cls, facets: int) -> Hazard:
        """Nothing counted yet."""
        zeros = [0.0] * (STAGES * RECORDS)
        return cls([zeros.copy() for _ in range(facets)], [zeros.copy() for _ in range(facets)])

    def expose(self, facet: int, record: int, events: int, weight: float) -> None:
        """Count so much weight of events of a requester with that record at that stage."""
        self.exposed[facet][record * STAGES + stage(events)] += weight

    def strike(self, facet: int, record: int, events: int, weight: float) -> None:
        """Count one novelty; its event counts as exposed too."""
        place = record * STAGES + stage(events)
        self.exposed[facet][place] += weight
        self.struck[facet][place] += weight

    def chance(self, facet: int, record: int, events: int, prior: float, weight: float) -> float:
        """The chance that the next event is a novelty; `prior` is what a first event is taken to have."""
        exposed: Sequence[float] = self.exposed[facet]
        struck: Sequence[float] = self.struck[facet]
        p, back_off, first = prior, BACK_OFF * weight, record * STAGES
        for place in range(first, first + stage(events) + 1):
            p = (struck[place] + back_off * p) / (exposed[place] + back_off)
        return p


def stage(events: int) -> int:
    """The class of a number of events, 1 and up."""
    return min(events.bit_length() - 1, STAGES - 1)


def record(fresh: float) -> int:
    """The class of a faded number of novelties.

    >>> [record(x) for x in (0.2, 1.0, 2.2, 5.0, 30.0)]
    [0, 1, 2, 3, 4]
    """
    return min(int(fresh + 0.5).bit_length(), RECORDS - 1)
