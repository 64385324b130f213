"""What each role of requester is like, as data, before the style and the individual are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from detector.events import Privilege
from detector.simulator.dice import Dice
from detector.simulator.model import Role

Day: TypeAlias = Literal["round", "shoppers", "office", "night"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleKind:
    """A role's middle values; `rate` multiplies the style's median of requests a day."""

    rate: float
    day: Day
    weekend: tuple[float, float]
    session: float
    gap_seconds: float
    repertoire: float
    privileges: tuple[Privilege, ...]
    shares: float
    novelty: float
    discount: float
    uses: float
    tasked: float
    elsewhere: float
    methods: tuple[str, ...]
    whims: float = 0.003
    handovers: float = 0.0004
    evenness: float = 1.0
    clockwork: bool = False


ROLES: Final[Mapping[Role, RoleKind]] = {
    "service": RoleKind(
        rate=1.0,
        day="shoppers",
        weekend=(0.5, 1.0),
        session=1.6,
        gap_seconds=90.0,
        repertoire=3.0,
        privileges=("read", "write"),
        shares=0.35,
        novelty=0.5,
        discount=0.22,
        uses=2.2,
        tasked=0.1,
        elsewhere=0.1,
        methods=("jwt-svid", "kubernetes", "approle"),
    ),
    "cron": RoleKind(
        rate=0.7,
        day="night",
        weekend=(0.6, 1.0),
        session=1.0,
        gap_seconds=20.0,
        repertoire=2.0,
        privileges=("read", "write", "admin"),
        shares=0.2,
        novelty=0.2,
        discount=0.08,
        uses=2.5,
        tasked=0.0,
        elsewhere=0.0,
        whims=0.001,
        handovers=0.0,
        methods=("kubernetes", "approle"),
        clockwork=True,
        evenness=9.0,
    ),
    "ci_hosted": RoleKind(
        rate=1.6,
        day="office",
        weekend=(0.02, 0.25),
        session=2.5,
        gap_seconds=45.0,
        repertoire=4.0,
        privileges=("read", "write", "admin"),
        shares=0.6,
        novelty=1.2,
        discount=0.32,
        uses=1.6,
        tasked=0.95,
        elsewhere=0.3,
        whims=0.012,
        handovers=0.002,
        methods=("oidc",),
    ),
    "ci_own": RoleKind(
        rate=1.6,
        day="office",
        weekend=(0.02, 0.3),
        session=2.5,
        gap_seconds=45.0,
        repertoire=4.0,
        privileges=("read", "write", "admin"),
        shares=0.6,
        novelty=1.2,
        discount=0.32,
        uses=1.6,
        tasked=0.95,
        elsewhere=0.3,
        whims=0.012,
        handovers=0.002,
        methods=("jwt-svid", "approle"),
    ),
    "agent": RoleKind(
        rate=1.3,
        day="office",
        weekend=(0.1, 0.9),
        session=3.5,
        gap_seconds=60.0,
        repertoire=5.0,
        privileges=("read", "write"),
        shares=0.5,
        novelty=2.0,
        discount=0.42,
        uses=2.6,
        tasked=0.97,
        elsewhere=0.1,
        whims=0.03,
        handovers=0.005,
        methods=("jwt-svid", "oidc"),
    ),
    "partner": RoleKind(
        rate=0.6,
        day="round",
        weekend=(0.4, 1.0),
        session=1.3,
        gap_seconds=200.0,
        repertoire=2.0,
        privileges=("read", "write"),
        shares=0.0,
        novelty=0.2,
        discount=0.12,
        uses=2.0,
        tasked=0.0,
        elsewhere=0.0,
        methods=("client_secret", "mtls"),
    ),
    "operator": RoleKind(
        rate=0.5,
        day="office",
        weekend=(0.0, 0.25),
        session=2.0,
        gap_seconds=240.0,
        repertoire=4.0,
        privileges=("read", "write", "admin"),
        shares=0.8,
        novelty=2.0,
        discount=0.4,
        uses=2.0,
        tasked=0.3,
        elsewhere=0.0,
        whims=0.08,
        handovers=0.001,
        methods=("oidc", "userpass"),
    ),
}

_CENTRES: Final[Mapping[Day, tuple[float, float, float]]] = {
    # (local hour of the peak, its width in hours, the share that ignores the hour)
    "round": (12.0, 6.0, 0.75),
    "shoppers": (15.0, 5.0, 0.40),
    "office": (13.0, 3.0, 0.06),
    "night": (3.0, 2.0, 0.20),
}


def hours(day: Day, dice: Dice) -> tuple[float, ...]:
    """Weights of the 24 local hours for one requester; they sum to one."""
    centre, width, floor = _CENTRES[day]
    centre += dice.normal() * 1.2
    width *= dice.between(0.7, 1.4)
    floor *= dice.lognormal(1.0, 0.6)
    bell = [math.exp(-0.5 * (((h + 0.5 - centre + 12.0) % 24.0 - 12.0) / width) ** 2) for h in range(24)]
    share = min(0.9, floor)
    return tuple((1.0 - share) * b / sum(bell) + share / 24.0 for b in bell)
