"""The report of a log on the disk: with its root, and of one that was compacted."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detector.report import Period
from detector.rules import Selector
from detector.store import LogReader, MemoryLog, StoreError
from detector.wiring.compose import Embedded, EventClock, embedded
from detector.wiring.files import load
from detector.wiring.reporting import written
from tests.cli import organisation
from tests.engine.world import World

DAY = 86_400.0
STANDING = "c7"
"""A credential of the first days, without an end."""


def opened(directory: Path) -> tuple[Embedded, EventClock]:
    """The store in a directory, with a clock that stands where its log ends."""
    clock = EventClock()
    settings = load(None, environment={}, overrides={"server": {"data": directory}})
    store = embedded(settings, warn=pytest.fail, clock=clock)
    clock.see(store.engine.state.memory.stamp)
    return store, clock


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve days: a runner at work, one that fell silent, a key without an end, a glass, a rule, a switch."""
    directory = tmp_path_factory.mktemp("history")
    store, clock = opened(directory)
    engine = store.engine
    for number, event in enumerate(organisation.history()):
        clock.see(event.time)
        if getattr(event, "credential", None) == STANDING and hasattr(event, "grant"):
            grant = msgspec.structs.replace(event.grant, ttl_seconds=None, requester="svc/silent", resource="kv/prod")
            event = msgspec.structs.replace(event, grant=grant, expires_at=None)  # noqa: PLW2901 - another one
        engine.observe(event)
        if number == 60:
            request = organisation.request(10_001, time=event.time)
            engine.ask(msgspec.structs.replace(request, break_glass=True, purpose="fire"), trusted=True)
            selector = Selector(requester="svc/silent")
            engine.propose_rule(selector, by="olga", reason="x", lifetime_seconds=30 * DAY, goal="shadow")
            engine.turn_kill_switch(engaged=True, by="olga", because="release")
    store.close()
    return directory


@pytest.fixture
def data(history: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(history, tmp_path / "data"))


def told(directory: Path, period: Period | None = None) -> dict[str, Any]:
    """The report's JSON."""
    found: dict[str, Any] = msgspec.json.decode(written(LogReader(directory), period or Period(), "json"))
    return found


def compacted(directory: Path, days: float) -> int:
    """Forget what is older than so many days before the log's end; the last entry that is gone."""
    store, _ = opened(directory)
    with closing(store):
        record = store.compact(older_than=store.engine.state.memory.stamp - days * DAY, by="anna")
    assert record is not None
    return record.before


def test_the_root_over_what_was_read_is_told(data: Path) -> None:
    """It is what a signed checkpoint is over, so that nobody can say that another log was meant."""
    reader, found = LogReader(data), told(data)
    assert found["log"]["last_position"] == reader.head()
    root = reader.signed_root(reader.head())
    assert root is not None
    assert found["log"]["root"] == root.hex()
    assert found["log"]["forgotten"] == 0


def test_a_compacted_log_tells_what_is_kept_and_knows_what_was(data: Path) -> None:
    """The days that are kept are counted as before; identities, reach, live credentials and what was on are known."""
    since = told(data)["log"]
    period = Period(since=organisation.START + 10 * DAY)
    before = told(data, period)
    forgotten = compacted(data, 3.0)
    after, whole = told(data, period), told(data)
    assert after["log"]["forgotten"] == forgotten > 0
    assert whole["log"]["first_position"] == forgotten + 1
    assert sum(whole["log"]["entries"].values()) < sum(since["entries"].values())

    for part in ("totals", "mints", "exceptions", "step_ups", "outcomes", "break_glass"):
        assert after[part] == before[part], part
    assert [rule["rule"] for rule in after["rules"]["rules"]] == [rule["rule"] for rule in before["rules"]["rules"]]
    assert after["kill_switch"]["engaged_at_end"] is True
    assert after["kill_switch"]["seconds"] == before["kill_switch"]["seconds"]
    same = ("requester", "reach_points", "live_credentials", "live_without_end", "privileges", "decommissioned")
    for one, other in zip(before["requesters"], after["requesters"], strict=True):
        assert {name: one[name] for name in same} == {name: other[name] for name in same}
    standing = next(check for check in after["checks"] if check["name"] == "standing")
    assert [item["requester"] for item in standing["items"]] == ["svc/silent"]


def test_a_base_that_cannot_be_read_is_said(data: Path) -> None:
    """What is not the state that the log tells of is not believed."""
    compacted(data, 3.0)
    (base,) = data.glob("base-*.bin")
    base.write_bytes(base.read_bytes()[:-1] + b"\0")
    with pytest.raises(StoreError, match="forgotten entries"):
        told(data)


def test_a_log_in_memory_is_told_without_a_name() -> None:
    """It has neither a tree nor an identity."""
    world, log = World(), MemoryLog()
    world.issue()
    for entry in world.log.read():
        log.append(entry.stamp, entry.record)
    found = msgspec.json.decode(written(log, Period(), "json"))
    assert (found["log"]["identity"], found["log"]["root"]) == (None, None)
    assert written(log, Period(), "md").startswith(b"# ")
