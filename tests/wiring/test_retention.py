"""Forgetting: what is old goes, what it came to and every proof stay, and an interruption loses nothing."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detector.engine.records import Compacted, Configured
from detector.events import Issuance
from detector.proof import Inclusion, Note
from detector.store import EntriesForgotten, FileSnapshots, LogDamaged, LogReader, SqliteLog
from detector.store.schema import LOG_NAME
from detector.wiring.compose import Embedded, EventClock, embedded
from detector.wiring.files import load
from detector.wiring.retention import compacted, forget
from detector.wiring.settings import Settings
from detector.wiring.verification import verify
from tests.cli import organisation
from tests.store.logs import hand

DAY = 86_400.0
SECRET = "the-merger"


def settings_of(directory: Path) -> Settings:
    """The defaults, in a directory."""
    return load(None, environment={}, overrides={"server": {"data": directory}})


def opened(directory: Path, warn: Callable[[str], None] = pytest.fail) -> Embedded:
    """The store in a directory, with a clock that stands where its log ends."""
    clock = EventClock()
    store = embedded(settings_of(directory), warn=warn, clock=clock)
    clock.see(store.engine.state.memory.stamp)
    return store


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve days of work, the first entries with a secret in them, and decisions at both ends."""
    directory = tmp_path_factory.mktemp("history")
    clock = EventClock()
    store = embedded(settings_of(directory), warn=pytest.fail, clock=clock)
    for number, event in enumerate(organisation.history()):
        clock.see(event.time)
        if number in {3, 890}:
            request = organisation.request(10_000 + number, time=event.time)
            purpose = SECRET if number == 3 else "nothing"
            store.engine.ask(msgspec.structs.replace(request, purpose=purpose), trusted=True)
        store.engine.observe(event)
    store.close()
    return directory


@pytest.fixture
def data(history: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    import shutil

    return Path(shutil.copytree(history, tmp_path / "data"))


def decisions(directory: Path) -> list[str]:
    """The ids of the decisions that are kept, the oldest first."""
    base = LogReader(directory).base()
    entries = LogReader(directory).read(base.position if base is not None else 0)
    return [entry.record.decision for entry in entries if type(entry.record).__name__ == "Decided"]


def old(store: Embedded, days: float = 3.0) -> float:
    """A time that many days before the log's end."""
    return store.engine.state.memory.stamp - days * DAY


def shortened(directory: Path, days: float = 3.0) -> Compacted:
    """Compact a log, which has something to forget."""
    with closing(opened(directory)) as store:
        record = store.compact(older_than=old(store, days), by="anna")
    assert record is not None
    return record


def test_what_is_forgotten_is_gone_and_what_is_kept_is_proven(data: Path) -> None:
    """Rows, index and write-ahead log hold nothing of it; tree, checkpoints and replay hold as before."""
    kept = Note.parse((data / "checkpoint").read_bytes())
    first, last = decisions(data)
    before = [LogReader(data).prove(name) for name in (first, last)]
    assert SECRET.encode() in (data / LOG_NAME).read_bytes()
    record = shortened(data)
    assert 0 < record.before < LogReader(data).head()
    assert record.before % 256 == 0
    for file in (LOG_NAME, f"{LOG_NAME}-wal"):
        assert SECRET.encode() not in (data / file).read_bytes()
    verified = verify(data, outside=kept)
    assert verified.found == ()
    assert verified.before == record.before
    assert verified.replayed > 100
    [key] = LogReader(data).verifiers()
    for proof in before:
        assert Inclusion.parse(proof.encoded()).checked([key])
    assert LogReader(data).prove(last).checked([key])


def test_reading_what_is_forgotten_says_so(data: Path) -> None:
    """By the page, from the beginning, and by name; what is kept is read, and the policy it was decided under."""
    [first, _] = decisions(data)
    record = shortened(data)
    reader = LogReader(data)
    for read in (lambda: list(reader.read()), lambda: reader.entries(record.before - 1, 5)):
        with pytest.raises(EntriesForgotten, match=f"entries up to {record.before} are forgotten"):
            read()
    assert list(reader.find(first)) == []
    assert [entry.position for entry in reader.read(record.before)] == list(range(record.before + 1, reader.head() + 1))
    assert next(iter(reader.grants_since(0.0))).position > record.before
    assert reader.first_at(0.0) == record.before + 1
    assert reader.policy_at(record.before + 1) is not None
    with hand(data) as connection:
        assert connection.execute("SELECT kind FROM entries WHERE position <= ?", (record.before,)).fetchall() == [
            (Configured.__struct_config__.tag,)
        ]


@pytest.mark.parametrize("snapshots", ["kept", "removed", "damaged"])
def test_a_compacted_log_revives(data: Path, snapshots: str) -> None:
    """From a snapshot, and where none is left that can be believed, from what the forgotten entries came to."""
    shortened(data)
    with closing(opened(data)) as store:
        digest = store.engine.digest()
    for path in data.glob("snapshot-*.bin") if snapshots != "kept" else ():
        if snapshots == "removed":
            path.unlink()
        else:
            path.write_bytes(b"damaged")
    said: list[str] = []
    with closing(opened(data, said.append)) as store:
        assert store.engine.digest() == digest
    assert bool(said) is (snapshots == "damaged")


def test_a_snapshot_of_another_version_gives_way_to_the_base(data: Path) -> None:
    """The newest that can be read is taken, be it the last."""
    shortened(data)
    with closing(opened(data)) as store:
        digest, position = store.engine.digest(), store.engine.position
    with closing(SqliteLog(data)) as log:
        FileSnapshots(data, anchor=log.anchor, warn=pytest.fail).save(position, b"\x93\xff\xc4\x00\xc4\x00")
    said: list[str] = []
    with closing(opened(data, said.append)) as store:
        assert store.engine.digest() == digest
    assert "is not used" in said[0]


def test_a_base_that_was_changed_is_not_believed(data: Path) -> None:
    """Its digest stands in the log: whoever changes it changes nothing but that nothing starts any more."""
    shortened(data)
    [base] = data.glob("base-*.bin")
    base.write_bytes(base.read_bytes()[:-1] + b"\x00")
    verified = verify(data)
    assert "came to cannot be read, so nothing is replayed" in verified.found[0].words()
    for path in data.glob("snapshot-*.bin"):
        path.unlink()
    with pytest.raises(EntriesForgotten):
        opened(data, lambda _: None)


def test_compacting_again_goes_on_from_the_base(data: Path) -> None:
    """Only what is new to be forgotten is folded; the older base goes."""
    first = shortened(data, 8.0)
    second = shortened(data, 3.0)
    assert first.before < second.before
    assert [path.name for path in data.glob("base-*.bin")] == [f"base-{second.before:020d}.bin"]
    assert verify(data).found == ()
    with closing(opened(data)) as store:
        assert store.compact(older_than=old(store), by="anna") is None


def test_nothing_is_forgotten_of_a_log_that_is_not_what_was_written(data: Path) -> None:
    """An edit would be forgotten with its traces."""
    with hand(data) as connection:
        connection.execute("UPDATE entries SET stamp = stamp + 1 WHERE position = 20")
    with closing(opened(data)) as store, pytest.raises(LogDamaged, match="entry 20 is not as it was written"):
        store.compact(older_than=old(store), by="anna")
    assert LogReader(data).base() is None


def test_a_retention_that_was_never_logged_is_a_loss(data: Path) -> None:
    """Entries that are gone without a record of it are missing, whatever hashes are left."""
    with hand(data) as connection:
        connection.execute("DELETE FROM entries WHERE position <= 256")
    assert verify(data).found[0].words() == "entry 1 is missing (and so on to entry 256)"


@pytest.mark.parametrize("step", ["base", "record", "some rows"])
def test_an_interruption_loses_nothing(data: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it stops, the log verifies and revives to the same state; the next time finishes it."""
    whole = opened(data)
    digest = whole.engine.digest()
    record = compacted(data, older_than=old(whole), by="anna")
    assert record is not None
    if step != "base":
        whole.engine.keep_house(record).result()
        digest = whole.engine.digest()
    if step == "some rows":
        from detector.store.forgetting import forget_some

        monkeypatch.setattr("detector.store.forgetting.ROWS_AT_ONCE", 40)
        assert whole.log._writer.run(lambda connection: forget_some(connection, record.before)).result() == 40
    whole.close()
    for path in data.glob("snapshot-*.bin"):
        path.unlink()
    assert verify(data).found == ()
    with closing(opened(data)) as store:
        assert store.engine.digest() == digest
        if step == "base":
            assert store.compact(older_than=old(store), by="anna") is not None
        assert forget(store.log, data) == (0 if step == "base" else record.before - 1 - 40 * (step == "some rows"))
    assert verify(data).before == record.before


COMPACTER = """
import sys
from pathlib import Path
from detector.wiring.compose import embedded
from detector.wiring.files import load

store = embedded(load(None, environment={}, overrides={"server": {"data": Path(sys.argv[1])}}), warn=print)
print("open", flush=True)
store.compact(older_than=store.engine.state.memory.stamp - float(sys.argv[2]) * 86400.0, by="anna")
print("done", flush=True)
"""


@pytest.mark.process
def test_killed_at_any_moment_of_compacting_nothing_is_lost(data: Path) -> None:
    """kill -9, each time with a little more to forget: every time the log verifies and the state is whole."""
    moments, reached = random.Random(11), 0
    with closing(opened(data)) as store:
        tail = [entry.record for entry in LogReader(data).read(store.engine.position - 20)]
    for days in (11.0, 9.0, 7.0, 5.0, 3.0, 1.0):
        command = [sys.executable, "-c", COMPACTER, str(data), str(days)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            time.sleep(moments.uniform(0.0, 0.35))
            process.kill()
        verified = verify(data)
        assert verified.found == ()
        reached = max(reached, verified.before)
        for path in data.glob("snapshot-*.bin"):
            path.unlink()
        with closing(opened(data)) as store:
            kept: list[Any] = [
                entry.record
                for entry in LogReader(data).read(max(verified.before, store.engine.position - 40))
                if isinstance(getattr(entry.record, "event", None), Issuance)
            ]
            assert [record for record in tail if record in kept] == [
                record for record in tail if isinstance(getattr(record, "event", None), Issuance)
            ]
    assert reached > 0


@pytest.mark.process
def test_what_is_to_be_forgotten_is_found_in_another_process(data: Path) -> None:
    """It comes to the same record as here; one that fails says why, and one under way ends when the store closes."""
    said: list[str] = []
    store = opened(data, said.append)
    found = store.retention.run(older_than=old(store), by="anna")
    assert found == compacted(data, older_than=old(store), by="anna")
    assert found is not None
    assert store.retention.run(older_than=0.0, by="anna") is None
    with hand(data) as connection:
        connection.execute("UPDATE entries SET stamp = stamp + 1 WHERE position = 20")
    assert store.retention.run(older_than=old(store), by="anna") is None
    assert "nothing was forgotten" in said[0]
    assert "entry 20 is not as it was written" in said[0]
    store.retention._beside._command[1:] = ["-c", "import time; time.sleep(60)"]
    under_way = threading.Thread(target=lambda: store.retention.run(older_than=0.0, by="anna"))
    under_way.start()
    while store.retention._beside._process is None or store.retention._beside._process.poll() is not None:
        time.sleep(0.01)
    store.close()
    under_way.join(timeout=10)
    assert not under_way.is_alive()
    assert len(said) == 1


def test_a_log_beside_its_reader_is_compacted(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader half-way through, which then comes to what is gone, is told so; nobody waits for it."""
    monkeypatch.setattr("detector.store.reader.PAGE_ROWS", 100)
    reading = LogReader(data).read()
    assert next(reading).position == 1
    record = shortened(data)
    with pytest.raises(EntriesForgotten, match="are forgotten"):
        list(reading)
    with closing(SqliteLog(data)) as log:
        assert log.forgotten() == record.before
