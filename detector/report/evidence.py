"""What the checks look at: profiles, rows and live credentials as they stand at the end of the period."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from detector.report.credentials import Credentials, Lease
from detector.report.ledger import Ledger, Reached, Right, Row
from detector.report.profiles import Profile


class Alive(Struct):
    """Credentials of one right that are live: how many, without an end, past their task; the oldest, the longest."""

    count: int = 0
    endless: int = 0
    orphaned: int = 0
    oldest: float = float("inf")
    longest: float = 0.0
    renewed: int = 0
    renewed_since: float = float("inf")


class Standing(Struct, kw_only=True):
    """All of it. `alive` is by the row's key; `used_issuers` are those whose credentials are seen used."""

    now: float
    profiles: list[Profile]
    rows: list[Row]
    of: dict[str, list[Row]]
    at: dict[str, list[Row]]
    reach: dict[str, Reached]
    issuer_reach: dict[str, Reached]
    alive: dict[Right, Alive] = field(default_factory=dict)
    used_issuers: set[str] = field(default_factory=set)

    def points(self, requester: str) -> float:
        """How far a requester reaches."""
        reached = self.reach.get(requester)
        return 0.0 if reached is None else round(reached.points, 1)

    def alive_of(self, rows: list[Row]) -> Alive:
        """Live credentials of several rights together."""
        found = Alive()
        for row in rows:
            alive = self.alive.get(row.key)
            if alive is None:
                continue
            found.count += alive.count
            found.endless += alive.endless
            found.orphaned += alive.orphaned
            found.oldest = min(found.oldest, alive.oldest)
            found.longest = max(found.longest, alive.longest)
        return found


def stand(
    ledger: Ledger,
    profiles: list[Profile],
    credentials: Credentials,
    now: float,
    *,
    renewed: tuple[int, float],
    reached: Mapping[str, Reached],
) -> Standing:
    """The standing at `now`; a lease counts as renewed after so many renewals over so many seconds.

    `reached` is what requesters were minted before the first entry.
    """
    rows = list(ledger)
    of: dict[str, list[Row]] = {}
    at: dict[str, list[Row]] = {}
    reach = {name: Reached(dict(before.rights)) for name, before in reached.items()}
    issuers: dict[str, Reached] = {}
    for row in rows:
        of.setdefault(row.requester, []).append(row)
        at.setdefault(row.issuer, []).append(row)
        reach.setdefault(row.requester, Reached()).extend(row)
        issuers.setdefault(row.issuer, Reached()).extend(row)
    standing = Standing(now=now, profiles=profiles, rows=rows, of=of, at=at, reach=reach, issuer_reach=issuers)
    standing.used_issuers = {row.issuer for row in rows if row.ever_used}
    for lease in credentials.live(now):
        _count(standing.alive.setdefault(lease.row.key, Alive()), lease, credentials, now, renewed)
    return standing


def _count(alive: Alive, lease: Lease, credentials: Credentials, now: float, renewed: tuple[int, float]) -> None:
    alive.count += 1
    alive.endless += lease.expires is None
    alive.orphaned += credentials.outlasts(lease, now)
    alive.oldest = min(alive.oldest, lease.root)
    alive.longest = max(alive.longest, lease.lifetime or 0.0)
    if lease.renewals >= renewed[0] and now - lease.root >= renewed[1]:
        alive.renewed += 1
        alive.renewed_since = min(alive.renewed_since, lease.root)
