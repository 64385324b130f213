"""Waiting for the disk: in time, late, failed, and many at once."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import pytest

from detector.api.durability import Durability, landed


def made(deadline: float = 5.0) -> tuple[Durability, list[float]]:
    """A bridge and what it heard."""
    heard: list[float] = []
    return Durability(deadline=deadline, heard=heard.append), heard


def settled(position: int | None = None, error: Exception | None = None) -> Future[int]:
    """A record that has landed, or failed."""
    record: Future[int] = Future()
    if error is not None:
        record.set_exception(error)
    elif position is not None:
        record.set_result(position)
    return record


def test_what_is_durable_already_is_not_waited_for() -> None:
    """`None` was durable long ago."""
    durability, _ = made()
    assert asyncio.run(durability.of(None))
    assert asyncio.run(durability.of(settled(1)))


def test_a_record_that_failed_is_not_recorded() -> None:
    """A full queue gives a failed record: the answer says recorded:false."""
    durability, _ = made()
    assert not asyncio.run(durability.of(settled(error=OSError("disk full"))))


def test_a_thousand_records_of_one_commit_wake_everybody() -> None:
    """Resolved from another thread, in one burst, nobody is forgotten."""
    durability, heard = made()
    records: list[Future[int]] = [Future() for _ in range(1_000)]

    async def everybody() -> list[bool]:
        waiting = [asyncio.ensure_future(durability.of(record)) for record in records]
        await asyncio.sleep(0)
        threading.Thread(target=lambda: [record.set_result(1) for record in records]).start()
        return await asyncio.gather(*waiting)

    assert all(asyncio.run(everybody()))
    assert len(heard) == 1_000


def test_the_deadline_answers_who_waits_and_only_him() -> None:
    """A stuck disk costs the deadline, not for ever; the record that lands is told as landed."""
    durability, _ = made(deadline=0.05)
    stuck: Future[int] = Future()
    quick: Future[int] = Future()

    async def both() -> list[bool]:
        waiting = [asyncio.ensure_future(durability.of(record)) for record in (stuck, quick)]
        await asyncio.sleep(0)
        quick.set_result(1)
        return await asyncio.gather(*waiting)

    assert asyncio.run(both()) == [False, True]


def test_a_record_that_lands_after_its_deadline_disturbs_nobody() -> None:
    """The log keeps it queued; its late word finds no one waiting."""
    durability, heard = made(deadline=0.01)
    late: Future[int] = Future()

    async def wait() -> bool:
        answered = await durability.of(late)
        late.set_result(1)
        await asyncio.sleep(0.01)
        return answered

    assert asyncio.run(wait()) is False
    assert len(heard) == 1


def test_each_deadline_counts_from_its_own_start() -> None:
    """One timer serves all, in the order they came."""
    durability, _ = made(deadline=0.1)

    async def times() -> list[float]:
        loop = asyncio.get_running_loop()
        start = loop.time()

        async def one(after: float) -> float:
            await asyncio.sleep(after)
            await durability.of(Future())
            return loop.time() - start

        return await asyncio.gather(one(0.0), one(0.05), one(0.15))

    assert asyncio.run(times()) == pytest.approx([0.1, 0.15, 0.25], abs=0.04)


def test_bulk_work_has_a_deadline_of_its_own() -> None:
    """Bulk may wait longer than a broker does, but not for ever."""
    durability, _ = made(deadline=0.001)
    late: Future[int] = Future()

    async def patient() -> bool:
        asyncio.get_running_loop().call_later(0.02, late.set_result, 1)
        return await durability.of_bulk(late, seconds=5.0)

    assert asyncio.run(patient())
    assert not asyncio.run(durability.of_bulk(Future(), seconds=0.01))


def test_a_log_that_outlives_the_loop_harms_nobody() -> None:
    """A record that lands after the server's loop has closed is dropped in silence."""
    durability, _ = made(deadline=0.001)
    late: Future[int] = Future()
    assert not asyncio.run(durability.of(late))
    late.set_result(1)


@pytest.mark.parametrize(("record", "there"), [(None, True), (settled(3), True), (Future(), False)])
def test_landed_looks_without_waiting(record: Future[int] | None, *, there: bool) -> None:
    """For members of a batch after the last one has been waited for."""
    assert landed(record) is there
