"""Who is like whom, told from what they do: marks of a requester, profiles of groups, and where a newcomer belongs.

Groups are found elsewhere (`detector.training.peers`) and assigned by a logged
event; here is what has to be known to hold a requester against them. A requester's
*marks* are the values it showed, each with its share. What many show marks nobody,
so a mark weighs by its scarcity. The words of a name are marks as others are: who
calls itself like a group and does not behave like it is only a little like it.

*Sureness* is how well somebody fits its group compared with the group's own members,
times how much of it has been seen. What is borrowed from peers counts as far as it
is sure; the rest comes from the issuer and the fleet.

Wrong where several kinds of work leave the same marks, and for who works for two groups.

Source: Spärck Jones (1972) for scarcity; Salton, Wong, Yang (1975) for likeness as a cosine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Final, NamedTuple

from msgspec import Struct, field

from detector.baselines.habits import Habits
from detector.features.facets import ABSENT, GRANT_FACETS, USE_FACETS, Facets
from detector.features.names import words

GRANT_VOICES: Final[Mapping[str, float]] = {
    "issuer": 1.0,
    "area": 1.0,
    "resource": 0.7,
    "network": 0.7,
    "site": 0.7,
    "environment": 0.7,
    "client": 0.7,
    "task": 0.7,
    "privilege": 0.5,
    "authentication": 0.5,
    "origin": 0.5,
    "head": 0.5,
    "crossing": 0.5,
    "watch": 0.5,
    "lifetime": 0.4,
}
"""How much each facet of a grant has to say of whom somebody is like: where it works and from
where most, how it asks less."""

USE_VOICES: Final[Mapping[str, float]] = {"used_area": 0.7, "action": 0.5}

NAMED: Final = 1.0
"""What all words of a name say together: one voice among some ten."""

DOUBT: Final = 2.0
"""Events' worth of doubt: after so many of its own a newcomer is half as sure as an old hand."""

SURE: Final = 0.5
"""Sureness from which somebody counts as one of its group: teaches it, and takes over its rhythm."""

NOBODY: Final = "nobody"
"""The peers of whoever is like no group at all."""

STEPS: Final = 64
"""Sureness is kept in so many steps: it is compared and stored."""

_GRANT_VOICES: Final = tuple((GRANT_FACETS.index(name), name, voice) for name, voice in GRANT_VOICES.items())
_USE_VOICES: Final = tuple((USE_FACETS.index(name), name, voice) for name, voice in USE_VOICES.items())


class Profile(Struct, frozen=True):
    """A group: its marks (of length one, heaviest first), how like it its members are, and how many they are."""

    marks: dict[str, float]
    tight: float
    members: int


class Placement(Struct, frozen=True):
    """Where a requester belongs, and how sure that is in [0, 1]: `assigned` by grouping, or told by its first steps."""

    group: str
    sure: float
    assigned: bool = True


class Grouping(Struct, frozen=True):
    """What a round of grouping found: everything that is needed to place anybody.

    `scarcity` weighs the marks that any profile has, `unheard` all others;
    `moved` are the requesters whose placement is another than before.
    """

    profiles: dict[str, Profile] = {}
    scarcity: dict[str, float] = {}
    unheard: float = 1.0
    moved: dict[str, Placement] = {}


class Way(NamedTuple):
    """One requester as grouping sees it: its marks (voice × root of share), events learnt, and its group so far."""

    requester: str
    marks: Mapping[str, float]
    events: int
    group: str | None


class Peers(Struct):
    """The profiles in force, and everybody's place."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    scarcity: dict[str, float] = field(default_factory=dict)
    unheard: float = 1.0
    placed: dict[str, Placement] = field(default_factory=dict)

    def place(self, marks: Mapping[str, float], events: int) -> Placement | None:
        """Where somebody with these marks belongs who was seen so often; `None` where no group is like it.

        Who is equally like two groups is the first one's.
        """
        values, length = weighed(marks, self.scarcity, self.unheard)
        best, nearest = None, 0.0
        for group, profile in self.profiles.items():
            near = likeness(values, length, profile.marks)
            if near > nearest:
                best, nearest = group, near
        if best is None:
            return None
        return Placement(best, sureness(nearest, self.profiles[best].tight, events), assigned=False)

    def stranger(self, event: Facets) -> Placement | None:
        """Where a requester belongs of which this event is all that is known."""
        return self.place(shown(event), 1) if self.profiles else None


def weighed(
    marks: Mapping[str, float], scarcity: Mapping[str, float], unheard: float
) -> tuple[list[tuple[str, float]], float]:
    """Marks by their scarcity, and the length of all of them together."""
    values = [(mark, value * scarcity.get(mark, unheard)) for mark, value in marks.items()]
    return values, sqrt(sum(value * value for _, value in values))


def likeness(values: Sequence[tuple[str, float]], length: float, profile: Mapping[str, float]) -> float:
    """The cosine between somebody's weighed marks and a profile's, in [0, 1]."""
    near = sum(value * profile[mark] for mark, value in values if mark in profile)
    return near / length if length > 0.0 else 0.0


def sureness(likeness: float, tight: float, events: int) -> float:
    """How sure a placement is, in whole steps.

    >>> sureness(0.3, 0.6, 2), sureness(0.7, 0.6, 998)
    (0.25, 1.0)
    """
    fit = min(likeness / tight, 1.0) if tight > 0.0 else 0.0
    return round(STEPS * fit * events / (events + DOUBT)) / STEPS


def habitual(requester: str, grants: Habits | None, uses: Habits | None) -> dict[str, float]:
    """The marks of a requester with these habits."""
    marks = _named(requester)
    for own, voices in ((grants, _GRANT_VOICES), (uses, _USE_VOICES)):
        if own is None or own.total <= 0.0:
            continue
        for index, name, voice in voices:
            for value, count in own.counts[index].items():
                if value != ABSENT:
                    marks[f"{name}={value}"] = voice * sqrt(count / own.total)
    return marks


def shown(event: Facets) -> dict[str, float]:
    """The marks that a single grant or use shows."""
    marks = _named(event.requester)
    voices = _GRANT_VOICES if len(event.values) == len(GRANT_FACETS) else _USE_VOICES
    for index, name, voice in voices:
        value = event.values[index]
        if value != ABSENT:
            marks[f"{name}={value}"] = voice
    return marks


def _named(requester: str) -> dict[str, float]:
    said: Sequence[str] = sorted(words(requester))
    return {f"word={word}": NAMED / sqrt(len(said)) for word in said}
