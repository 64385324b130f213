"""What the peers see of a row: a dozen numbers in [0, 1], made prequentially from the events alone.

The same for every peer. New means: not seen with this requester within the last fourteen days. They get the true
identity behind a raw name, so that none of them fails for want of folding names.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from bench.detection.measure import truth
from detector.events import Issuance, Usage
from detector.simulator import Organisation

MEMORY: Final = 14 * 86_400.0
HOUR: Final = 3600.0
_RANK: Final = {"read": 0.2, "write": 0.5, "admin": 1.0, None: 0.2}


def network(address: str | None) -> str:
    """The /24 of an IPv4 address."""
    return address.rsplit(".", 1)[0] if address else ""


class Facets:
    """Turns one organisation's rows into (kind, id, facets), each before it is remembered."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], float] = {}
        self._recent: dict[str, list[float]] = defaultdict(list)
        self._lifetime: dict[tuple[str, str], float] = {}
        self._minted: dict[str, tuple[Issuance, str]] = {}

    def rows(self, organisation: Organisation) -> Iterator[tuple[str, str, dict[str, float]]]:
        """Facets of every row in time order."""
        for event, label, _ in truth(organisation):
            if isinstance(event, Issuance):
                yield "issuance", event.id, self._issuance(event, label.principal)
            else:
                yield "usage", event.id, self._usage(event)

    def _issuance(self, event: Issuance, who: str) -> dict[str, float]:
        grant, now = event.grant, event.time
        recent = self._recent[who] = [t for t in self._recent[who] if t > now - HOUR]
        last = self._seen.get((who, "any", ""), now - MEMORY)
        usual = self._lifetime.get((who, grant.resource))
        stretch = abs(math.log((grant.ttl_seconds or 900.0) / usual)) if usual else 0.0
        row = {
            "resource": self._new(who, "resource", grant.resource, now),
            "issuer": self._new(who, "issuer", grant.issuer, now),
            "network": self._new(who, "network", network(grant.source.ip), now),
            "environment": self._new(who, "environment", grant.source.environment or "", now),
            "privilege": self._new(who, "privilege", grant.privilege or "", now),
            "chain": self._new(who, "chain", ">".join(grant.on_behalf_of), now),
            "consumer": self._new(who, "consumer", grant.consumer or "", now),
            "tasked": self._new(who, "tasked", str(grant.task is not None), now),
            "hour": self._new(who, "hour", str(int(now % 86_400.0 // HOUR)), now),
            "rate": min(1.0, math.log1p(len(recent)) / 5.0),
            "rank": _RANK[grant.privilege],
            "stretch": min(1.0, stretch / 4.0),
            "idle": min(1.0, (now - last) / MEMORY),
            "glass": float(grant.break_glass),
            "refused": float(event.outcome == "refused"),
            "foreign": 0.0,
            "dead": 0.0,
        }
        recent.append(now)
        self._seen[(who, "any", "")] = now
        if grant.ttl_seconds:
            self._lifetime[(who, grant.resource)] = grant.ttl_seconds
        if event.credential:
            self._minted[event.credential] = (event, who)
        return row

    def _usage(self, event: Usage) -> dict[str, float]:
        row = dict.fromkeys(
            ("resource", "issuer", "network", "environment", "privilege", "chain", "consumer", "tasked", "hour", "rate",
             "rank", "stretch", "idle", "glass", "refused", "foreign", "dead"), 0.0
        )
        minted, who = self._minted.get(event.credential or "", (None, "nobody"))
        row["resource"] = self._new(who, "object", event.resource or "", event.time)
        row["privilege"] = self._new(who, "action", event.action or "", event.time)
        row["network"] = self._new(who, "used from", network(event.source.ip), event.time)
        row["refused"] = float(event.outcome == "denied")
        if minted:
            row["foreign"] = float(network(minted.grant.source.ip) != network(event.source.ip))
            row["dead"] = float(minted.expires_at is not None and event.time > minted.expires_at)
        return row

    def _new(self, who: str, facet: str, value: str, now: float) -> float:
        key = (who, facet, value)
        before = self._seen.get(key, -math.inf)
        self._seen[key] = now
        return float(before < now - MEMORY)
