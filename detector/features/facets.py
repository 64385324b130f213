"""An event as facets: short values that recur, in a fixed order, ready to be looked up in habits.

No state and no clock: what needs memory (has this task ended, whose credential
is renewed) comes in as context. A field the log does not fill is the value
`ABSENT`, which is a habit like any other: a requester that always named its
task and now does not has changed its ways, one whose issuer never logs tasks
has not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from detector.events import NOWHERE, GrantRequest, Source, Usage
from detector.features.names import area, pattern, peers, power, tier
from detector.features.places import Place, client, place
from detector.features.pulse import Pulse
from detector.features.rhythm import SITTING_SECONDS, UNTOLD, grade, hour_of_week, watch

ABSENT: Final = "-"
_NO_PLACE: Final = Place(ABSENT, ABSENT, ABSENT)
_DEEPEST: Final = 6
"""Links of a delegation chain that are told apart; longer ones share their head and their length."""

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


def _place(source: Source) -> Place:
    if source.ip is None:
        return _NO_PLACE
    found = place(source.ip)
    if source.network is None:
        return found
    return Place(found.address, source.network, found.site)


def _chain(names: Sequence[str]) -> str:
    if not names:
        return ABSENT
    shown = ">".join(names[:_DEEPEST])
    return shown if len(names) <= _DEEPEST else f"{shown}>… {len(names)}"


def grant_facets(
    grant: GrantRequest,
    *,
    fold: Callable[[str], str],
    level: Callable[[str], str | None],
    context: GrantContext,
    task_age: float,
    pulse: Pulse,
    now: float,
) -> Facets:
    """A grant's facets.

    `fold` canonicalises names, `level` tells a resource's sensitivity, `pulse` is
    the requester's, `task_age` how long ago (seconds) the task was last asked for,
    and `now` the log's clock.
    """
    requester = fold(grant.requester)
    resource = fold(grant.resource)
    source = grant.source
    address, network, site = _place(source)
    privilege = grant.privilege or ABSENT
    ttl = grant.ttl_seconds
    lifetime = f"{ttl:.0f} s" if ttl is not None else ABSENT
    chain = [fold(name) for name in grant.on_behalf_of]
    attested = grant.attested
    method = grant.authentication_method or ABSENT
    values = (
        grant.issuer,
        resource,
        area(resource),
        privilege,
        ",".join(sorted(grant.actions)) if grant.actions else ABSENT,
        grant.sensitivity or level(grant.resource) or ABSENT,
        address,
        network,
        site,
        source.environment or ABSENT,
        source.region or ABSENT,
        client(source.user_agent) if source.user_agent else ABSENT,
        pattern(source.workload) if source.workload else ABSENT,
        fold(grant.consumer) if grant.consumer else ABSENT,
        method if attested is None else f"{method} {'attested' if attested else 'unattested'}",
        _chain(chain),
        pattern(grant.task) if grant.task else ABSENT,
        pattern(grant.purpose) if grant.purpose else ABSENT,
        "yes" if grant.break_glass else "no",
        lifetime,
        f"{privilege} on {resource}",
        f"{resource} from {network}",
        f"{lifetime} for {resource}",
        chain[-1] if chain else ABSENT,
        chain[0] if chain else ABSENT,
        str(min(len(chain), _DEEPEST)) if chain else ABSENT,
        f"{tier(requester)} to {tier(resource)}",
        watch(grant.time),
        *context,
    )
    grades = _grades(grant.time, resource, task_age, pulse, now)
    return Facets(requester, peers(requester), grant.issuer, values, grades, ttl)


def _grades(time: float, resource: str, task_age: float, pulse: Pulse, now: float) -> tuple[int, ...]:
    gap = pulse.gap(now)
    return (
        hour_of_week(time) if gap is None or gap > SITTING_SECONDS else UNTOLD,
        UNTOLD if gap is None else grade(gap),
        *map(grade, pulse.pace(now)),
        grade(pulse.spread(resource, now)),
        grade(pulse.idle(now)),
        grade(pulse.refused(now)),
        grade(task_age),
    )


class Mint(NamedTuple):
    """What the use of a credential is held against: how it was minted."""

    resource: str
    privilege: str
    place: Place
    consumer: str


UNMINTED: Final = Mint(ABSENT, ABSENT, _NO_PLACE, ABSENT)


def mint(grant: GrantRequest, fold: Callable[[str], str]) -> Mint:
    """What to remember of an issuance for its uses."""
    consumer = fold(grant.consumer) if grant.consumer else ABSENT
    return Mint(fold(grant.resource), grant.privilege or ABSENT, _place(grant.source), consumer)


def _whereabouts(used: Place, minted: Place) -> str:
    if _NO_PLACE in (used, minted):  # equal, not the same: a lease from a snapshot has its own
        return ABSENT
    if used.address == minted.address:
        return "where it was minted"
    if used.network == minted.network:
        return "in the network it was minted in"
    return "at the site it was minted at" if used.site == minted.site else "elsewhere"


def _user(usage: Usage, minted: Mint, requester: str, fold: Callable[[str], str]) -> str:
    used_by = usage.consumer or usage.requester
    if used_by is None:
        return ABSENT
    user = fold(used_by)
    if user == minted.consumer:
        return "the consumer it was minted for"
    if user == requester:
        return "its requester" if minted.consumer == ABSENT else "its requester, not its consumer"
    return "somebody else"


def use_facets(
    usage: Usage,
    *,
    requester: str,
    issuer: str,
    minted: Mint,
    state: str,
    quantities: tuple[float, float, float],
    fold: Callable[[str], str],
) -> Facets:
    """A usage's facets, held against how its credential was minted.

    `state` is the credential's, `quantities` are those that `USE_GRADES` grade.
    """
    source = usage.source
    used = _place(source) if source is not NOWHERE else _NO_PLACE
    action = usage.action or ABSENT
    can = power(action) if usage.action else ABSENT
    values = (
        action,
        can,
        area(fold(usage.resource)) if usage.resource else ABSENT,
        used.network,
        used.site,
        source.environment or ABSENT,
        client(source.user_agent) if source.user_agent else ABSENT,
        _whereabouts(used, minted.place),
        usage.outcome,
        state,
        f"{can} with a {minted.privilege} credential",
        f"{action} with a credential for {minted.resource}",
        _user(usage, minted, requester, fold),
        minted.resource,
    )
    return Facets(requester, peers(requester), issuer, values, tuple(map(grade, quantities)), None)
