"""A use's facets, held against how its credential was minted.

- `action`, `power`: what was done, and whether that reads, writes or administers. Wrong where actions are URLs.
- `used_area`: the family of what it was done to. Wrong where one credential serves everything.
- `used_network`, `used_site`, `used_environment`, `used_client`: as of a grant (`where`).
- `whereabouts`, `user`: see `where` and `whom`.
- `outcome`: success, denied, error. Wrong while something is down.
- `state`: the credential's: live, expired, revoked, its task ended. Wrong where clocks differ.
- `scope`: this power with a credential of that privilege. Wrong where privileges are not logged.
- `errand`: this action with a credential for that resource. Wrong for a credential that is minted for one thing and
  needed for many.
- `minted_for`: what it was minted for; others are held against it, it is never weighed.
- `age`, `uses`, `denials` (graded): seconds since the mint, how many uses, how many denied lately. Wrong for long jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from detector.events import NOWHERE, GrantRequest, Usage
from detector.features.facets.vocabulary import ABSENT, Facets
from detector.features.facets.where import NO_PLACE, located, whereabouts
from detector.features.facets.whom import user
from detector.features.names import area, peers, power
from detector.features.places import Place, client
from detector.features.rhythm import grade


class Mint(NamedTuple):
    """What the use of a credential is held against: how it was minted."""

    resource: str
    privilege: str
    place: Place
    consumer: str


UNMINTED: Final = Mint(ABSENT, ABSENT, NO_PLACE, ABSENT)


def mint(grant: GrantRequest, fold: Callable[[str], str]) -> Mint:
    """What to remember of an issuance for its uses."""
    consumer = fold(grant.consumer) if grant.consumer else ABSENT
    return Mint(fold(grant.resource), grant.privilege or ABSENT, located(grant.source), consumer)


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
    used = located(source) if source is not NOWHERE else NO_PLACE
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
        whereabouts(used, minted.place),
        usage.outcome,
        state,
        f"{can} with a {minted.privilege} credential",
        f"{action} with a credential for {minted.resource}",
        user(usage, minted.consumer, requester, fold),
        minted.resource,
    )
    return Facets(requester, peers(requester), issuer, values, tuple(map(grade, quantities)), None)
