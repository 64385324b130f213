"""What of a grant a rule may name: the values that recur, told from the grant alone, without memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from detector.events import GrantRequest
from detector.features.facets.vocabulary import ABSENT, GRANT_FACETS, Facets
from detector.features.facets.where import where
from detector.features.names import area

NAMED: Final = (
    "issuer",
    "resource",
    "area",
    "privilege",
    "actions",
    "network",
    "environment",
    "region",
    "client",
    "workload",
    "consumer",
)
"""In the order a rule reads; each is a facet of the same name."""

_PLACES: Final = tuple((name, GRANT_FACETS.index(name)) for name in NAMED)


def named(facets: Facets) -> dict[str, str | None]:
    """The nameable values of a grant that was prepared for weighing; `None` for what it left out."""
    values = facets.values
    return {name: None if values[index] == ABSENT else values[index] for name, index in _PLACES}


def named_in(grant: GrantRequest, fold: Callable[[str], str]) -> dict[str, str | None]:
    """The same of a grant as it was logged; `fold` canonicalises names."""
    resource, source = fold(grant.resource), where(grant.source)
    found = {
        "issuer": grant.issuer,
        "resource": resource,
        "area": area(resource),
        "privilege": grant.privilege or ABSENT,
        "actions": ",".join(sorted(grant.actions)) if grant.actions else ABSENT,
        "network": source.network,
        "environment": source.environment,
        "region": source.region,
        "client": source.client,
        "workload": source.workload,
        "consumer": fold(grant.consumer) if grant.consumer else ABSENT,
    }
    return {name: None if value == ABSENT else value for name, value in found.items()}
