"""The Snapshots port's contract, over every place for snapshots there is."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path
from typing import cast

import pytest

import detector.store
from detector.engine.ports import Snapshots
from tests.contracts.implementations import implementations

PLACES = implementations(detector.store, Snapshots)


@pytest.fixture(params=PLACES, ids=lambda found: found.__name__)
def snapshots(request: pytest.FixtureRequest, tmp_path: Path) -> Snapshots:
    """A place without a snapshot, for a log that holds every position."""
    if "directory" not in inspect.signature(request.param).parameters:
        return cast("Snapshots", request.param())
    made = request.param(tmp_path, anchor=lambda position: position.to_bytes(32), warn=pytest.fail)
    return cast("Snapshots", made)


def test_every_place_is_found() -> None:
    """The suite runs over memory and files at least."""
    assert {found.__name__ for found in PLACES} >= {"FileSnapshots", "MemorySnapshots"}


def test_at_first_there_is_none(snapshots: Snapshots) -> None:
    """No snapshot is `None`, not an error."""
    assert snapshots.load() is None


@pytest.mark.parametrize("state", [b"", b"\x00", bytes(range(256)) * 4_096], ids=["empty", "nul", "megabyte"])
def test_what_is_loaded_is_what_was_saved(snapshots: Snapshots, state: bytes) -> None:
    """Position and state come back as they were, any number of times."""
    snapshots.save(7, state)
    assert snapshots.load() == (7, state)
    assert snapshots.load() == (7, state)


def test_the_newest_wins(snapshots: Snapshots) -> None:
    """Of several, the one at the highest position is loaded, whatever the number of digits."""
    for position in (9, 10, 101, 99_999):
        snapshots.save(position, str(position).encode())
    assert snapshots.load() == (99_999, b"99999")


def test_a_late_older_one_does_not_replace_a_newer(snapshots: Snapshots) -> None:
    """Two threads that save out of order leave the newer one."""
    snapshots.save(20, b"newer")
    snapshots.save(10, b"older")
    assert snapshots.load() == (20, b"newer")


def test_the_same_position_can_be_saved_again(snapshots: Snapshots) -> None:
    """A restart at the same position saves again without harm."""
    snapshots.save(5, b"state")
    snapshots.save(5, b"state")
    assert snapshots.load() == (5, b"state")


def test_threads_may_save(snapshots: Snapshots) -> None:
    """Saving from several threads at once leaves the newest, whole."""
    threads = [
        threading.Thread(target=snapshots.save, args=(position, b"%d" % position * 1_000)) for position in range(1, 30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert snapshots.load() == (29, b"29" * 1_000)
