"""Access requests after step-ups: made, answered in which way, expired; and approvals that were presented."""

from __future__ import annotations

from collections import Counter

from detector.engine.asking_records import AccessRequested, AccessSettled, Presented
from detector.engine.tasks import MOST_PENDING
from detector.report.shape import AccessRequests
from detector.report.telling import Spread


class Approvals:
    """Counts of the period, and the requests that still wait: no more of them than the engine lets wait."""

    def __init__(self, since: float) -> None:
        """`since` is when the period begins (Unix seconds): what expired before it is none of its."""
        self._since = since
        self._requested = 0
        self._emergencies = 0
        self._settled: Counter[str] = Counter()
        self._methods: Counter[str] = Counter()
        self._presented: Counter[str] = Counter()
        self._took = Spread()
        self._waiting: dict[str, tuple[float, float]] = {}
        self._expired = 0
        self._outlived = 0

    def begin(self, task: str, made: float, expires: float) -> None:
        """One that was made before the first entry, and waits."""
        self._waiting[task] = (made, expires)

    def requested(self, record: AccessRequested, now: float, *, counted: bool) -> None:
        """A broker asked for an answer."""
        self._requested += counted
        self._emergencies += counted and record.emergency
        if len(self._waiting) >= MOST_PENDING:
            self._sweep(now)
        self._waiting[record.task] = (now, record.expires)

    def settled(self, record: AccessSettled, now: float, *, counted: bool) -> None:
        """It was answered, cancelled, or its approval taken back."""
        made = self._waiting.pop(record.task, None)
        if not counted:
            return
        self._settled[record.status] += 1
        if record.status in {"approved", "denied"}:
            self._methods[record.method or "unknown"] += 1
            if made is not None:
                self._took.add(now - made[0])

    def presented(self, given: Presented | None) -> None:
        """A request of the period came with an approval, or without one."""
        if given is not None:
            self._presented[given.refused or ("passed" if given.until else "not needed")] += 1

    def outlived(self) -> None:
        """What was minted on an approval lives longer than that allows."""
        self._outlived += 1

    def _sweep(self, now: float) -> None:
        """Take those away whose time is up; they count where it came in the period."""
        over = [task for task, (_, expires) in self._waiting.items() if expires <= now]
        for task in over:
            self._expired += self._waiting.pop(task)[1] >= self._since

    def view(self, now: float) -> AccessRequests:
        """As they stand at the period's end, `now`."""
        self._sweep(now)
        return AccessRequests(
            requested=self._requested,
            emergencies=self._emergencies,
            settled=dict(self._settled),
            expired=self._expired,
            waiting=len(self._waiting),
            by_method=dict(self._methods),
            median_seconds=self._took.median(),
            presented=dict(self._presented),
            minted_beyond_approval=self._outlived,
        )
