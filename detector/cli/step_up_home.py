"""Step-ups behind one small door: a running server's, or those of a store that we open ourselves.

Both speak of them as the API's JSON does.
"""

from __future__ import annotations

import asyncio
import getpass
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from detector.cli.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.cli.remote import Remote
    from detector.engine.asking_records import AccessSettled
    from detector.engine.tasks import Task
    from detector.wiring.compose import Embedded
    from detector.wiring.settings import Settings

NEEDS: Final = "approver"

DURABLE_SECONDS: Final = 10.0
"""For one record: a disk that takes longer is full or gone."""

MOST_LISTED: Final = 200


class StepUpHome(Protocol):
    """Where the step-ups are."""

    def all(self, status: str) -> dict[str, Any]:
        """Those with a status, and how many there are."""

    def one(self, name: str) -> dict[str, Any]:
        """One of them. Raises `Complaint` for an unknown one."""

    def answer(self, name: str, verb: str, *, because: str) -> dict[str, Any]:
        """`approve`, `deny` or `revoke` it. Raises `Complaint` where that may not be."""


class ServedStepUps:
    """A running server's."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def all(self, status: str) -> dict[str, Any]:
        """`GET /v1/step-ups`."""
        found: dict[str, Any] = self._remote.get("v1", "step-ups", needs=NEEDS, query={"status": status})
        return found

    def one(self, name: str) -> dict[str, Any]:
        """`GET /v1/step-ups/{id}`."""
        found: dict[str, Any] = self._remote.get("v1", "step-ups", name, needs=NEEDS)
        return found

    def answer(self, name: str, verb: str, *, because: str) -> dict[str, Any]:
        """`POST /v1/step-ups/{id}/{verb}`."""
        found: dict[str, Any] = self._remote.post("v1", "step-ups", name, verb, body={"because": because}, needs=NEEDS)
        return found


class StoredStepUps:
    """Those of a store that this process has opened; whoever runs it answers under the name he is logged in with."""

    def __init__(self, store: Embedded, settings: Settings) -> None:
        from detector.wiring.desk import desk

        self._engine = store.engine
        self._desk = desk(settings.step_up, data=settings.server.data)
        self._by = getpass.getuser()

    def all(self, status: str) -> dict[str, Any]:
        """As the engine remembers them."""
        from detector.api.access_wire import for_approvers

        now, tasks = time.time(), self._engine.state.memory.tasks
        found = [(name, task) for name, task in {**tasks.ended, **tasks.pending}.items() if task.state(now) == status]
        found.sort(key=lambda one: not one[1].emergency)
        shown = [for_approvers(name, task, now=now) for name, task in found[:MOST_LISTED]]
        return {"step_ups": shown, "total": len(found)}

    def one(self, name: str) -> dict[str, Any]:
        """As the engine remembers it, with the decision's reasons where it remembers that."""
        import msgspec

        from detector.api.access_wire import for_approvers
        from detector.api.wire import answer

        task = self._task(name)
        decided = self._engine.decision(task.decision)
        told = None if decided is None else msgspec.to_builtins(answer(decided, recorded=True))
        return {**for_approvers(name, task, now=time.time()), "decision": told}

    def answer(self, name: str, verb: str, *, because: str) -> dict[str, Any]:
        """Answer, durably."""
        from detector.engine.asking_records import AccessSettled

        if verb == "revoke":
            return self._settled(AccessSettled(task=name, status="revoked", by=self._by, because=because))
        from detector.stepup.methods import Offered, Unsatisfied

        task, engine = self._task(name), self._engine
        now, fold = time.time(), engine.state.identities.fold
        offered = Offered(name=name, task=task, caller=self._by, names=engine.names, fold=fold, now=now)
        if "human" not in task.methods:
            raise Complaint(f"this may be answered by {', '.join(task.methods)}, not by a person")
        try:
            by = asyncio.run(self._desk.methods["human"].answered_by(offered))
        except Unsatisfied as why:
            raise Complaint(str(why)) from None
        record = self._desk.settlement(
            name, task, "human", by=f"{by} (command line)", now=now, approve=verb == "approve", because=because
        )
        return self._settled(record)

    def _settled(self, record: AccessSettled) -> dict[str, Any]:
        try:
            self._engine.settle_access(record).result(timeout=DURABLE_SECONDS)
        except KeyError:
            raise _unknown(record.task) from None
        except ValueError as error:
            raise Complaint(f"the step-up cannot be {record.status}: {error}") from None
        except TimeoutError:
            raise Complaint("the answer does not become durable: the disk is slow, or full") from None
        return self.one(record.task)

    def _task(self, name: str) -> Task:
        task = self._engine.access_request(name)
        if task is None:
            raise _unknown(name)
        return task


@contextmanager
def step_up_home(settings: Settings, token_file: Path | None) -> Iterator[StepUpHome]:
    """Those of the server that runs on the data directory, else of the store in it. Raises `Complaint`."""
    from detector.cli.opened import opened
    from detector.wiring.desk import DeskUnusable

    with opened(settings, token_file) as home:
        if home.store is None:
            yield ServedStepUps(home.server)
            return
        try:
            stored = StoredStepUps(home.store, settings)
        except DeskUnusable as error:
            raise Complaint(str(error)) from None
        yield stored


def _unknown(name: str) -> Complaint:
    return Complaint(f"no step-up {name!r}: see `assayer step-ups list`")
