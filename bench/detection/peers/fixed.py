"""Fixed rules that need no learning, or hardly any, alone and together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from bench.detection.measure import Scored
from bench.detection.peers.facets import Faceted, Peer
from detector.simulator import STYLES, Organisation

Rule: TypeAlias = Callable[[Faceted, float], bool]
"""Whether a row, at that hour of the organisation's own day, breaks it."""

RULES: Final[Mapping[str, Rule]] = {
    "admin is bad": lambda row, _: row.values.get("rank") == 1.0,
    "new address is bad": lambda row, _: "network" in row.new,
    "night is bad": lambda _, hour: hour >= 22.0 or hour < 6.0,
    "first-seen resource is bad": lambda row, _: "resource" in row.new,
    "break-glass is bad": lambda row, _: row.values.get("glass", 0.0) > 0.0,
    "refused is bad": lambda row, _: row.values.get("refused", row.values.get("denied", 0.0)) > 0.0,
    "new lifetime is bad": lambda row, _: "lifetime" in row.new,
}


def fixed_rules(organisation: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
    """How many fixed rules a row breaks."""
    for row in rows:
        hour = local_hour(organisation, row.time)
        yield Scored(row.id, row.kind, float(sum(rule(row, hour) for rule in RULES.values())))


def one_rule(name: str) -> Peer:
    """A detector that knows one rule: 1 where it is broken, else 0."""

    def detector(organisation: Organisation, rows: Sequence[Faceted]) -> Iterator[Scored]:
        for row in rows:
            yield Scored(row.id, row.kind, float(RULES[name](row, local_hour(organisation, row.time))))

    return detector


def local_hour(organisation: Organisation, time: float) -> float:
    """The hour of the day on the organisation's own clocks."""
    return (time / 3600.0 + STYLES[organisation.style].offset_hours) % 24.0
