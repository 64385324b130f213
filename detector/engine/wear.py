"""What credentials were ever used for, and for how long: learnt so that a request can be told what would be enough.

Of each right of a requester: how long after its mint a credential was last used, and what its uses could do. A
credential counts once it has ended, and that is noticed when the next one of its kind is minted. Nothing here bears on
a verdict, and whoever poisons it by using more than he needs is only told less.
Wrong where uses are logged in part: then less is seen than is needed, and the counts beside the advice are small.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from msgspec import Struct, field

from detector.engine.joins import Joins, Lease
from detector.engine.recent import Recent
from detector.events import GrantRequest, Issuance, Privilege, Usage
from detector.features.facets import ABSENT
from detector.features.names import power
from detector.features.rhythm import grade
from detector.policies import RANK, Advice, Narrower

MOST_WORN: Final = 50_000
"""Rights of requesters that are remembered, at about a kilobyte each: a requester has five, as organisations go."""

MOST_OPEN: Final = 8
"""Credentials of one right that are waited for. While so many are open, further ones are not counted: a sample is
enough, and who mints faster must not fill memory."""

MOST_ACTIONS: Final = 16
"""Different actions that are told apart; past it no set of them is advised."""

SETTLE_SECONDS: Final = 600.0
"""How long after a credential's end its uses may still come in."""

LEAST_LEASES: Final = 20
"""Ended credentials with uses before anything is said: below it the longest job may not have come yet."""

QUANTILE: Final = 0.98
"""The part of credentials for which the advised lifetime was long enough; the rest would be renewed once."""

MOST_COUNTED: Final = 256
"""Credentials after which all counts are halved: a job that got longer shows within a few hundred."""

WORTH: Final = 0.5
"""What part of the lifetime asked for the advised one is at most: less of a difference is not worth a change."""

LEAST_SECONDS: Final = 60.0
"""No shorter lifetime is advised: clocks differ, and issuers have a least one of their own."""


class Worn(Struct):
    """What is known of one right of a requester.

    `open` are credentials that have not been counted yet, `ages` counts those with uses by the grade of their
    last use's age, `unused` those without. `uses` is how many uses there were, `strongest` what the strongest of
    them could do, `actions` which they were, `ground` the part of a resource's name that all of them share.
    """

    open: list[str] = field(default_factory=list)
    ages: dict[int, int] = field(default_factory=dict)
    unused: int = 0
    uses: int = 0
    strongest: int = 0
    actions: list[str] = field(default_factory=list)
    ground: str | None = None


def minted(worn: Recent[Worn], joins: Joins, event: Issuance, lease: Lease, now: float) -> None:
    """Fold a mint: count the credentials of the same right that have ended, and wait for this one."""
    key = _key(lease.requester, lease.mint.privilege, lease.mint.resource)
    known = worn.renewed(key)
    if known is None:
        known = Worn()
        worn.put(key, known)
    while known.open:
        first = joins.leases.get(known.open[0])
        if first is not None and not _ended(first, now):
            break
        del known.open[0]
        if first is not None:
            _count(known, first)
    credential = event.credential
    if credential is None or lease.expires is None or credential in known.open:
        return
    if len(known.open) < MOST_OPEN:
        known.open.append(credential)


def used(worn: Recent[Worn], lease: Lease, usage: Usage, resource: str | None) -> None:
    """Fold the use of a credential; `resource` is what it was used on, canonical. What was denied shows no need."""
    lease.last = max(lease.last, usage.time - lease.minted)
    known = worn.get(_key(lease.requester, lease.mint.privilege, lease.mint.resource))
    if known is None or usage.outcome == "denied":
        return
    known.uses += 1
    action = usage.action or _UNTOLD
    if action not in known.actions:
        known.strongest = max(known.strongest, _STRONGEST if action is _UNTOLD else RANK[_POWERS[power(action)]])
        if len(known.actions) <= MOST_ACTIONS:
            known.actions.append(action)
    ground = resource or _UNTOLD
    if ground != known.ground:
        known.ground = ground if known.ground is None else _shared(known.ground, ground)


def advice(worn: Recent[Worn], grant: GrantRequest, requester: str, resource: str) -> Advice | None:
    """What was seen to be enough for a request like this; `None` where it asks for no more, or too little was seen."""
    known = worn.get(_key(requester, grant.privilege or ABSENT, resource))
    if known is None:
        return None
    leases = sum(known.ages.values())
    if leases < LEAST_LEASES:
        return None
    seconds, within = _enough(known, leases)
    shorter = grant.ttl_seconds is not None and seconds <= WORTH * grant.ttl_seconds
    narrower, rests = _narrower(known, grant, resource)
    if not shorter and narrower is None:
        return None
    because = []
    if shorter:
        because.append(f"{within} of {leases} credentials were last used within {seconds:.0f} s of their mint")
    if narrower is not None:
        because.append(f"{rests} in {known.uses} uses of {leases} credentials")
    return Advice(max_ttl_seconds=seconds if shorter else None, narrower=narrower, because=tuple(because))


def _ended(lease: Lease, now: float) -> bool:
    end = lease.ended if lease.ended is not None else lease.expires
    return end is not None and now >= end + SETTLE_SECONDS


def _count(known: Worn, lease: Lease) -> None:
    if not lease.uses:
        known.unused += 1
        return
    age = grade(lease.last)
    known.ages[age] = known.ages.get(age, 0) + 1
    if sum(known.ages.values()) > MOST_COUNTED:
        known.ages = {at: count // 2 for at, count in sorted(known.ages.items()) if count > 1}
        known.unused //= 2


def _enough(known: Worn, leases: int) -> tuple[float, int]:
    """The lifetime (seconds, whole minutes) that was enough for nearly all, and for how many it was."""
    within = 0
    top = 0
    for top in sorted(known.ages):
        within += known.ages[top]
        if within >= QUANTILE * leases:
            break
    longest = 2.0 ** ((top + 1) / 2.0) - 1.0  # the upper edge of the grade
    return max(ceil(longest / 60.0) * 60.0, LEAST_SECONDS), within


def _narrower(known: Worn, grant: GrantRequest, resource: str) -> tuple[Narrower | None, str]:
    """Less that was enough, and what of it was seen, in words."""
    if not known.uses:
        return None, ""
    said = []
    privilege: Privilege | None = None
    if grant.privilege is not None and known.strongest < RANK[grant.privilege]:
        privilege = _PRIVILEGES[known.strongest]
        said.append(f"nothing stronger than {privilege} was done")
    actions: tuple[str, ...] = ()
    asked = set(grant.actions)
    if len(known.actions) <= min(MOST_ACTIONS, len(asked) - 1) and asked.issuperset(known.actions):
        actions = tuple(sorted(known.actions))
        said.append(f"nothing but {', '.join(actions)} was done")
    ground = known.ground if known.ground and _within(known.ground, resource) else None
    if ground is not None:
        said.append(f"nothing was touched but what is under {ground}")
    narrower = Narrower(privilege, actions, ground)
    return (narrower, "; ".join(said)) if said else (None, "")


def _shared(one: str, other: str) -> str:
    """The part of two names that both share, up to where a segment of theirs ends."""
    one, other = (one, other) if len(one) <= len(other) else (other, one)
    if other.startswith(one) and (len(other) == len(one) or other[len(one)] in _ENDS):
        return one
    at = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        at += 1
    while at and one[at - 1] not in _ENDS:
        at -= 1
    return one[:at].rstrip("/:")


def _within(ground: str, resource: str) -> bool:
    """Whether a name lies under what was asked for, and is less than all of it."""
    whole = resource.rstrip("*").rstrip("/:")
    return bool(whole) and len(ground) > len(whole) and ground.startswith(whole) and ground[len(whole)] in _ENDS


def _key(requester: str, privilege: str, resource: str) -> str:
    return f"{requester}\x1f{privilege}\x1f{resource}"


_UNTOLD: Final = ""
"""What the log does not say was done, or was touched: then nothing less than everything is known to be enough."""

_STRONGEST: Final = max(RANK.values())
_ENDS: Final = ("/", ":")
_PRIVILEGES: Final[tuple[Privilege, ...]] = ("read", "write", "admin")
_POWERS: Final[dict[str, Privilege]] = {name: name for name in _PRIVILEGES}
