"""Snapshots that another process makes: the server's own state, without the server's own time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.events import GrantRequest
from detector.wiring.compose import Embedded, embedded
from detector.wiring.files import load
from detector.wiring.folding import fold

REQUEST = GrantRequest(id="r", time=1.5e9, issuer="i", requester="q", resource="x")


@pytest.fixture
def warnings() -> list[str]:
    """What was warned of."""
    return []


@pytest.fixture
def store(tmp_path: Path, warnings: list[str]) -> Iterator[Embedded]:
    """A store with a decision in its log, open for writing."""
    settings = load(None, environment={}, overrides={"server": {"data": tmp_path / "data"}})
    opened = embedded(settings, warn=warnings.append, clock=lambda: 1.5e9)
    opened.engine.ask(REQUEST, trusted=True)
    opened.log.flush()
    yield opened
    opened.close()


def test_what_is_folded_beside_is_the_servers_own_state(store: Embedded, warnings: list[str]) -> None:
    """From nothing, then from that snapshot and the tail: to the bit, at the log's end."""
    for number in range(2):
        store.engine.ask(
            GrantRequest(id=f"s{number}", time=1.5e9, issuer="i", requester="q", resource="x"), trusted=True
        )
        store.log.flush()
        assert fold(store.snapshots._directory, warn=warnings.append) == store.engine.position
        assert store.snapshots.load() == (store.engine.position, store.engine.snapshot())
    assert warnings == []


@pytest.mark.process
def test_another_process_makes_it(store: Embedded, warnings: list[str]) -> None:
    """Afterwards none is due until there is something new."""
    store.fold_beside()
    assert store.saved == store.engine.position
    assert store.snapshots.load() == (store.engine.position, store.engine.snapshot())
    assert warnings == []


@pytest.mark.process
def test_one_that_fails_is_a_warning(store: Embedded, warnings: list[str]) -> None:
    """The log has everything; what stood in the way is said."""
    directory = store.snapshots._directory
    (directory / "snapshot.key").unlink()
    (directory / "snapshot.key").mkdir()
    store.fold_beside()
    (directory / "snapshot.key").rmdir()
    assert store.saved == 0
    assert len(warnings) == 1
    assert warnings[0].startswith("no snapshot was saved, a restart folds more of the log: IsADirectoryError")


@pytest.mark.process
def test_closing_waits_for_none(store: Embedded, warnings: list[str]) -> None:
    """One under way is ended without a word, and the closing store keeps its own."""
    store.folding._beside._command[1:] = ["-c", "import time; time.sleep(60)"]
    under_way = threading.Thread(target=store.fold_beside)
    under_way.start()
    while store.folding._beside._process is None:
        time.sleep(0.01)
    store.close()
    under_way.join(timeout=10)
    assert not under_way.is_alive()
    assert store.saved == store.engine.position
    assert warnings == []
