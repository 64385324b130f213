"""The whole put together: it goes on where the log ends, and a snapshot only saves time."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.events import GrantRequest
from detector.store import DirectoryHeld
from detector.wiring.compose import SNAPSHOT_RECORDS, EventClock, embedded
from detector.wiring.files import load
from detector.wiring.settings import Settings

REQUEST = GrantRequest(id="r", time=1.5e9, issuer="i", requester="q", resource="x")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, in a directory of the test's own."""
    return load(None, environment={}, overrides={"server": {"data": tmp_path / "data"}})


def test_a_restart_has_the_same_state(settings: Settings) -> None:
    """From the snapshot, and from the whole log where the snapshot is damaged, which is warned of."""
    first = embedded(settings, warn=pytest.fail, clock=lambda: 1.5e9)
    decision = first.engine.ask(REQUEST, trusted=True).decision
    digest = first.engine.digest()
    first.close()
    second = embedded(settings, warn=pytest.fail, clock=lambda: 1.5e9)
    assert second.engine.digest() == digest
    assert second.engine.ask(REQUEST, trusted=True).decision == decision
    second.close()
    [newest] = sorted(settings.server.data.glob("snapshot-*.bin"))[-1:]
    newest.write_bytes(b"damaged")
    warnings: list[str] = []
    third = embedded(settings, warn=warnings.append, clock=lambda: 1.5e9)
    assert third.engine.digest() == digest
    third.close()
    assert newest.name in warnings[0]


def test_a_snapshot_that_cannot_be_kept_is_a_warning(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has everything: closing goes on, and says that the next start takes longer."""
    warnings: list[str] = []
    store = embedded(settings, warn=warnings.append)
    store.engine.ask(REQUEST, trusted=True)

    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.snapshots, "save", refused)
    store.close()
    assert warnings == ["no snapshot was saved, a restart folds more of the log: [Errno 28] No space left on device"]


def test_a_snapshot_is_due_after_many_records(settings: Settings) -> None:
    """A handful of records is folded faster than a snapshot is written."""
    store = embedded(settings, warn=pytest.fail)
    assert not store.due()
    store.saved = store.engine.position - SNAPSHOT_RECORDS
    assert store.due()
    store.save()
    assert not store.due()
    store.close()


def test_a_directory_has_one_writer_and_is_released_when_opening_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails half-way leaves the directory free for the next."""
    holder = embedded(settings, warn=pytest.fail)
    with pytest.raises(DirectoryHeld):
        embedded(settings, warn=pytest.fail)
    holder.close()
    with monkeypatch.context() as broken:
        broken.setattr("detector.wiring.compose.Engine", lambda **_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            embedded(settings, warn=pytest.fail)
    embedded(settings, warn=pytest.fail).close()


def test_a_date_in_the_future_does_not_carry_the_clock_there() -> None:
    """A broken clock in one log must not carry the whole log ahead of the wall clock, nor back."""
    clock = EventClock(limit=lambda: 100.0)
    seen = []
    for time in (50.0, 40.0, 1e12, 60.0):
        clock.see(time)
        seen.append(clock())
    assert seen == [50.0, 50.0, 100.0, 100.0]
