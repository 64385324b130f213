"""All baselines as one river estimator: how likely an event is as habit, and as abuse.

`weigh` reads, `learn` writes. Habit is hierarchical: what the requester does,
then who took the value up among its peers, at its issuer, in the fleet. Abuse is
a broad alternative: a thief who knows the identity picks among its own values
without knowing how often each is right, or goes where it never went.

When it is wrong: an identity that changes its ways for good looks like abuse
until the new ways are learnt; abuse that keeps every habit looks like habit.

Source: Turcotte, Kent, Hash, "Unsupervised attack detection via Poisson matrix
factorization" (2020) and Heard, Rubin-Delanchy (2016) for new-edge models;
Kneser, Ney (1995) for counting a novelty once a context.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple, cast

import msgspec
from msgspec import Struct, field
from river.base import AnomalyDetector
from river.stats import Mean, Var

from detector.baselines.crowd import MATURE_EVENTS, Adoption, chance
from detector.baselines.fading import adoption_weight, habit_weight
from detector.baselines.habit import Habit
from detector.baselines.portrait import GRANT_GRADES, USE_GRADES, Portrait
from detector.baselines.histogram import Histogram, density, tail
from detector.features.facets import ABSENT, GRANT_FACETS, USE_FACETS, Facets

LEAST_SIGMA: Final = 0.15
"""Lifetimes within 15 % of the usual are usual, however constant they have been."""

LEAST_P: Final = 1e-9
"""No habit is surer than this: fingers slip."""

COLD_EVENTS: Final = 1
"""Learnt events below which a requester's rhythm says nothing."""

EVEN_HOUR: Final = 1.0 / 48.0
"""A thief keeps no office hours."""

NEW_TO_ALL: Final[dict[str, float]] = {
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

SEEN_SHARE: Final = 0.3
"""Under abuse, the share of events that pick among the requester's own values
evenly, not knowing how often each is right."""

APPETITE: Final[dict[str, float]] = {
    "read": 0.6,
    "write": 1.0,
    "admin": 2.0,
    "low": 0.5,
    "medium": 0.8,
    "high": 1.5,
    "critical": 2.0,
}
"""How much likelier than any other value abuse goes for these."""


class Odds(NamedTuple):
    """One facet's likelihoods: as `habit`, and as `abuse`; `novel` where the requester never showed it."""

    habit: float
    abuse: float
    novel: bool


class Graded(NamedTuple):
    """The quantities of one event as grades, parallel to `GRANT_GRADES` or `USE_GRADES`."""

    grades: tuple[int, ...]
    hour: int | None


class Crowd(Struct):
    """Adoption by facet in one scope, and the rhythm of all who belong to it.

    `grant_events` and `use_events` are faded counts of mature requesters' events.
    """

    grants: list[Adoption] = field(default_factory=lambda: [Adoption() for _ in GRANT_FACETS])
    uses: list[Adoption] = field(default_factory=lambda: [Adoption() for _ in USE_FACETS])
    hours: Histogram = field(default_factory=Histogram)
    grades: list[Histogram] = field(default_factory=lambda: [Histogram() for _ in GRANT_GRADES])
    use_grades: list[Histogram] = field(default_factory=lambda: [Histogram() for _ in USE_GRADES])
    grant_events: float = 0.0
    use_events: float = 0.0


class _State(Struct):
    portraits: dict[str, Portrait]
    crowds: dict[str, Crowd]


FLEET: Final = "fleet"


class Baselines(AnomalyDetector):
    """Every requester's portrait and the crowds around them.

    >>> baselines = Baselines()
    >>> baselines.score_one({"requester": "svc", "issuer": "vault", "resource": "db"})
    0.0
    """

    def __init__(self) -> None:
        self.portraits: dict[str, Portrait] = {}
        self.crowds: dict[str, Crowd] = {FLEET: Crowd()}

    # -- weighing ------------------------------------------------------------------------------

    def weigh_grant(self, facets: Facets, graded: Graded, now: float) -> list[Odds | None]:
        """Odds by facet of `GRANT_FACETS`, then the hour, the lifetime and `GRANT_GRADES`.

        `None` where there is nothing yet to hold the facet against.
        """
        portrait = self.portraits.get(facets.requester)
        scopes = self._scopes(facets)
        weight, adopted = habit_weight(now), adoption_weight(now)
        habits = portrait.grants if portrait else None
        wider = scopes[-1]
        odds = _categorical(
            facets.values,
            habits,
            [scope.grants for scope in scopes],
            GRANT_FACETS,
            events=wider.grant_events,
            weight=weight,
            adopted=adopted,
        )
        if portrait is None or portrait.events < COLD_EVENTS:
            return odds + [None] * (2 + len(GRANT_GRADES))
        odds.append(_hour(graded.hour, portrait.hours, wider.hours, weight))
        odds.append(_lifetime(facets.lifetime, portrait.lifetime))
        for i, grade in enumerate(graded.grades):
            own, crowd = portrait.grades[i], wider.grades[i]
            if i == 0:
                p = max(density(grade, own, crowd, weight), LEAST_P)
                odds.append(Odds(p, _EVEN_GAP, novel=False))
            else:
                odds.append(_upper(tail(grade, own, crowd, weight)))
        return odds

    def weigh_use(self, facets: Facets, graded: Graded, now: float) -> list[Odds | None]:
        """Odds by facet of `USE_FACETS`, then `USE_GRADES`."""
        portrait = self.portraits.get(facets.requester)
        scopes = self._scopes(facets)
        weight, adopted = habit_weight(now), adoption_weight(now)
        habits = portrait.uses if portrait and portrait.uses else None
        wider = scopes[-1]
        odds = _categorical(
            facets.values,
            habits,
            [scope.uses for scope in scopes],
            USE_FACETS,
            events=wider.use_events,
            weight=weight,
            adopted=adopted,
        )
        if portrait is None or not portrait.uses:
            return odds + [None] * len(USE_GRADES)
        odds.extend(
            _upper(tail(grade, portrait.use_grades[i], wider.use_grades[i], weight))
            for i, grade in enumerate(graded.grades)
        )
        return odds

    # -- learning ------------------------------------------------------------------------------

    def learn_grant(self, facets: Facets, graded: Graded, now: float) -> None:
        """Take one issuance into its requester's portrait and the crowds around it."""
        portrait = self.portraits.get(facets.requester)
        if portrait is None:
            portrait = self.portraits[facets.requester] = Portrait(first=now)
        weight, adopted = habit_weight(now), adoption_weight(now)
        scopes = self._scopes(facets, make=True)
        mature = portrait.events >= MATURE_EVENTS
        crowds = [scope.grants for scope in scopes]
        _learn(facets.values, portrait.grants, crowds, mature=mature, weight=weight, adopted=adopted)
        if mature:
            scopes[-1].grant_events += weight
        if graded.hour is not None:
            portrait.hours.learn(graded.hour, weight)
        if facets.lifetime is not None:
            portrait.lifetime.update(math.log1p(facets.lifetime), weight)
        for i, grade in enumerate(graded.grades):
            portrait.grades[i].learn(grade, weight)
        for scope in scopes:
            if graded.hour is not None:
                scope.hours.learn(graded.hour, weight)
            for i, grade in enumerate(graded.grades):
                scope.grades[i].learn(grade, weight)
        portrait.events += 1
        portrait.last = now

    def learn_use(self, facets: Facets, graded: Graded, now: float) -> None:
        """Take one usage into its requester's portrait and the crowds around it."""
        portrait = self.portraits.get(facets.requester)
        if portrait is None:
            portrait = self.portraits[facets.requester] = Portrait(first=now)
        weight, adopted = habit_weight(now), adoption_weight(now)
        scopes = self._scopes(facets, make=True)
        habits = portrait.open_uses()
        mature = habits[0].total > MATURE_EVENTS * weight
        crowds = [scope.uses for scope in scopes]
        _learn(facets.values, habits, crowds, mature=mature, weight=weight, adopted=adopted)
        if mature:
            scopes[-1].use_events += weight
        for i, grade in enumerate(graded.grades):
            portrait.use_grades[i].learn(grade, weight)
            for scope in scopes:
                scope.use_grades[i].learn(grade, weight)
        portrait.last = now

    def _scopes(self, facets: Facets, *, make: bool = False) -> list[Crowd]:
        """The fleet, the issuer and the peer group, as far as they are known."""
        crowds = self.crowds
        scopes = [crowds[FLEET]]
        for name in (f"issuer {facets.issuer}", f"peers {facets.group}"):
            crowd = crowds.get(name)
            if crowd is None:
                if not make:
                    continue
                crowd = crowds[name] = Crowd()
            scopes.append(crowd)
        return scopes

    # -- river's verbs -------------------------------------------------------------------------

    def learn_one(self, x: dict[str, Any]) -> None:
        """Learn a plain feature dictionary, as river pipelines hand it on (see `_plain`)."""
        facets, now = _plain(x)
        self.learn_grant(facets, Graded((), None), now)

    def score_one(self, x: dict[str, Any]) -> float:
        """The sum of log-ratios of abuse to habit, in nats; 0 where nothing can be told."""
        facets, now = _plain(x)
        if facets.requester not in self.portraits:
            return 0.0
        odds = self.weigh_grant(facets, Graded((), None), now)
        return sum(math.log(0.7 + 0.3 * o.abuse / o.habit) for o in odds if o is not None)

    # -- leaving the process -------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything learnt, as MessagePack; equal states give equal bytes."""
        state = _State(self.portraits, self.crowds)
        return msgspec.msgpack.encode(state, enc_hook=_flatten)

    @classmethod
    def revive(cls, data: bytes) -> Baselines:
        """The baselines that `snapshot` saved. Raises `msgspec.DecodeError` for anything else."""
        state = msgspec.msgpack.decode(data, type=_State, dec_hook=_restore)
        baselines = cls()
        baselines.portraits, baselines.crowds = state.portraits, state.crowds
        return baselines


_EVEN_GAP: Final = 1.0 / 30.0
"""A thief's timing falls on any grade between a second and months alike."""


def _categorical(  # noqa: PLR0913 - the hot loop takes its tables apart once
    values: tuple[str, ...],
    habits: list[Habit] | None,
    crowds: list[list[Adoption]],
    names: tuple[str, ...],
    *,
    events: float,
    weight: float,
    adopted: float,
) -> list[Odds | None]:
    odds: list[Odds | None] = []
    for i, value in enumerate(values):
        habit = habits[i] if habits is not None else None
        if habit is not None and habit.total > 0.0:
            count = habit.counts.get(value)
            novelty = habit.novelty(weight, crowds[-1][i].rate(events, weight))
            if count is not None:
                p = (1.0 - novelty) * count / habit.total
                q = SEEN_SHARE * APPETITE.get(value, 1.0) / len(habit.counts)
                odds.append(Odds(max(p, LEAST_P), q, novel=False))
                continue
        else:
            novelty = 1.0
            if crowds[-1][i].total < 2.0 * adopted:
                odds.append(None)
                continue
        p = novelty * chance(value, tuple(crowd[i] for crowd in crowds), adopted)
        odds.append(Odds(max(p, LEAST_P), _abuse(value, names[i], crowds[0][i]), novel=True))
    return odds


def _abuse(value: str, name: str, fleet: Adoption) -> float:
    """How likely abuse goes for a value that its requester never showed."""
    new = NEW_TO_ALL.get(name, NEW_TO_ALL_ELSE)
    appetite = APPETITE.get(value, 0.5 if value == ABSENT else 1.0)
    if value in fleet.counts:
        return (1.0 - new) * appetite / len(fleet.counts)
    return new * appetite


def _hour(hour: int | None, own: Histogram, wider: Histogram, weight: float) -> Odds | None:
    if hour is None:
        return None
    return Odds(max(density(hour, own, wider, weight), LEAST_P), EVEN_HOUR, novel=False)


def _upper(p: float) -> Odds:
    """A tail probability as odds, by the calibrator `1 / (2 sqrt(p))` (Vovk, Wang 2021)."""
    return Odds(max(p, LEAST_P), 0.5 * math.sqrt(p), novel=False)


def _lifetime(seconds: float | None, usual: Var) -> Odds | None:
    """Odds of a lifetime at least this long under a normal law of its logarithm."""
    if seconds is None or usual.mean.n <= 0.0:
        return None
    sigma = max(math.sqrt(max(usual.get(), 0.0)), LEAST_SIGMA)
    above = (math.log1p(seconds) - usual.mean.get()) / sigma
    p = 0.5 * math.erfc(above / math.sqrt(2.0))
    return _upper(min(max(p, 1e-6), 1.0))


def _learn(  # noqa: PLR0913 - the hot loop takes its tables apart once
    values: tuple[str, ...],
    habits: list[Habit],
    crowds: list[list[Adoption]],
    *,
    mature: bool,
    weight: float,
    adopted: float,
) -> None:
    fleet = crowds[0]
    for i, value in enumerate(values):
        new = habits[i].learn(value, weight)
        if new:
            first = value not in fleet[i].counts
            for crowd in crowds:
                crowd[i].adopt(value, adopted, first=first)
            if mature:
                crowds[-1][i].fresh += weight


def _plain(x: dict[str, Any]) -> tuple[Facets, float]:
    """A feature dictionary as facets: text by facet's name, `requester`, `issuer`, `group`, `time` beside."""
    values = tuple(str(x[name]) if name in x else ABSENT for name in GRANT_FACETS)
    requester, issuer = str(x.get("requester", ABSENT)), str(x.get("issuer", ABSENT))
    facets = Facets(requester, str(x.get("group", ABSENT)), issuer, values, None)
    return facets, float(x.get("time", 0.0))


def _flatten(value: object) -> object:
    """River's variance as its three sums (its own snapshot would be a pickle)."""
    if isinstance(value, Var):
        return [value.mean.n, value.mean.get(), value._S]  # noqa: SLF001 - river offers no public way out
    message = f"cannot snapshot a {type(value).__name__}"
    raise NotImplementedError(message)


def _restore(kind: type, value: object) -> object:
    if kind is not Var:
        message = f"cannot revive a {kind.__name__}"
        raise NotImplementedError(message)
    n, mean, squares = cast("list[float]", value)
    var = Var()
    var.mean = Mean._from_state(n, mean)  # noqa: SLF001 - river offers no public way in
    var._S = squares  # noqa: SLF001 - as above
    return var
