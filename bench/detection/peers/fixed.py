"""Fixed rules that need no learning, or hardly any, alone and together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bench.detection.measure import Scored
from bench.detection.peers.facets import Facets
from detector.simulator import Organisation

Rule = Callable[[dict[str, float], frozenset[str], float], bool]

RULES: Final[Mapping[str, Rule]] = {
    "admin is bad": lambda row, _, __: row.get("rank") == 1.0,
    "new address is bad": lambda _, new, __: "network" in new,
    "night is bad": lambda _, __, hour: hour >= 22.0 or hour < 6.0,
    "first-seen resource is bad": lambda _, new, __: "resource" in new,
    "break-glass is bad": lambda row, _, __: row.get("glass", 0.0) > 0.0,
    "refused is bad": lambda row, _, __: row.get("refused", row.get("denied", 0.0)) > 0.0,
    "new lifetime is bad": lambda _, new, __: "lifetime" in new,
}


def fixed_rules(organisation: Organisation) -> Iterator[Scored]:
    """How many fixed rules a row breaks. Local midnight is taken as the organisation's own."""
    times = {row.event.id: row.event.time for row in organisation.rows}
    for kind, identity, row, new in Facets().rows(organisation):
        hour = local_hour(organisation, times[identity])
        yield Scored(identity, kind, float(sum(rule(row, new, hour) for rule in RULES.values())))


def one_rule(name: str) -> Callable[[Organisation], Iterator[Scored]]:
    """A detector that knows one rule: 1 where it is broken, else 0."""

    def detector(organisation: Organisation) -> Iterator[Scored]:
        times = {row.event.id: row.event.time for row in organisation.rows}
        for kind, identity, row, new in Facets().rows(organisation):
            yield Scored(identity, kind, float(RULES[name](row, new, local_hour(organisation, times[identity]))))

    return detector


def local_hour(organisation: Organisation, time: float) -> float:
    """The hour of the day on the organisation's own clocks."""
    from detector.simulator import STYLES  # noqa: PLC0415

    return (time / 3600.0 + STYLES[organisation.style].offset_hours) % 24.0
