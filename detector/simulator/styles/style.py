"""Styles of organisation, as data: what they run, how they name it, and what their logs say.

A style is not a seed: two seeds of one style share their habits of naming and
logging, two styles share nothing but the words of the contract. Placeholders:
`{org} {env} {app} {part} {verb} {role} {acct} {cluster}` are filled once,
`{run} {pod} {runner}` for every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from detector.simulator.model import Role, Surface

EXAMPLE_FIELDS: Final = frozenset(
    {"actions", "privilege", "ttl", "ip", "environment", "task", "chain", "break_glass", "expires"}
)
FULL_FIELDS: Final = EXAMPLE_FIELDS | {
    "network",
    "region",
    "user_agent",
    "workload",
    "consumer",
    "authentication",
    "purpose",
    "sensitivity",
    "renewal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """A family of resources: who issues for it, what it is called, how long it lives."""

    issuer: str
    resource: str
    surface: Surface
    dialect: str
    lifetimes: tuple[int, ...]
    weight: float = 1.0
    verbs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Everything that sets one kind of organisation apart. Ranges are (low, high)."""

    name: str
    fields: frozenset[str]
    words: tuple[str, ...]
    parts: tuple[str, ...]
    app_name: str
    org: str
    environments: tuple[tuple[str, float], ...]
    applications: tuple[int, int]
    requesters: tuple[int, int]
    roles: Mapping[Role, float]
    names: Mapping[Role, tuple[str, ...]]
    kinds: tuple[ResourceKind, ...]
    rate_median: float
    rate_sigma: float
    redeploy_days: float
    subnets: str
    nat: bool
    regions: tuple[str, ...]
    agents: tuple[str, ...]
    offset_hours: float
    tasks: str
    chain: tuple[str, ...]
    dormant: float
    novelty: float
    evenness: float
    upheavals: int
    lifecycle: bool = True
