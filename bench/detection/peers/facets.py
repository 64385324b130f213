"""What the peers see of a row: some twenty numbers, made prequentially from the events alone.

The same for every peer. A categorical facet is nought for a value that this requester had within the last fourteen
days, else its surprise: the logarithm of how many rows it had without it, over ten, cut at one. (Surprise of familiar
values too, or bare flags, made every peer worse.) They get the true identity behind a raw name, so that none of them
fails for want of folding names.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from bench.detection.ground import truth
from bench.detection.measure import Detector, Scored
from detector.events import Issuance, Usage
from detector.simulator import Organisation

MEMORY: Final = 14 * 86_400.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0
_RANK: Final = {"read": 0.2, "write": 0.5, "admin": 1.0, None: 0.2}
_FULL: Final = 10.0  # nats of surprise that count as one

ISSUANCE: Final = (
    "resource",
    "issuer",
    "network",
    "environment",
    "agent",
    "privilege",
    "chain",
    "consumer",
    "tasked",
    "purposed",
    "method",
    "hour",
    "lifetime",
)
USAGE: Final = ("resource", "network", "privilege", "hour")


def network(address: str | None) -> str:
    """The /24 of an IPv4 address."""
    return address.rsplit(".", 1)[0] if address else ""


class Faceted(NamedTuple):
    """A row as peers see it: its facets, and the names of those that show a value for the first time."""

    kind: str
    id: str
    time: float
    values: dict[str, float]
    new: frozenset[str]


Peer: TypeAlias = Callable[[Organisation, Sequence[Faceted]], Iterable[Scored]]
"""Scores an organisation's rows by their facets; rows come in time order."""


def faceted(organisation: Organisation) -> list[Faceted]:
    """Every row of an organisation with its facets."""
    return list(Facets().rows(organisation))


def alone(peer: Peer) -> Detector:
    """The peer as a detector that needs nothing but the organisation."""
    return lambda organisation: peer(organisation, faceted(organisation))


class Counts:
    """How often a requester had each value of one facet within the last fourteen days."""

    __slots__ = ("_counts", "_rows")

    def __init__(self) -> None:
        self._counts: dict[str, int] = defaultdict(int)
        self._rows: deque[tuple[float, str]] = deque()

    def surprise(self, value: str, now: float) -> tuple[float, bool]:
        """The value's surprise, and whether it was never seen; then it is counted."""
        while self._rows and self._rows[0][0] < now - MEMORY:
            self._counts[self._rows.popleft()[1]] -= 1
        before, total = self._counts[value], len(self._rows)
        self._counts[value] += 1
        self._rows.append((now, value))
        return (0.0, False) if before else (min(1.0, math.log(2.0 * (total + 1.0)) / _FULL), True)


class Facets:
    """Turns one organisation's rows into facets, each before it is remembered."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Counts] = defaultdict(Counts)
        self._recent: dict[str, deque[float]] = defaultdict(deque)
        self._minted: dict[str, tuple[Issuance, str]] = {}

    def rows(self, organisation: Organisation) -> Iterator[Faceted]:
        """Every row in time order."""
        for event, label, _ in truth(organisation):
            if isinstance(event, Issuance):
                yield Faceted("issuance", event.id, event.time, *self._issuance(event, label.principal))
            else:
                yield Faceted("usage", event.id, event.time, *self._usage(event))

    def _issuance(self, event: Issuance, who: str) -> tuple[dict[str, float], frozenset[str]]:
        grant, now = event.grant, event.time
        values = dict(
            zip(
                ISSUANCE,
                (
                    grant.resource,
                    grant.issuer,
                    network(grant.source.ip),
                    grant.source.environment or "",
                    grant.source.user_agent or "",
                    grant.privilege or "",
                    ">".join(grant.on_behalf_of),
                    grant.consumer or "",
                    str(grant.task is None),
                    str(grant.purpose is None),
                    grant.authentication_method or "",
                    str(int(now % DAY // HOUR)),
                    str(round(2.0 * math.log(grant.ttl_seconds or 900.0))),
                ),
                strict=True,
            )
        )
        row, new = self._surprises(who, values, now)
        row |= self._pace(who, now)
        row |= {
            "rank": _RANK[grant.privilege],
            "glass": float(grant.break_glass),
            "refused": float(event.outcome == "refused"),
        }
        if event.credential:
            self._minted[event.credential] = (event, who)
        return row, new

    def _usage(self, event: Usage) -> tuple[dict[str, float], frozenset[str]]:
        minted, who = self._minted.get(event.credential or "", (None, "nobody"))
        values = dict(
            zip(
                USAGE,
                (
                    event.resource or "",
                    network(event.source.ip),
                    event.action or "",
                    str(int(event.time % DAY // HOUR)),
                ),
                strict=True,
            )
        )
        row, new = self._surprises(f"{who} uses", values, event.time)
        row |= {"denied": float(event.outcome == "denied"), "foreign": 0.0, "dead": 0.0, "age": 0.0}
        if minted:
            life = minted.grant.ttl_seconds or 3600.0
            row["foreign"] = float(network(minted.grant.source.ip) != network(event.source.ip))
            row["dead"] = float(minted.expires_at is not None and event.time > minted.expires_at)
            row["age"] = min(1.0, max(0.0, event.time - minted.time) / (2.0 * life))
        return row, new

    def _surprises(self, who: str, values: Mapping[str, str], now: float) -> tuple[dict[str, float], frozenset[str]]:
        row, new = {}, set()
        for name, value in values.items():
            row[name], fresh = self._counts[who, name].surprise(value, now)
            if fresh:
                new.add(name)
        return row, frozenset(new)

    def _pace(self, who: str, now: float) -> dict[str, float]:
        """How the last hour compares with the last days, and how long it was silent before."""
        recent = self._recent[who]
        while recent and recent[0] < now - 3.0 * DAY:
            recent.popleft()
        hour = sum(1 for t in recent if t > now - HOUR)
        usual = len(recent) / 72.0
        silence = now - recent[-1] if recent else 3.0 * DAY
        recent.append(now)
        return {
            "pace": min(1.0, max(0.0, math.log((hour + 1.0) / (usual + 1.0))) / 4.0),
            "silence": min(1.0, silence / (3.0 * DAY)),
        }
