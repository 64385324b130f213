"""All baselines as one river estimator: the families of grants and of uses, and usual lifetimes.

Built on river: the estimator's verbs are river's, lifetimes are river's running
variance. What leaves the process leaves as plain MessagePack, never as a pickle.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import erfc, log, log1p, sqrt
from typing import Any, Final, cast

import msgspec
from msgspec import Struct
from river.base import AnomalyDetector
from river.stats import Mean, Var

from detector.baselines.fading import habit_weight
from detector.baselines.family import Family, Weighing
from detector.baselines.habits import COLD_EVENTS, Habits
from detector.baselines.kin import FAMILIAR, Kin
from detector.baselines.peers import NOBODY, SURE, Grouping, Peers, Placement, Way, habitual
from detector.features.facets import ABSENT, GRANT_FACETS, GRANT_GRADES, USE_FACETS, USE_GRADES, Facets
from detector.features.rhythm import DAY, UNTOLD

LEAST_SIGMA: Final = 0.15
"""Lifetimes within 15 % of the usual are usual, however constant they have been."""

LEAST_TAIL: Final = 1e-6
"""A lifetime is never stranger than one in a million: logarithms of lifetimes are not normal that far out."""

PLAIN_PI: Final = 0.3
"""How often abuse shows in a facet, for `score_one`; the fitted model has its own."""


SHORTER: Final = 0.1
"""How much less likely abuse goes for a new lifetime that is within what its requester had:
whoever steals wants it to last."""

RHYTHM_SECONDS: Final = 7 * DAY
"""How long a requester has to be known before its hours and days say anything: a week is the
least that has all of them."""

_RESOURCE: Final = GRANT_FACETS.index("resource")
_LIFETIME: Final = GRANT_FACETS.index("lifetime")
_WATCH: Final = GRANT_FACETS.index("watch")
_MINTED_FOR: Final = USE_FACETS.index("minted_for")
_UNTOLD: Final = (UNTOLD,) * len(GRANT_GRADES)
_HOUR: Final = len(GRANT_FACETS) + GRANT_GRADES.index("hour")


class _State(Struct):
    grants: Family
    uses: Family
    kin: Kin
    lifetimes: dict[str, Var]
    terms: dict[str, Var]
    peers: Peers


class Baselines(AnomalyDetector):
    """Everyone's habits, and the crowds around them.

    >>> baselines = Baselines()
    >>> baselines.score_one({"requester": "svc", "issuer": "vault", "resource": "db"})
    0.0
    """

    def __init__(self) -> None:
        self.grants = Family.empty(GRANT_FACETS, GRANT_GRADES)
        self.uses = Family.empty(USE_FACETS, USE_GRADES)
        self.kin = Kin()
        self.lifetimes: dict[str, Var] = {}
        self.terms: dict[str, Var] = {}
        self.peers = Peers()

    def grouped(self, event: Facets) -> Facets:
        """The event with the peers of its requester where groups were found and it needs any; old hands have habits."""
        if not self.peers.profiles:
            return event
        own = self.grants.habits.get(event.requester)
        if own is not None and own.events >= COLD_EVENTS:
            return event
        placed = self.peers.placed.get(event.requester) or self.peers.stranger(event)
        group, sure = (placed.group, placed.sure) if placed is not None else (NOBODY, 0.0)
        return Facets(*event[:-2], group, sure)

    def _teaches(self, requester: str) -> str | None:
        """The group that what a requester shows is taken for the habit of, too."""
        placed = self.peers.placed.get(requester)
        return placed.group if placed is not None and placed.sure >= SURE else None

    def way(self, requester: str) -> Way | None:
        """What grouping needs to know of a requester; `None` where it was never minted anything."""
        own = self.grants.habits.get(requester)
        if own is None:
            return None
        placed = self.peers.placed.get(requester)
        marks = habitual(requester, own, self.uses.habits.get(requester))
        return Way(requester, marks, own.events, placed.group if placed is not None else None)

    def assign(self, grouping: Grouping, *, whole: bool) -> None:
        """Put peer groups in force, or with `whole` false more placements in those that are."""
        peers = self.peers
        if whole:
            peers.profiles, peers.scarcity = dict(grouping.profiles), dict(grouping.scarcity)
            peers.unheard = grouping.unheard
            peers.placed = {name: place for name, place in peers.placed.items() if place.group in peers.profiles}
            for family in (self.grants, self.uses):
                family.peers = {name: crowd for name, crowd in family.peers.items() if name in peers.profiles}
        for requester, placement in grouping.moved.items():
            self._belong(requester, placement)

    def _belong(self, requester: str, placement: Placement) -> None:
        """Place a requester; a group it surely belongs to has what it learnt, once."""
        before = self.peers.placed.get(requester)
        self.peers.placed[requester] = placement
        there = before is not None and before.group == placement.group and before.sure >= SURE
        if placement.sure >= SURE and not there:
            for family in (self.grants, self.uses):
                family.join(requester, placement.group)

    def _settle(self, requester: str) -> None:
        """Look again where a newcomer belongs, each time it has been seen twice as often, until it is assigned."""
        if not self.peers.profiles:
            return
        placed, events = self.peers.placed.get(requester), self.grants.habits[requester].events
        if (placed is not None and placed.assigned) or events & (events - 1):
            return
        marks = habitual(requester, self.grants.habits[requester], self.uses.habits.get(requester))
        found = self.peers.place(marks, events)
        if found is not None:
            self._belong(requester, found)

    def weigh_grant(self, event: Facets, now: float) -> Weighing:
        """Ratios for `GRANT_FACETS`, `GRANT_GRADES`, and last the lifetime's upper tail."""
        weighing = self.grants.weigh(event, now)
        own = self.grants.habits.get(event.requester)
        if own is not None:
            if _LIFETIME in weighing.novel and event.lifetime is not None and event.lifetime <= _longest(own):
                weighing.ratios[_LIFETIME] = SHORTER * cast("float", weighing.ratios[_LIFETIME])
            if now - own.since < RHYTHM_SECONDS:
                weighing.ratios[_WATCH] = weighing.ratios[_HOUR] = None
        weighing.ratios.append(self._longer(event))
        return weighing

    def _longer(self, event: Facets) -> float | None:
        """The ratio for so long a lifetime, unless the requester or the resource explains it."""
        if event.lifetime is None:
            return None
        least = None
        for usual in (self.lifetimes.get(event.requester), self.terms.get(event.values[_RESOURCE])):
            ratio = _longer(event.lifetime, usual) if usual is not None else None
            if ratio is not None and (least is None or ratio < least):
                least = ratio
        return least

    def weigh_use(self, event: Facets, now: float) -> Weighing:
        """Ratios for `USE_FACETS` and `USE_GRADES`."""
        weighing = self.uses.weigh(event, now)
        weighing.ratios[_MINTED_FOR] = None  # others are held against it; it was weighed itself when it was minted
        return weighing

    def relation(self, requester: str, resource: str) -> tuple[str, str]:
        """Whose work a resource is to a requester, by its name and by its company: see `Kin`."""
        own = self.grants.habits.get(requester)
        if own is not None and resource in own.counts[_RESOURCE]:
            return FAMILIAR, FAMILIAR
        company = self.kin.company(requester, resource, own.counts[_RESOURCE] if own is not None else ())
        return self.kin.kinship(requester, resource), company

    def learn_grant(self, event: Facets, now: float) -> None:
        """Take one issuance in."""
        own = self.grants.habits.get(event.requester)
        if own is None:
            self.kin.meet(event.requester)
        if own is None or event.values[_RESOURCE] not in own.counts[_RESOURCE]:
            self.kin.take(event.requester, event.values[_RESOURCE])
        self.grants.learn(event, now, self._teaches(event.requester))
        self._settle(event.requester)
        if event.lifetime is not None:
            for kept, name in ((self.lifetimes, event.requester), (self.terms, event.values[_RESOURCE])):
                usual = kept.get(name)
                if usual is None:
                    usual = kept[name] = Var(ddof=0)  # weights, not counts: nothing to take one from
                usual.update(log1p(event.lifetime), habit_weight(now))

    def learn_use(self, event: Facets, now: float) -> None:
        """Take one usage in."""
        self.uses.learn(event, now, self._teaches(event.requester))

    def learn_one(self, x: dict[Hashable, Any]) -> None:
        """Learn a plain feature dictionary, as river pipelines hand it on (see `_plain`)."""
        self.learn_grant(*_plain(x))

    def score_one(self, x: dict[Hashable, Any]) -> float:
        """The sum of log-ratios of abuse to habit, in nats; 0 where nothing can be told."""
        ratios = self.weigh_grant(*_plain(x)).ratios
        return sum((log(1.0 - PLAIN_PI + PLAIN_PI * ratio) for ratio in ratios if ratio is not None), 0.0)

    def snapshot(self) -> bytes:
        """Everything learnt, as MessagePack; equal states give equal bytes."""
        return msgspec.msgpack.encode(
            _State(self.grants, self.uses, self.kin, self.lifetimes, self.terms, self.peers), enc_hook=_flatten
        )

    @classmethod
    def revive(cls, data: bytes) -> Baselines:
        """The baselines that `snapshot` saved.

        Raises `ValueError` where other facets were learnt, `msgspec.DecodeError` for other bytes.
        """
        state = msgspec.msgpack.decode(data, type=_State, dec_hook=_restore)
        baselines = cls()
        for now, then in ((baselines.grants, state.grants), (baselines.uses, state.uses)):
            if (now.facets, now.grades) != (then.facets, then.grades):
                message = "these baselines were learnt from other facets"
                raise ValueError(message)
        baselines.grants, baselines.uses = state.grants, state.uses
        baselines.kin, baselines.lifetimes, baselines.terms = state.kin, state.lifetimes, state.terms
        baselines.peers = state.peers
        return baselines


def _longer(seconds: float | None, usual: Var) -> float | None:
    """The ratio for a lifetime at least this long, under a normal law of its logarithm."""
    if seconds is None or usual.mean.n <= 0.0:
        return None
    sigma = max(sqrt(max(usual.get(), 0.0)), LEAST_SIGMA)
    above = (log1p(seconds) - usual.mean.get()) / sigma
    return 0.5 / sqrt(max(0.5 * erfc(above / sqrt(2.0)), LEAST_TAIL))


def _longest(own: Habits) -> float:
    """The longest lifetime (seconds) that a requester has shown."""
    return max((float(value.split()[0]) for value in own.counts[_LIFETIME] if value != ABSENT), default=0.0)


def _plain(x: Mapping[Hashable, Any]) -> tuple[Facets, float]:
    """A feature dictionary as facets: text by facet's name; `requester`, `issuer`, `group`, `time` beside."""
    values = tuple(str(x.get(name, ABSENT)) for name in GRANT_FACETS)
    requester, issuer = str(x.get("requester", ABSENT)), str(x.get("issuer", ABSENT))
    return Facets(requester, str(x.get("group", ABSENT)), issuer, values, _UNTOLD, None), float(x.get("time", 0.0))


def _flatten(value: object) -> object:
    """River's variance as its three sums: its own way out would be a pickle."""
    if isinstance(value, Var):
        return [value.mean.n, value.mean.get(), value._S]  # noqa: SLF001 - river offers no public way out
    message = f"cannot snapshot a {type(value).__name__}"
    raise NotImplementedError(message)


def _restore(kind: type, value: object) -> object:
    if kind is not Var:
        message = f"cannot revive a {kind.__name__}"
        raise NotImplementedError(message)
    n, mean, squares = cast("list[float]", value)
    var = Var(ddof=0)
    var.mean = Mean._from_state(n, mean)  # noqa: SLF001 - river offers no public way in
    var._S = squares  # noqa: SLF001 - as above
    return var
