"""One family of events (grants, or uses): everyone's habits in its facets, and the crowds around them.

`weigh` reads and `learn` writes. Habit is hierarchical: what the requester does,
then who took the value up among its peers, at its issuer, in the fleet. Abuse
is a broad alternative: a thief who knows the identity picks among its values
without knowing how often each is right, or goes where it never went.

Wrong where abuse keeps every habit (it then looks like habit), and where an
honest identity changes its ways for good (it looks like abuse until learnt).

Source: Heard, Rubin-Delanchy, "Network-wide anomaly detection via the Dirichlet
process" (2016); Turcotte et al. (2020) for new edges; Kneser, Ney (1995) and
Teh (2006) for counting a novelty once a context; Vovk, Wang (2021) for the
calibrator that turns a tail probability into a ratio.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import sqrt
from typing import Final, NamedTuple, cast

from msgspec import Struct

from detector.baselines.crowd import MATURE_EVENTS, Crowd, chance
from detector.baselines.fading import adoption_weight, habit_weight
from detector.baselines.habits import COLD_EVENTS, UNSEEN, Habits, posterior
from detector.baselines.hazard import Hazard, record
from detector.baselines.peers import SURE
from detector.features.facets import ABSENT, CONTEXTS, PARENTS, Facets
from detector.features.rhythm import DAY, DAY_HOURS, GRADES, UNTOLD

SEEN_SHARE: Final = 0.3
"""Under abuse, the share of events that pick among the requester's own values
evenly, not knowing how often each is right."""

FITS: Final = 0.5
"""The ratio of a value that is no rarer as habit than as abuse. How much it fits says next to nothing."""

LEAST_P: Final = 1e-4
"""No habit is surer than this: fingers slip, and no single one is known better."""

MOST_SEEN: Final = 60.0
"""What a value that its requester has shown before is worth at most, however seldom: honest uses fail
once in thousands, too, and no single one of them is a theft."""

COLD_ADOPTIONS: Final = 2.0
"""Adoptions below which the peers of a stranger say nothing about it."""

GRADE_PRIOR: Final = 6.0
"""How many events the peers' histogram is worth against one's own."""

NEIGHBOUR: Final = 0.35
"""How much of an hour's, or grade's, weight its two neighbours lend: daylight
saving and a late start move work by an hour."""

EVEN: Final[Mapping[str, float]] = {"hour": 1.0 / 48.0, "gap": 1.0 / 30.0}
"""Grades that are weighed by their density: a thief keeps no office hours, and no
distance from the last request. All others are weighed by their upper tail."""

MOST_RHYTHM: Final = 60.0
"""What no break of rhythm is worth more than: the strictest clockwork is at times late, asked
again at once, or run by hand."""

CIRCLES: Final[Mapping[str, int]] = {"hour": DAY_HOURS, "gap": GRADES}
"""After how many of them those come round."""

NEW_TO_ALL: Final[Mapping[str, float]] = {
    "address": 0.8,
    "network": 0.7,
    "site": 0.6,
    "used_network": 0.7,
    "used_site": 0.6,
    "client": 0.5,
    "used_client": 0.5,
    "path": 0.8,
    "errand": 0.8,
}
"""How often a value new to its requester is, under abuse, new to everyone. Thieves
come from where nobody comes from, but they ask for what exists."""

NEW_TO_ALL_ELSE: Final = 0.25

LEFT_OUT: Final = 0.2
"""How often abuse leaves out what the identity always gave: a task, a purpose, a proof."""

APPETITE: Final[Mapping[str, float]] = {
    "read": 0.6,
    "admin": 2.0,
    "low": 0.5,
    "medium": 0.8,
    "high": 1.5,
    "critical": 2.0,
    "at work": 0.2,
    "at the site it was minted at": 0.5,
    "its requester": 0.3,
}
"""How much likelier than any other new value abuse goes for these: more power, and
not the better end of a facet that has one."""

REASSURING: Final = frozenset(
    {"no", "settled", "familiar", "allowed", "live", "success", "the consumer it was minted for"}
    | {"where it was minted", "in the network it was minted in"}
)
"""What is as it should be: that it is new never speaks against anybody."""


class Weighing(NamedTuple):
    """Ratios of abuse to habit, parallel to facets and then grades; `None` is "can't tell".

    `novel` are the indices of facets whose value the requester never showed, `rare`
    of those whose value it seldom showed.
    """

    ratios: list[float | None]
    novel: list[int]
    rare: list[int]


class Family(Struct):
    """Habits by requester; crowds by issuer, by group of names and by what peers do, and the fleet's.

    Names speak for the old hands, whose own habits say most. A cold requester may name
    itself as it likes: it borrows from those who do as it does, as far as that is sure.
    """

    facets: tuple[str, ...]
    grades: tuple[str, ...]
    fleet: Crowd
    hazard: Hazard
    habits: dict[str, Habits]
    issuers: dict[str, Crowd]
    groups: dict[str, Crowd]
    peers: dict[str, Crowd]

    @classmethod
    def empty(cls, facets: tuple[str, ...], grades: tuple[str, ...]) -> Family:
        """Nothing learnt yet."""
        return cls(facets, grades, Crowd.empty(len(facets), len(grades)), Hazard.empty(len(facets)), {}, {}, {}, {})

    def weigh(self, event: Facets, now: float) -> Weighing:
        """How much likelier each facet and grade is as abuse than as habit."""
        weight = habit_weight(now)
        own = self.habits.get(event.requester)
        if own is None:
            return self._weigh_stranger(event, now)
        # Grows beside a habit that fades: what was known long ago can't tell, it does not accuse.
        unsure = UNSEEN * weight
        evenly = SEEN_SHARE * (own.total + unsure)
        ratios: list[float | None] = [FITS] * len(self.facets)
        novel, rare, index = list[int](), list[int](), 0
        for shown, value in zip(own.counts, event.values):  # noqa: B905 - the hot path; parallel by construction
            count = shown.get(value)
            if count is None:
                novel.append(index)
                ratios[index] = None
            elif count * len(shown) + unsure < evenly:
                rare.append(index)
                ratios[index] = min(evenly / (count * len(shown) + unsure), MOST_SEEN)
            index += 1  # noqa: SIM113 - enumerate() costs a tuple a facet
        if rare:
            self._condition(event, own, ratios, rare)
        if novel:
            novel = self._coarsest(novel)
            self._weigh_news(event, own, ratios, novel, now)
        self._weigh_grades(event, own, weight, ratios)
        return Weighing(ratios, novel, rare)

    def _condition(self, event: Facets, own: Habits, ratios: list[float | None], rare: list[int]) -> None:
        """A rare value is held against how rare its parents are; beside a new one it can't tell."""
        parents = _parents(self.facets)
        for index in rare:
            if parents[index]:
                held = min(own.counts[parent].get(event.values[parent], 0.0) for parent in parents[index])
                ratios[index] = cast("float", ratios[index]) * held / own.total if held else None

    def _weigh_news(self, event: Facets, own: Habits, ratios: list[float | None], novel: list[int], now: float) -> None:
        """Values that the requester never showed: the chance of any novelty, times the chance of this one."""
        weight, adopted = habit_weight(now), adoption_weight(now)
        scopes, sure = self._scopes(event, own)
        contexts = _contexts(self.facets)
        for index in novel:
            rate = scopes[-1].rate(index, weight)
            if sure < 1.0:
                rate = sure * rate + (1.0 - sure) * scopes[-2].rate(index, weight)
            prior = own.novelty(index, rate, weight)
            known = record(own.fresh[index] / weight)
            novelty = self.hazard.chance(index, known, own.events, prior, weight)
            context = contexts[index]
            if context is not None:
                seen = own.counts[context].get(event.values[context], 0.0) / weight
                novelty = max(novelty, posterior(0.0, seen, prior))
            p = novelty * chance(index, event.values[index], scopes, adopted, sure)
            ratios[index] = self._abuse(index, event.values[index]) / max(p, LEAST_P)

    def _weigh_stranger(self, event: Facets, now: float) -> Weighing:
        """A requester nobody has seen is held against what its peers adopted."""
        ratios: list[float | None] = []
        novel: list[int] = []
        scopes, sure = self._scopes(event, None)
        adopted = adoption_weight(now)
        for index, value in enumerate(event.values):
            if scopes[-1].totals[index] < COLD_ADOPTIONS * adopted:
                ratios.append(None)
                continue
            novel.append(index)
            p = chance(index, value, scopes, adopted, sure)
            ratios.append(self._abuse(index, value) / max(p, LEAST_P))
        return Weighing(ratios + [None] * len(self.grades), novel, [])

    def _coarsest(self, novel: list[int]) -> list[int]:
        """The novelties that are not bound to come with another of them."""
        if len(novel) == 1:
            return novel
        parents, found = _parents(self.facets), set(novel)
        return [index for index in novel if not found.intersection(parents[index])]

    def _abuse(self, index: int, value: str) -> float:
        """How likely abuse goes for a value that its requester never showed."""
        if value == ABSENT:
            return LEFT_OUT
        if value in REASSURING:
            return 0.0
        new = NEW_TO_ALL.get(self.facets[index], NEW_TO_ALL_ELSE)
        appetite = APPETITE.get(value, 1.0)
        known = self.fleet.counts[index]
        return (1.0 - new) * appetite / len(known) if value in known else new * appetite

    def _weigh_grades(self, event: Facets, own: Habits, weight: float, ratios: list[float | None]) -> None:
        group = self.groups.get(event.group, self.fleet)
        if event.peers:
            nearest, sure = self._circle(event, own)
            group = nearest if nearest is not None and sure >= SURE else self.fleet
        prior, append = GRADE_PRIOR * weight, ratios.append
        for name, grade, bins, wider in zip(self.grades, event.grades, own.histograms, group.histograms):  # noqa: B905 - as in `weigh`
            if grade == UNTOLD:
                append(None)
                continue
            even = EVEN.get(name)
            if grade == 0 and even is None:
                append(FITS)
                continue
            total, backed = bins[GRADES] + prior, wider[GRADES] + prior
            if even is not None:
                circle = CIRCLES[name]
                back = (_mass(wider, grade, circle) + prior / GRADES) / backed
                append(min(even * total / (_mass(bins, grade, circle) + prior * back), MOST_RHYTHM))
            else:  # the upper tail is what is left of the total: low grades are common, and short to add up
                above = max(wider[GRADES] - sum(wider[:grade]), 0.0)
                back = (above + prior * 0.5 * (1.0 - grade / GRADES)) / backed
                p = (max(bins[GRADES] - sum(bins[:grade]), 0.0) + prior * back) / total
                append(0.5 / sqrt(min(max(p, LEAST_P), 1.0)))

    def learn(self, event: Facets, now: float, peers: str | None = None) -> None:
        """Take one event into its requester's habits and the crowds around it, `peers` too if it surely has any.

        Nothing is taken once its day has taught enough.
        """
        weight = habit_weight(now)
        own = self.habits.get(event.requester)
        if own is None:
            own = Habits.empty(len(self.facets), len(self.grades), now)
            self.habits[event.requester] = own
        if not own.takes(int(now // DAY)):
            return
        mature = own.events >= MATURE_EVENTS
        groups = [self._crowd(self.groups, event.group)]
        if peers is not None:
            groups.append(self._crowd(self.peers, peers))
        novel: list[int] = []
        index = 0
        for shown, value in zip(own.counts, event.values):  # noqa: B905 - as in `weigh`
            if value in shown:
                shown[value] += weight
            else:
                novel.append(index)
            index += 1  # noqa: SIM113 - enumerate() costs a tuple a facet
        if novel:
            self._learn_news(event, own, groups, novel, now)
        _count(event.grades, own.histograms, groups, weight)
        if mature:
            for group in groups:
                group.events += weight
        own.total += weight
        own.events += 1
        own.until = now
        if own.events & (own.events - 1) == 0:  # a power of two: another stage begins
            for index in range(len(self.facets)):
                self._expose(own, index, weight)

    def _learn_news(self, event: Facets, own: Habits, groups: list[Crowd], novel: list[int], now: float) -> None:
        """Take values in that the requester never showed."""
        weight, adopted = habit_weight(now), adoption_weight(now)
        if own.events:
            for index in self._coarsest(novel):
                self._expose(own, index, weight)
                self.hazard.strike(index, record(own.fresh[index] / weight), own.events, weight)
                own.exposed[index] = own.events + 1
        mature = own.events >= MATURE_EVENTS
        for index in novel:
            own.learn(index, event.values[index], weight)
            self._adopt(index, event, groups, adopted)
            if mature:
                for group in groups:
                    group.fresh[index] += weight

    def _expose(self, own: Habits, index: int, weight: float) -> None:
        """Count the events since a facet was last counted; they were all of one class."""
        events = own.events - own.exposed[index]
        if events > 0 and own.events > 1:
            self.hazard.expose(index, record(own.fresh[index] / weight), own.events - 1, events * weight)
        own.exposed[index] = max(own.events, own.exposed[index])

    def _adopt(self, index: int, event: Facets, groups: list[Crowd], weight: float) -> None:
        value = event.values[index]
        first = value not in self.fleet.counts[index]
        issuer = self.issuers.get(event.issuer)
        if issuer is None:
            issuer = self.issuers[event.issuer] = Crowd.empty(len(self.facets), 0)
        for crowd in (self.fleet, issuer, *groups):
            crowd.adopt(index, value, weight, first=first)

    def join(self, requester: str, peers: str) -> None:
        """Let a requester's peers have what a requester has learnt so far, as of when it was last seen.

        What it brought stays where it leaves again, and fades as any adoption does.
        """
        own = self.habits.get(requester)
        if own is None:
            return
        crowd, weight = self._crowd(self.peers, peers), adoption_weight(own.until)
        for index, shown in enumerate(own.counts):
            fleet = self.fleet.counts[index]
            for value in shown:
                crowd.adopt(index, value, weight, first=fleet.get(value, 0.0) <= weight)
        for bins, wider in zip(own.histograms, crowd.histograms, strict=True):
            for place, mass in enumerate(bins):
                wider[place] += mass
        if own.events >= MATURE_EVENTS:
            crowd.events += own.total
            for index, fresh in enumerate(own.fresh):
                crowd.fresh[index] += fresh

    def _crowd(self, crowds: dict[str, Crowd], name: str) -> Crowd:
        """A group's crowd, made where there is none yet."""
        found = crowds.get(name)
        if found is None:
            found = crowds[name] = Crowd.empty(len(self.facets), len(self.grades))
        return found

    def _circle(self, event: Facets, own: Habits | None) -> tuple[Crowd | None, float]:
        """The crowd nearest to a requester, where it has one, and how far that is to be believed."""
        if not event.peers or (own is not None and own.events >= COLD_EVENTS):
            return self.groups.get(event.group), 1.0
        return self.peers.get(event.peers), event.sure

    def _scopes(self, event: Facets, own: Habits | None) -> tuple[list[Crowd], float]:
        """The fleet, the issuer and the nearest group, as far as they are known, and how far the last is believed."""
        issuer, (group, sure) = self.issuers.get(event.issuer), self._circle(event, own)
        scopes = [self.fleet] if issuer is None else [self.fleet, issuer]
        if group is None or sure <= 0.0:
            return scopes, 1.0
        return [*scopes, group], sure


@lru_cache
def _parents(facets: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """Each facet's parents, as indices."""
    return tuple(tuple(facets.index(name) for name in PARENTS.get(facet, ())) for facet in facets)


@lru_cache
def _contexts(facets: tuple[str, ...]) -> tuple[int | None, ...]:
    """What each facet is a habit with, as an index."""
    return tuple(facets.index(CONTEXTS[facet]) if facet in CONTEXTS else None for facet in facets)


def _count(grades: tuple[int, ...], mine: list[list[float]], groups: list[Crowd], weight: float) -> None:
    """Take grades into a requester's histograms, which run parallel to them, and into those of its groups."""
    for grade, bins, wider in zip(grades, mine, groups[0].histograms):  # noqa: B905 - the hot path; parallel by construction
        if grade != UNTOLD:
            bins[grade] += weight
            bins[GRADES] += weight
            wider[grade] += weight
            wider[GRADES] += weight
    for group in groups[1:]:
        for grade, wider in zip(grades, group.histograms):  # noqa: B905 - as above
            if grade != UNTOLD:
                wider[grade] += weight
                wider[GRADES] += weight


def _mass(bins: list[float], index: int, circle: int) -> float:
    """The weight at an hour or grade with what its neighbours lend; each `circle` of them closes."""
    start = index - index % circle
    near = bins[start + (index - 1) % circle] + bins[start + (index + 1) % circle]
    return bins[index] * (1.0 - NEIGHBOUR) + near * NEIGHBOUR
