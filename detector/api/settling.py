"""Answering access requests: by people, by machines; each answer by somebody who is no party to the request."""

from __future__ import annotations

from concurrent.futures import Future

from detector.api.access_wire import ERROR
from detector.api.callers import Caller
from detector.api.problems import Problem
from detector.api.service import Service
from detector.engine.asking_records import AccessSettled
from detector.engine.tasks import Method, Settlement, Task
from detector.stepup.methods import Offered, Unsatisfied


def task_of(service: Service, name: str) -> Task:
    """An access request by its id. Raises a 404 `Problem`."""
    task = service.engine.access_request(name)
    if task is None:
        raise Problem(404, f"no access request {name[:100]!r}", kind=f"{ERROR}unknown_task")
    return task


async def answer(
    service: Service, caller: Caller, name: str, method: Method, *, approve: bool, because: str = "", proof: str = ""
) -> None:
    """Approve or deny as this caller, in this way, durably. Raises a `Problem`."""
    task = task_of(service, name)
    way = service.desk.methods.get(method)
    if way is None or method not in task.methods:
        raise Problem(403, f"method: this may be answered by {', '.join(task.methods)}, not by {method}")
    engine, now = service.engine, service.clock()
    fold = engine.state.identities.fold
    offered = Offered(name=name, task=task, caller=caller.name, names=engine.names, fold=fold, now=now, proof=proof)
    try:
        by = await way.answered_by(offered)
    except Unsatisfied as why:
        raise Problem(403, str(why)) from None
    record = service.desk.settlement(name, task, method, by=by, now=now, approve=approve, because=because)
    await durable(service, settled(service, record))
    service.logger.info("access request", task=name, status=record.status, by=by, method=method)


async def end(service: Service, caller: Caller, name: str, status: Settlement, *, because: str = "") -> None:
    """Cancel an access request, or take its approval back, durably. Raises a `Problem`."""
    record = AccessSettled(task=name, status=status, by=caller.name, because=because)
    await durable(service, settled(service, record))
    service.logger.info("access request", task=name, status=status, by=caller.name)


def settled(service: Service, record: AccessSettled) -> Future[int]:
    """What became of an access request, logged. Raises a 404 or 409 `Problem`."""
    try:
        return service.engine.settle_access(record)
    except KeyError:
        raise Problem(404, f"no access request {record.task[:100]!r}", kind=f"{ERROR}unknown_task") from None
    except ValueError as error:
        said = f"the access request cannot be {record.status}: {error}"
        raise Problem(409, said, kind=f"{ERROR}invalid_task_state") from None


async def durable(service: Service, recorded: Future[int]) -> None:
    """Wait for the disk, as long as a person would: an approval must not be lost. Raises a 503 `Problem`."""
    if not await service.durability.of_bulk(recorded, seconds=service.limits.bulk_deadline_seconds):
        raise Problem(503, "this is not durable yet: look again what became of it", headers={"Retry-After": "5"})
