"""What facets there are, how they hang together, and an event as facets.

A field the log does not fill is the value `ABSENT`, which is a habit like any
other: a requester that always named its task and now does not has changed its
ways, one whose issuer never logs tasks has not. So absence is evidence, and no
field is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from detector.events import GrantRequest

ABSENT: Final = "-"

GRANT_FACETS: Final = (
    "issuer",
    "resource",
    "area",
    "privilege",
    "actions",
    "sensitivity",
    "address",
    "network",
    "site",
    "environment",
    "region",
    "client",
    "workload",
    "consumer",
    "authentication",
    "chain",
    "task",
    "purpose",
    "break_glass",
    "lifetime",
    "right",
    "path",
    "term",
    "origin",
    "head",
    "depth",
    "crossing",
    "watch",
    "opening",
    "kinship",
    "company",
    "renewal",
    "task_state",
    "policy",
    "decision",
)
"""What a grant or issuance shows. The last six are context that memory fills."""

USE_FACETS: Final = (
    "action",
    "power",
    "used_area",
    "used_network",
    "used_site",
    "used_environment",
    "used_client",
    "whereabouts",
    "outcome",
    "state",
    "scope",
    "errand",
    "user",
    "minted_for",
)
"""What the use of a credential shows, seen against its issuance."""


PARENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "area": ("issuer",),
    "resource": ("area", "issuer"),
    "actions": ("privilege",),
    "network": ("site",),
    "address": ("network",),
    "right": ("resource", "privilege"),
    "path": ("resource", "network"),
    "lifetime": ("resource",),
    "term": ("resource", "lifetime"),
    "opening": ("resource",),
    "chain": ("origin", "head", "depth"),
    "used_network": ("used_site",),
    "action": ("power", "minted_for"),
    "power": ("minted_for",),
    "used_area": ("minted_for",),
    "scope": ("power", "minted_for"),
    "errand": ("action", "used_area", "minted_for"),
}
"""Facets that cannot but be new when another is: a new site is a new network. Where a
parent is news the child says nothing, so that one piece of news counts once."""

CONTEXTS: Final[Mapping[str, str]] = {
    "right": "resource",
    "path": "resource",
    "term": "resource",
    "opening": "resource",
    "action": "minted_for",
    "power": "minted_for",
    "used_area": "minted_for",
    "scope": "minted_for",
    "errand": "minted_for",
}
"""Facets that are habits with something: who has used a credential for one resource four times
has not shown all it does there, however old a hand it is elsewhere."""

GIVEN: Final[Mapping[str, Callable[[GrantRequest], object]]] = {
    "privilege": lambda grant: grant.privilege,
    "actions": lambda grant: grant.actions,
    "network": lambda grant: grant.source.ip or grant.source.network,
    "environment": lambda grant: grant.source.environment,
    "region": lambda grant: grant.source.region,
    "client": lambda grant: grant.source.user_agent,
    "workload": lambda grant: grant.source.workload,
    "consumer": lambda grant: grant.consumer,
    "authentication": lambda grant: grant.authentication_method,
    "chain": lambda grant: grant.on_behalf_of,
    "task": lambda grant: grant.task,
    "purpose": lambda grant: grant.purpose,
    "lifetime": lambda grant: grant.ttl_seconds,
}
"""What a request may leave out, by the facet that shows it."""

SHOWN_WITH: Final[Mapping[str, str]] = {
    **{name: name for name in GIVEN},
    "right": "privilege",
    "address": "network",
    "site": "network",
    "path": "network",
    "origin": "chain",
    "head": "chain",
    "depth": "chain",
    "task_state": "task",
    "term": "lifetime",
}
"""Facets that can say nothing where what they are made of was left out."""


GRANT_GRADES: Final = (
    "hour",
    "gap",
    "pace_10m",
    "pace_1h",
    "pace_1d",
    "spread",
    "unused",
    "refusals",
    "task_age",
)
"""What is graded of a grant: the hour of the week, then quantities in half octaves."""

USE_GRADES: Final = ("age", "uses", "denials")
"""What is graded of a use: seconds since its mint, how many uses, how many denied lately."""


class GrantContext(NamedTuple):
    """What only memory knows of a grant: see `baselines.kin` and `engine.joins`."""

    kinship: str = ABSENT
    company: str = ABSENT
    renewal: str = ABSENT
    task_state: str = ABSENT
    policy: str = ABSENT
    decision: str = ABSENT


class Facets(NamedTuple):
    """One event, ready to be weighed.

    `values` run parallel to `GRANT_FACETS` or `USE_FACETS`, `grades` to
    `GRANT_GRADES` or `USE_GRADES`; `lifetime` is in seconds. `group` is told from the
    requester's name; `peers` is the group its ways put it in, where groups were found, and
    `sure` how surely, in [0, 1].
    """

    requester: str
    group: str
    issuer: str
    values: tuple[str, ...]
    grades: tuple[int, ...]
    lifetime: float | None
    peers: str = ""
    sure: float = 0.0
