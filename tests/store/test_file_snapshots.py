"""What snapshot files promise beyond the port: nothing unauthentic, torn or of another log is ever revived."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from detector.store import FileSnapshots, SqliteLog, snapshots
from tests.contracts.some_records import outcome

STATE = bytes(range(256))
NAME = "snapshot-00000000000000000007.bin"


def anchor(position: int) -> bytes:
    """Of a log that holds every position."""
    return position.to_bytes(32)


def place(
    directory: Path, warn: Callable[[str], None] = pytest.fail, anchor: Callable[[int], bytes | None] = anchor
) -> FileSnapshots:
    """A place for snapshots; warnings fail the test unless it listens to them."""
    return FileSnapshots(directory, anchor=anchor, warn=warn)


def test_a_restart_finds_the_newest(tmp_path: Path) -> None:
    """Another process with the same directory loads what this one saved."""
    place(tmp_path).save(7, STATE)
    assert place(tmp_path).load() == (7, STATE)


def test_only_the_newest_two_are_kept(tmp_path: Path) -> None:
    """Older ones only fill the disk; no temporary file is left."""
    saving = place(tmp_path)
    for position in (9, 10, 11):
        saving.save(position, STATE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "snapshot-00000000000000000010.bin",
        "snapshot-00000000000000000011.bin",
        "snapshot.key",
    ]


def test_a_flipped_bit_anywhere_is_noticed(tmp_path: Path) -> None:
    """Every byte of the file, header, state and tag alike, is covered: a changed one makes it void, loudly."""
    place(tmp_path).save(7, STATE)
    path = tmp_path / NAME
    whole = path.read_bytes()
    for flipped in range(len(whole)):
        data = bytearray(whole)
        data[flipped] ^= 1
        path.write_bytes(data)
        said: list[str] = []
        assert place(tmp_path, said.append).load() is None
        assert len(said) == 1
        assert NAME in said[0]


@pytest.mark.parametrize("length", [0, 1, 8, 57, 58, 89, 90, 200, -1])
def test_a_snapshot_cut_short_is_noticed(tmp_path: Path, length: int) -> None:
    """A file that ends anywhere but at its end is void."""
    place(tmp_path).save(7, STATE)
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes()[:length])
    said: list[str] = []
    assert place(tmp_path, said.append).load() is None
    assert len(said) == 1


def test_a_snapshot_with_something_after_it_is_noticed(tmp_path: Path) -> None:
    """Appended bytes are as void as changed ones."""
    place(tmp_path).save(7, STATE)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\0")
    said: list[str] = []
    assert place(tmp_path, said.append).load() is None
    assert "damaged" in said[0]


def test_a_damaged_newest_falls_back_to_the_one_before(tmp_path: Path) -> None:
    """That is what the second is kept for."""
    saving = place(tmp_path)
    saving.save(6, b"before")
    saving.save(7, STATE)
    (tmp_path / NAME).write_bytes(b"nonsense")
    said: list[str] = []
    assert place(tmp_path, said.append).load() == (6, b"before")
    assert len(said) == 1


def test_another_directorys_snapshot_is_a_forgery(tmp_path: Path) -> None:
    """Who can write files but not read the key cannot make state."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for directory in (ours, theirs):
        directory.mkdir()
        place(directory).save(1, b"of " + directory.name.encode())
    place(theirs).save(7, b"forged")
    (ours / NAME).write_bytes((theirs / NAME).read_bytes())
    said: list[str] = []
    assert place(ours, said.append).load() == (1, b"of ours")
    assert "not written with this directory's key" in said[0]


def test_an_unknown_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot of a newer version, authentic as it is, is not guessed at."""
    with monkeypatch.context() as newer:
        newer.setattr(snapshots, "VERSION", 2)
        place(tmp_path).save(7, STATE)
    said: list[str] = []
    assert place(tmp_path, said.append).load() is None
    assert "snapshot version 2, this version of assayer reads 1" in said[0]


def test_a_snapshot_must_not_run_ahead_of_the_log(tmp_path: Path) -> None:
    """Saving at a position that the log does not hold is an error: after a crash other records would stand there."""
    with pytest.raises(ValueError, match="the log holds no entry 7"):
        place(tmp_path, anchor=lambda _: None).save(7, STATE)
    assert not list(tmp_path.glob("snapshot-*"))


def test_a_snapshot_waits_for_its_record(tmp_path: Path) -> None:
    """Saved at a position still queued, it is written once that is durable."""
    with closing(SqliteLog(tmp_path)) as log:
        for number in range(1, 2_001):
            log.append(1.0, outcome(number))
        place(tmp_path, anchor=log.anchor).save(2_000, STATE)
        assert log.head() == 2_000


@pytest.mark.parametrize("position", [0, 3])
def test_a_snapshot_of_another_log_is_refused(tmp_path: Path, position: int) -> None:
    """The log was deleted and began anew: the snapshot left over is authentic, and wrong."""
    for _ in range(2):
        with closing(SqliteLog(tmp_path)) as log:
            for number in range(1, 4):
                log.append(1.0, outcome(number)).result(timeout=10)
            said: list[str] = []
            saving = place(tmp_path, said.append, log.anchor)
            before = saving.load()
            saving.save(position, STATE)
        (tmp_path / "log.sqlite3").unlink()
    assert before is None
    assert f"the log's entry {position} is not the one it was made at" in said[0]


def test_a_snapshot_of_a_log_restored_from_a_backup_is_refused(tmp_path: Path) -> None:
    """Restored and grown again differently, the log no longer holds what the snapshot was folded from."""
    with closing(SqliteLog(tmp_path)) as log:
        log.append(1.0, outcome(1)).result(timeout=10)
    backup = (tmp_path / "log.sqlite3").read_bytes()
    with closing(SqliteLog(tmp_path)) as log:
        log.append(2.0, outcome(2)).result(timeout=10)
        place(tmp_path, anchor=log.anchor).save(2, STATE)
    (tmp_path / "log.sqlite3").write_bytes(backup)
    (tmp_path / "checkpoint").unlink()  # which says that there was more
    said: list[str] = []
    with closing(SqliteLog(tmp_path)) as log:
        assert place(tmp_path, said.append, log.anchor).load() is None  # it does not reach entry 2
        log.append(2.5, outcome(2)).result(timeout=10)
        assert place(tmp_path, said.append, log.anchor).load() is None  # entry 2 is another one
        place(tmp_path, said.append, log.anchor).save(1, b"mended")
        assert place(tmp_path, said.append, log.anchor).load() == (1, b"mended")
    assert len(said) == 2


def test_a_full_disk_leaves_the_old_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save that fails halfway is an error, leaves nothing behind, and what was there stays."""
    saving = place(tmp_path)
    saving.save(6, b"before")

    def no_room(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        with pytest.raises(OSError, match="No space left"):
            saving.save(7, STATE)
    assert place(tmp_path).load() == (6, b"before")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snapshot-00000000000000000006.bin", "snapshot.key"]


def test_nobody_else_can_look(tmp_path: Path) -> None:
    """Key and snapshots are 0600."""
    place(tmp_path).save(7, STATE)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("spoil", [lambda key: key.chmod(0o644), lambda key: key.write_bytes(b"short")])
def test_a_spoilt_key_is_replaced_and_what_it_signed_is_void(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """A key that anybody could have read or cut authenticates nothing: slower once, but never forged."""
    place(tmp_path).save(7, STATE)
    spoil(tmp_path / "snapshot.key")
    said: list[str] = []
    again = place(tmp_path, said.append)
    assert "making a new one" in said[0]
    assert again.load() is None
    again.save(8, STATE)
    assert place(tmp_path).load() == (8, STATE)
