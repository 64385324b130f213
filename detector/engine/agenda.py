"""What the engine has still to attend to when it announces: found by requester, by task and by when it is due.

Compiled from what is folded, so it is no part of a snapshot.
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heappop, heappush
from itertools import count
from typing import Final, Literal, NamedTuple, TypeAlias

from detector.engine.joins import TASK_GRACE_SECONDS, Lease
from detector.engine.recalls import STALE_SECONDS, Recalls
from detector.engine.recent import Recent

MOST_LOOKED_AT: Final = 2_000
"""Credentials of one requester or task that are looked at together, the newest: a millisecond. Who holds more has
mostly minted them long ago, and they have expired."""

Kind: TypeAlias = Literal["recall", "ended", "timed_out"]


class Errand(NamedTuple):
    """Something to look after: a recall by its key, a task that ended or that ran too long."""

    kind: Kind
    key: str


class Moved(NamedTuple):
    """A row that moved a requester's risk: at whose issuer, which row, and why."""

    issuer: str
    cause: str
    because: str
    codes: tuple[str, ...]


class LeaseIndex:
    """Credentials by requester and by task, the oldest first; each for as long as the joins remember its lease."""

    def __init__(self) -> None:
        self._young: dict[str, list[str]] = {}
        self._old: dict[str, list[str]] = {}
        self._closed: object = None

    def refill(self, leases: Recent[Lease]) -> None:
        """Start again from these."""
        self._young, self._old, self._closed = {}, {}, leases.old
        for lists, known in ((self._old, leases.old), (self._young, leases.young)):
            for credential, lease in known.items():
                _list(lists, credential, lease)

    def add(self, leases: Recent[Lease], credential: str, lease: Lease) -> None:
        """List a credential that was just put into `leases`, and forget those that `leases` forgot."""
        if self._closed is not leases.old:
            self._old, self._young, self._closed = self._young, {}, leases.old
        _list(self._young, credential, lease)

    def of(self, whose: str) -> list[str]:
        """The credentials listed under a requester's or a task's key, the newest first, so many at most."""
        young, old = self._young.get(whose, []), self._old.get(whose, [])
        found = young[-1 : -MOST_LOOKED_AT - 1 : -1]
        return found + old[-1 : len(found) - MOST_LOOKED_AT - 1 : -1]

    def drop(self, whose: str, gone: Collection[str]) -> None:
        """List these no more: they are dead, or were announced."""
        for lists in (self._young, self._old):
            if whose in lists:
                lists[whose] = [credential for credential in lists[whose] if credential not in gone]
                if not lists[whose]:
                    del lists[whose]


class Agenda:
    """Errands by when they are due, rows that moved a requester's risk, when risk will have faded, and the credentials.

    `moved` is by requester.
    """

    def __init__(self) -> None:
        self.leases = LeaseIndex()
        self.moved: dict[str, Moved] = {}
        self._due: list[tuple[float, int, Errand]] = []
        self._fading: list[tuple[float, str]] = []
        self._numbers = count()

    def refill(self, recalls: Recalls, leases: Recent[Lease], *, timeout: float, now: float) -> None:
        """Start again from what was folded."""
        self.leases.refill(leases)
        self.moved, self._due, self._fading = {}, [], []
        for key, recall in (*recalls.due.old.items(), *recalls.due.young.items()):
            self.add(recall.at, Errand("recall", key), now)
        for task, ended in (*recalls.ended.old.items(), *recalls.ended.young.items()):
            self.add(ended + TASK_GRACE_SECONDS, Errand("ended", task), now)
        if timeout:
            for task, begun in (*recalls.begun.old.items(), *recalls.begun.young.items()):
                self.add(begun + timeout, Errand("timed_out", task), now)
        for requester in recalls.levels:
            self.fades(now, requester)

    def add(self, due: float, errand: Errand, now: float) -> None:
        """Look after something at `due` (the log's clock). What has become stale by `now` is forgotten."""
        while self._due and self._due[0][0] < now - STALE_SECONDS:
            heappop(self._due)
        if due >= now - STALE_SECONDS:
            heappush(self._due, (due, next(self._numbers), errand))

    def fades(self, due: float, requester: str) -> None:
        """Look at a requester's risk at `due`: it should have faded a level by then."""
        heappush(self._fading, (due, requester))

    def faded(self, now: float) -> str | None:
        """A requester to look at, each time it is asked another; `None` while none is due."""
        return heappop(self._fading)[1] if self._fading and self._fading[0][0] <= now else None

    def next(self, now: float) -> Errand | None:
        """The errand that has been due longest; `None` while none is."""
        return self._due[0][2] if self._due and self._due[0][0] <= now else None

    def done(self) -> None:
        """The one that `next` gave is attended to."""
        heappop(self._due)


def requester_key(requester: str) -> str:
    """What a requester's credentials are listed under."""
    return f"requester {requester}"


def task_key(task: str) -> str:
    """What a task's credentials are listed under."""
    return f"task {task}"


def _list(lists: dict[str, list[str]], credential: str, lease: Lease) -> None:
    lists.setdefault(requester_key(lease.requester), []).append(credential)
    if lease.task is not None:
        lists.setdefault(task_key(lease.task), []).append(credential)
