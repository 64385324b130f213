"""Access requests that are remembered: made after a step-up, waiting for somebody's answer, answered.

Memory is bounded and part of the folded state. A request leaves the pending ones by an answer, or by time: whatever
is folded next takes those along whose time is up.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct, field

MOST_PENDING: Final = 100_000
"""Access requests waiting at once: far more than people can answer, in about 100 MB. Past it a step-up is one
without a way on, until others have been answered or have expired."""

MOST_OF_ONE: Final = 100
"""Of one requester: whoever asks without end must not fill the list that approvers read."""

MOST_ENDED: Final = 50_000
"""Answered and expired ones that are still remembered: brokers that look again, and approvals that are still good.
One that is forgotten is presented in vain."""

SWEEP: Final = 64
"""Expired requests that one record takes along: none pays for all of them at once."""

Settlement: TypeAlias = Literal["approved", "denied", "cancelled", "revoked"]
Status: TypeAlias = Literal["pending", "approved", "denied", "cancelled", "expired"]
Trust: TypeAlias = Literal["automatic", "broker", "approver", "analyst"]
"""Whose word an outcome is, the least first."""
Method: TypeAlias = Literal["human", "workload_proof", "second_broker"]


class Task(Struct, kw_only=True, gc=False):
    """One access request: for which decision, of what scope, made by which broker; and what came of it.

    Times are Unix seconds of the log's clock. `parties` are those that it is made for or on behalf of, beside
    the requester. `evidence` (quanta) is what was found when it was stepped up, `ttl_seconds` the lifetime
    that was asked for, `limits` are the hard limits that were broken. An approval is good until `until`, for
    `uses` decisions, of which `used` were made, each with at most `margin` quanta more evidence than there was.
    """

    decision: str
    requester: str
    issuer: str
    resource: str
    broker: str
    scope: str
    evidence: int
    created: float
    expires: float
    methods: tuple[Method, ...]
    parties: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    ttl_seconds: float | None = None
    wanted: float | None = None
    emergency: bool = False
    because: str = ""
    key: str = ""
    body: str = ""
    status: Status = "pending"
    ended: float = 0.0
    by: str = ""
    method: str = ""
    trust: Trust = "automatic"
    approval: str = ""
    until: float = 0.0
    uses: int = 0
    used: int = 0
    margin: int = 0

    def state(self, now: float) -> Status:
        """What became of it by `now`."""
        return "expired" if self.status == "pending" and now >= self.expires else self.status


class Tasks(Struct):
    """The pending ones and those that ended lately, by id; in `index` by decision, by key and by approval."""

    pending: dict[str, Task] = field(default_factory=dict)
    ended: dict[str, Task] = field(default_factory=dict)
    index: dict[str, str] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)

    def get(self, name: str) -> Task | None:
        """A request by its id."""
        return self.pending.get(name) or self.ended.get(name)

    def named(self, *, decision: str = "", key: str = "", approval: str = "") -> tuple[str, Task] | None:
        """The request that was made for a decision, under an idempotency key, or that an approval answers; with its id.

        >>> Tasks().named(decision="d-1") is None
        True
        """
        name = self.index.get(_keyed("decision", decision) or _keyed("key", key) or _keyed("approval", approval))
        task = self.get(name) if name is not None else None
        return None if name is None or task is None else (name, task)

    def add(self, name: str, task: Task) -> None:
        """Remember a new one."""
        self.pending[name] = task
        self.index[_keyed("decision", task.decision)] = name
        if task.key:
            self.index[_keyed("key", task.key)] = name
        self.open[task.requester] = self.open.get(task.requester, 0) + 1

    def end(self, name: str, status: Status, now: float) -> Task | None:
        """A pending one was answered, or its time is up; `None` where it was not pending."""
        task = self.pending.pop(name, None)
        if task is None:
            return None
        task.status, task.ended = status, now
        left = self.open.get(task.requester, 1) - 1
        if left:
            self.open[task.requester] = left
        else:
            self.open.pop(task.requester, None)
        self.ended[name] = task
        while len(self.ended) > MOST_ENDED:
            self._forget(next(iter(self.ended)))
        return task

    def approve(self, name: str, task: Task) -> None:
        """Let an approved one be found by its approval."""
        self.index[_keyed("approval", task.approval)] = name

    def sweep(self, now: float) -> None:
        """Take those away whose time is up: they lie in the order they were made, so the first ones are due first."""
        for _ in range(SWEEP):
            name = next(iter(self.pending), None)
            if name is None or now < self.pending[name].expires:
                return
            self.end(name, "expired", self.pending[name].expires)

    def waiting(self, now: float) -> int:
        """How many wait for an answer at `now`."""
        expired = 0
        for task in self.pending.values():
            if now < task.expires:
                break
            expired += 1
        return len(self.pending) - expired

    def _forget(self, name: str) -> None:
        task = self.ended.pop(name)
        for key in (_keyed("decision", task.decision), _keyed("key", task.key), _keyed("approval", task.approval)):
            if self.index.get(key) == name:
                del self.index[key]


def _keyed(kind: str, name: str) -> str:
    return f"{kind} {name}" if name else ""
