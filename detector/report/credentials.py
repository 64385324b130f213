"""Minted credentials: which are live, how old, whose; and which uses belong to none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from detector.engine.recent import Recent
from detector.features.rhythm import DAY
from detector.report.ledger import Row
from detector.report.telling import Spread

MOST_LEASES: Final = 200_000
"""Credentials remembered, in some 60 MB. Past it those that end first are forgotten, and counted as such: what
never ends is what a reader must hear of."""

SWEEP: Final = 20_000
"""Mints between two looks at what has ended: cheap, and never a tenth more than the limit."""

TRAIL_SECONDS: Final = DAY
"""How long an ended credential is remembered, so that a late line about its use still finds it."""

SKEW_SECONDS: Final = 60.0
"""Clocks of two systems may differ by this before "expired" means anything."""

TASKS: Final = 50_000
"""Tasks remembered, to find who shares one and what outlives it; the latest ones."""

MOST_ISSUERS: Final = 2_000
"""Issuers whose lifetimes are told apart: an organisation has dozens."""

REVOKED: Final = 10_000
"""Revocations remembered, so that one whose line comes before its mint's still ends it."""


class Lease(Struct):
    """One minted credential; `root` is when the first one was minted that it renews, in `renewals` steps."""

    row: Row
    minted: float
    expires: float | None
    root: float
    task: str | None = None
    renewals: int = 0
    ended: float | None = None
    uses: int = 0

    def live(self, now: float) -> bool:
        """Whether it works at `now` (Unix seconds), as far as the log tells."""
        return (self.ended is None or self.ended > now) and (self.expires is None or self.expires > now)

    @property
    def lifetime(self) -> float | None:
        """Seconds from its mint to its end; `None` where the log names none."""
        return None if self.expires is None else max(self.expires - self.minted, 0.0)


class Task(Struct):
    """Whose a task is, by the first grant for it, and when it ended."""

    owner: str
    ended: float | None = None


class Lifetimes(Struct):
    """How long an issuer's credentials of the period live, how many name no end, how many renew another."""

    spread: Spread = field(default_factory=Spread)
    endless: int = 0
    renewals: int = 0
    unnamed: int = 0


class Credentials:
    """Every credential whose mint is in the log and whose end is not long past."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        self._minted = 0
        self.forgotten = 0
        self._revoked: Recent[float] = Recent(REVOKED)
        self.tasks: Recent[Task] = Recent(TASKS)
        self.lifetimes: dict[str, Lifetimes] = {}
        self.strangers = 0
        self.after_expiry = 0
        self.after_end = 0

    def begin(self, name: str, lease: Lease) -> None:
        """A credential that was minted before the first entry."""
        self._leases[name] = lease

    def mint(self, name: str | None, lease: Lease, *, renews: str | None, now: float, counted: bool) -> None:
        """A credential was minted; `renews` names the one that it renews."""
        if counted:
            self._count(lease, renews=renews is not None, named=name is not None)
        if name is None:
            return
        before = self._leases.get(renews) if renews else None
        if before is not None:
            lease.root, lease.renewals = before.root, before.renewals + 1
        ended = self._revoked.get(name)
        if ended is not None and ended >= lease.minted:
            lease.ended = ended
        self._leases[name] = lease
        self._minted += 1
        if self._minted % SWEEP == 0:
            self._sweep(now)

    def _count(self, lease: Lease, *, renews: bool, named: bool) -> None:
        issuer = lease.row.issuer if lease.row.issuer in self.lifetimes or len(self.lifetimes) < MOST_ISSUERS else ""
        kept = self.lifetimes.setdefault(issuer, Lifetimes())
        kept.renewals += renews
        kept.unnamed += not named
        lifetime = lease.lifetime
        if lifetime is None:
            kept.endless += 1
        else:
            kept.spread.add(lifetime)

    def use(self, name: str | None, at: float, *, counted: bool) -> Lease | None:
        """The credential that was used at `at` (the use's own time), where its mint is known."""
        lease = self._leases.get(name) if name else None
        if lease is None:
            self.strangers += bool(counted and name)
            return None
        lease.uses += 1
        if counted:
            self.after_end += lease.ended is not None and at > lease.ended + SKEW_SECONDS
            self.after_expiry += lease.expires is not None and at > lease.expires + SKEW_SECONDS
        return lease

    def revoke(self, name: str, at: float) -> None:
        """A credential was revoked."""
        self._revoked.put(name, at)
        lease = self._leases.get(name)
        if lease is not None and lease.ended is None:
            lease.ended = at

    def work(self, task: str, requester: str) -> bool:
        """A grant names a task; whether that is another requester's."""
        known = self.tasks.get(task)
        if known is None:
            self.tasks.put(task, Task(requester))
            return False
        if not known.owner:
            known.owner = requester
        return known.owner != requester

    def end(self, task: str, at: float) -> None:
        """A task was completed."""
        known = self.tasks.get(task)
        if known is None:
            self.tasks.put(task, Task("", at))
        else:
            known.ended = at

    def live(self, now: float) -> Iterator[Lease]:
        """Those that still work at `now`."""
        return (lease for lease in self._leases.values() if lease.live(now))

    def outlasts(self, lease: Lease, now: float) -> bool:
        """Whether the task that a credential was minted for had ended by `now`."""
        task = self.tasks.get(lease.task) if lease.task else None
        return task is not None and task.ended is not None and task.ended <= now

    def _sweep(self, now: float) -> None:
        since = now - TRAIL_SECONDS
        kept = {name: lease for name, lease in self._leases.items() if lease.live(since)}
        if len(kept) > MOST_LEASES:
            self.forgotten += len(kept) - MOST_LEASES
            kept = dict(sorted(kept.items(), key=_end, reverse=True)[:MOST_LEASES])
        self._leases = kept


def _end(named: tuple[str, Lease]) -> float:
    expires = named[1].expires
    return float("inf") if expires is None else expires
