"""Fixed rules that need no learning, or hardly any, alone and together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bench.detection.measure import Scored
from bench.detection.peers.facets import Facets
from detector.simulator import Organisation

Rule = Callable[[dict[str, float], float], bool]

RULES: Final[Mapping[str, Rule]] = {
    "admin is bad": lambda row, _: row["rank"] == 1.0,
    "new address is bad": lambda row, _: row["network"] > 0.0,
    "night is bad": lambda _, hour: hour >= 22.0 or hour < 6.0,
    "first-seen resource is bad": lambda row, _: row["resource"] > 0.0,
    "break-glass is bad": lambda row, _: row["glass"] > 0.0,
    "refused is bad": lambda row, _: row["refused"] > 0.0,
    "long life is bad": lambda row, _: row["stretch"] > 0.25,
}


def fixed_rules(organisation: Organisation) -> Iterator[Scored]:
    """How many fixed rules a row breaks. Local midnight is taken as the organisation's own."""
    times = {row.event.id: row.event.time for row in organisation.rows}
    for kind, identity, row in Facets().rows(organisation):
        hour = local_hour(organisation, times[identity])
        yield Scored(identity, kind, float(sum(rule(row, hour) for rule in RULES.values())))


def one_rule(name: str) -> Callable[[Organisation], Iterator[Scored]]:
    """A detector that knows one rule: 1 where it is broken, else 0."""

    def detector(organisation: Organisation) -> Iterator[Scored]:
        times = {row.event.id: row.event.time for row in organisation.rows}
        for kind, identity, row in Facets().rows(organisation):
            yield Scored(identity, kind, float(RULES[name](row, local_hour(organisation, times[identity]))))

    return detector


def local_hour(organisation: Organisation, time: float) -> float:
    """The hour of the day on the organisation's own clocks."""
    from detector.simulator import STYLES  # noqa: PLC0415

    return (time / 3600.0 + STYLES[organisation.style].offset_hours) % 24.0
