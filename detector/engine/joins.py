"""What belongs together: a decision and its issuance, an issuance and its uses, a task and its grants.

Memory is bounded and everything here is part of the folded state. Times are
Unix seconds of the events themselves; how long something is kept follows the
number of events, not the clock.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from detector.engine.maintenance import Window, declare
from detector.engine.recent import Recent
from detector.events import Issuance, Lifecycle, Usage
from detector.features.facets import ABSENT, Mint
from detector.features.rhythm import grade

LEASES: Final = 200_000
"""Credentials remembered: a day of mints at two a second, in about 150 MB at the most."""

IDS: Final = 200_000
"""Event ids remembered to tell a duplicate: late deliveries repeat minutes, not months."""

TASKS: Final = 50_000
CHANGES: Final = 10_000
DECISIONS: Final = 20_000
"""Decisions kept in memory for idempotence and their issuance; older ones are in the log."""

OVERHEARD: Final = 1_000
"""What untrusted callers asked and sent, by id: enough to answer an honest retry. It has a
memory of its own, so that a flood of it never makes us forget what brokers asked."""

HELD: Final = 20_000
"""Uses waiting for their issuance. Past it a use is judged at once as never minted."""

HOLD_SECONDS: Final = 120.0
"""How long a use waits for its issuance: logs of two systems differ by seconds and are
delivered within a minute or two; a thief gains no more than this."""

SKEW_SECONDS: Final = 60.0
"""Clocks of two systems may differ by this before "expired" means anything."""

TASK_GRACE_SECONDS: Final = 300.0
"""A task's last uses may trail its completion: teardown, flushes, late log lines."""

POLICY_NEWS_SECONDS: Final = 86_400.0
"""A policy is news for a day."""


class Lease(Struct):
    """One minted credential.

    `ended` is when it was revoked, `renewals` how often it was renewed, `last` how long after its mint it was last
    used (seconds).
    """

    issuance: str
    requester: str
    issuer: str
    mint: Mint
    minted: float
    expires: float | None = None
    task: str | None = None
    uses: int = 0
    ended: float | None = None
    renewals: int = 0
    last: float = 0.0


class Task(Struct):
    """A task by whose grants we know it, the latest at `last`; nobody's (`""`) where only its end was seen."""

    requester: str
    last: float
    ended: float | None = None


class Held(Struct):
    """A use that waits for its issuance until `deadline` (the log's clock)."""

    usage: Usage
    deadline: float


class Joins(Struct):
    """All that is remembered to bring events together."""

    leases: Recent[Lease] = field(default_factory=lambda: Recent(LEASES))
    ids: Recent[float] = field(default_factory=lambda: Recent(IDS))
    tasks: Recent[Task] = field(default_factory=lambda: Recent(TASKS))
    changes: Recent[float] = field(default_factory=lambda: Recent(CHANGES))
    gone: Recent[float] = field(default_factory=lambda: Recent(CHANGES))
    strangers: Recent[float] = field(default_factory=lambda: Recent(LEASES))
    revoked: Recent[float] = field(default_factory=lambda: Recent(CHANGES))
    windows: Recent[tuple[Window, ...]] = field(default_factory=lambda: Recent(CHANGES))
    overheard: Recent[float] = field(default_factory=lambda: Recent(OVERHEARD))
    held: dict[str, list[Held]] = field(default_factory=dict)
    waiting: int = 0

    def renewal(self, credential: str | None, requester: str, now: float) -> str:
        """In what relation the requester stands to the credential it renews."""
        if credential is None:
            return ABSENT
        lease = self.leases.get(credential)
        if lease is None:
            return "of a credential never seen minted"
        if lease.requester != requester:
            return "of another requester's credential"
        if self.state(lease, now) != "live":
            return "of its own credential after its end"
        return f"of its own credential, renewals 2^{grade(lease.renewals) // 2}"

    def task_state(self, task: str | None, requester: str, now: float) -> str:
        """What is known of the task that a grant names."""
        if task is None:
            return ABSENT
        known = self.tasks.get(task)
        if known is None:
            return "new"
        if known.ended is not None and now > known.ended + TASK_GRACE_SECONDS:
            return "had ended"
        if not known.requester:
            return "new"
        return "at work" if known.requester == requester else "another requester's"

    def task_age(self, task: str | None, now: float) -> float:
        """Seconds since anything was last granted for a task; 0 for one that is new, or not named."""
        known = self.tasks.get(task) if task is not None else None
        return max(now - known.last, 0.0) if known is not None and known.requester else 0.0

    def news(self, names: tuple[str, ...], now: float) -> str:
        """Whether a policy about any of these names has just changed, or the identity is gone."""
        gone = self.gone.get(names[0])
        if gone is not None and now > gone + SKEW_SECONDS:
            return "decommissioned"
        for name in names:
            at = self.changes.get(name)
            if at is not None and 0 <= now - at < POLICY_NEWS_SECONDS:
                return "just changed"
        return "settled"

    def state(self, lease: Lease | None, now: float) -> str:
        """A credential's state at the time of its use."""
        if lease is None:
            return "never seen minted"
        if lease.ended is not None and now > lease.ended + SKEW_SECONDS:
            return "revoked"
        if lease.expires is not None and now > lease.expires + SKEW_SECONDS:
            return "expired"
        if lease.task is not None:
            task = self.tasks.get(lease.task)
            if task and task.ended is not None and now > task.ended + TASK_GRACE_SECONDS:
                return "its task had ended"
        return "live"

    def mint(self, credential: str, lease: Lease, renews: str | None) -> None:
        """Remember a minted credential, with what came before it: the lease it renews, or word of its end."""
        before = self.leases.get(renews) if renews else None
        lease.renewals = before.renewals + 1 if before else 0
        ended = self.revoked.get(credential)
        if ended is not None and ended >= lease.minted:
            lease.ended = ended
        self.leases.put(credential, lease)

    def work(self, task: str, requester: str, now: float) -> None:
        """Remember whose a task is: the first one's that was granted anything for it."""
        known = self.tasks.get(task)
        if known is None or not known.requester:
            self.tasks.put(task, Task(requester, now, known.ended if known else None))
        else:
            known.last = max(known.last, now)

    def hold(self, held: Held) -> None:
        """Let a use wait for its issuance."""
        self.held.setdefault(held.usage.credential or "", []).append(held)
        self.waiting += 1

    def release(self, credential: str, usage_id: str) -> None:
        """A held use was judged: it waits no more."""
        waiting = self.held.get(credential, [])
        if len(waiting) > 1 and waiting[0].usage.id == usage_id:
            # The usual order. Many uses of one credential, all due at once, must not each look at all others.
            del waiting[0]
            self.waiting -= 1
            return
        kept = [held for held in waiting if held.usage.id != usage_id]
        self.waiting -= len(waiting) - len(kept)
        if kept:
            self.held[credential] = kept
        else:
            self.held.pop(credential, None)

    def due(self, now: float) -> list[Held]:
        """Held uses whose time is up, oldest credential first."""
        found: list[Held] = []
        for waiting in self.held.values():
            if waiting[0].deadline > now:
                break
            found.extend(waiting)
        return found

    def change(self, event: Lifecycle, subject: str) -> None:
        """Remember a lifecycle change; `subject` is the canonical name beside the raw one."""
        if event.change == "revoked":
            lease = self.leases.get(event.subject)
            if lease is not None and lease.ended is None:
                lease.ended = event.time
            self.revoked.put(event.subject, event.time)
        elif event.change == "task_completed":
            task = self.tasks.get(event.subject)
            self.tasks.put(
                event.subject, Task(task.requester if task else "", task.last if task else event.time, event.time)
            )
        elif event.change == "decommissioned":
            self.gone.put(subject, event.time)
        elif event.change == "policy_changed":
            self.changes.put(subject, event.time)
            self.changes.put(subject.rsplit("/", 1)[-1], event.time)
        elif event.change == "maintenance_declared":
            declare(self.windows, event, subject)


def lease_of(issuance: Issuance, requester: str, mint: Mint) -> Lease:
    """The lease that a granted issuance opens."""
    grant = issuance.grant
    expires = issuance.expires_at
    if expires is None and grant.ttl_seconds is not None:
        expires = grant.time + grant.ttl_seconds
    return Lease(
        issuance=issuance.id,
        requester=requester,
        issuer=grant.issuer,
        mint=mint,
        minted=grant.time,
        expires=expires,
        task=grant.task,
    )
