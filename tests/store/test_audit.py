"""Auditing finds whatever was done to a log: edits, drops, insertions, swaps, cuts, forged heads and keys."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from detector.proof import Checkpoint, Note, Signer, Tree
from detector.store import LogDamaged, SqliteLog, StoreError
from detector.store.audit import MOST_FOUND, Audit
from detector.store.keys import SIGNER_NAME
from detector.store.rows import between
from detector.store.schema import LOG_NAME
from tests.contracts.some_records import decision
from tests.store.logs import audited, hand, written

SIZE = 700
"""Two full tiles and a part of one."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that nobody touched, written in three sittings."""
    directory = tmp_path_factory.mktemp("whole")
    for first, count in ((1, 300), (301, 300), (601, SIZE - 600)):
        written(directory, count, first=first)
    return directory


@pytest.fixture
def log(whole: Path, tmp_path: Path) -> Path:
    """A copy of it to do something to."""
    return Path(shutil.copytree(whole, tmp_path / "log"))


def checkpoint_of(directory: Path) -> Note:
    """What an outsider kept: the file as it was then."""
    return Note.parse((directory / "checkpoint").read_bytes())


def test_a_log_that_nobody_touched_is_sound(log: Path) -> None:
    """Every entry is given, in order, under a checkpoint; the file beside it and an outsider's copy agree."""
    audit = Audit(log, outside=checkpoint_of(log))
    assert [entry.position for entry in audit.entries()] == list(range(1, SIZE + 1))
    assert audit.found == []
    assert audit.covered == SIZE
    assert len(audit.sealed) >= 3


# --- rows -----------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    position=st.integers(1, SIZE),
    column=st.sampled_from(["stamp", "kind", "id", "body"]),
    seed=st.integers(0, 2**32),
)
@example(position=1, column="body", seed=0)
@example(position=SIZE, column="stamp", seed=0)
def test_a_flipped_bit_of_any_row_is_found_where_it_is(log: Path, position: int, column: str, seed: int) -> None:
    """Whatever the row, the column and the bit: the entry is named, and all before it is given as sound."""
    dice = random.Random(seed)
    with hand(log) as connection:
        [(value, kind)] = connection.execute(
            f"SELECT CAST({column} AS BLOB), typeof({column}) FROM entries WHERE position = ?",  # noqa: S608 ours
            (position,),
        )
        if kind == "real":
            [(stamp,)] = connection.execute("SELECT stamp FROM entries WHERE position = ?", (position,))
            changed: object = stamp + dice.choice([2.0**-20, -1.0, 1e9])
        else:
            at, flipped = dice.randrange(len(value)), bytearray(value)
            flipped[at] ^= 1 << dice.randrange(7)
            changed = bytes(flipped) if kind == "blob" else bytes(flipped).decode()
        update = f"UPDATE entries SET {column} = ? WHERE position = ?"  # noqa: S608 ours
        connection.execute(update, (changed, position))
        try:
            entries, found = audited(log)
        finally:
            original = value if kind == "blob" else stamp if kind == "real" else value.decode()
            connection.execute(update, (original, position))
    assert [discrepancy.words() for discrepancy in found] == [f"entry {position} is not as it was written"]
    assert [entry.position for entry in entries] == list(range(1, position))


Deed = Callable[[sqlite3.Connection], object]


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (lambda db: db.execute("UPDATE entries SET id = NULL WHERE position = 7"), "entry 7 is not as it was written"),
        (lambda db: db.execute("DELETE FROM entries WHERE position = 300"), "entry 300 is missing"),
        (lambda db: db.execute("DELETE FROM entries WHERE position BETWEEN 10 AND 600"), "entry 10 is missing"),
        (lambda db: db.execute("DELETE FROM entries WHERE position = 1"), "entry 1 is missing"),
        (lambda db: db.execute("DELETE FROM entries WHERE position > 690"), "entry 691 is missing, and all after it"),
        (lambda db: db.execute("DELETE FROM entries"), "entry 1 is missing, and all after it"),
        (lambda db: swap(db, 300, 301), "entry 300 is not as it was written"),
        (lambda db: swap(db, 2, 650), "entry 2 is not as it was written"),
        (lambda db: insert(db, 5), "entry 5 is not as it was written"),
        (lambda db: insert(db, 0), "there are entries before the first"),
        (lambda db: insert(db, 10**15), "entry 701 is missing (and so on to entry 768)"),
        (lambda db: insert(db, 703), "entry 701 is missing"),
    ],
)
def test_what_is_done_to_rows_is_found(log: Path, deed: Deed, told: str) -> None:
    """Dropped, cut off, swapped or slipped in: the first entry that is not as it was is named."""
    with hand(log) as connection:
        deed(connection)
    entries, found = audited(log)
    assert found
    assert found[0].words().startswith(told)
    assert len(found) <= MOST_FOUND
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))


def swap(connection: sqlite3.Connection, one: int, other: int) -> None:
    """Two entries change places."""
    for source, target in ((one, -1), (other, one), (-1, other)):
        connection.execute("UPDATE entries SET position = ? WHERE position = ?", (target, source))


def insert(connection: sqlite3.Connection, position: int) -> None:
    """A copy of another entry is slipped in at a place; what stood there and after it moves on."""
    connection.execute("UPDATE entries SET position = -position - 1 WHERE position >= ?", (position,))
    connection.execute("UPDATE entries SET position = -position WHERE position < 0")
    connection.execute(
        "INSERT INTO entries SELECT ?, stamp, kind, id, body FROM entries WHERE position = (SELECT max(position)"
        " FROM entries WHERE position < 700 AND position > 600)",
        (position,),
    )


# --- the tree, the checkpoints, the keys -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (lambda db: rewrite(db, 20), "checkpoint 1: entries 1 to 300 are not those that were signed"),
        (lambda db: rewrite(db, 620), "checkpoint 3: entries 601 to 700 are not those that were signed"),
        (lambda db: flip(db), "the tree over entries 1 to 512 is not the one"),  # noqa: PLW0108 defined below
        (lambda db: db.execute("DELETE FROM tiles WHERE level = 1"), "the tree over entries 1 to 512 is not the one"),
        (lambda db: db.execute("DELETE FROM tiles WHERE level = 0"), "entry 1 has no hash in the tree"),
        (lambda db: db.execute("DELETE FROM checkpoints WHERE number = 1"), "checkpoint 1 is missing"),
        (lambda db: db.execute("DELETE FROM checkpoints WHERE number = 2"), "checkpoint 2 is missing"),
        (lambda db: db.execute("UPDATE checkpoints SET number = 9 WHERE number = 3"), "checkpoint 3 is missing"),
        (lambda db: resize(db), "checkpoint 2: the signature by"),  # noqa: PLW0108 defined below
        (lambda db: db.execute("UPDATE checkpoints SET note = x'00'"), "log.sqlite3: checkpoint 1: there is a control"),
        (lambda db: db.execute("DELETE FROM signers"), "nobody is known to have signed the checkpoints"),
        (lambda db: db.execute("UPDATE signers SET vkey = x'00'"), "log.sqlite3: signers: the key since checkpoint 1"),
        (
            lambda db: db.execute("UPDATE meta SET value = 'aa' WHERE name = 'identity'"),
            "checkpoint 1 is of another log",
        ),
    ],
)
def test_what_is_done_to_the_tree_is_found(log: Path, deed: Deed, told: str) -> None:
    """Rows and hashes changed together, hashes alone, checkpoints and keys: each is told for what it is."""
    with hand(log) as connection:
        deed(connection)
    found = audited(log)[1]
    assert found
    assert any(discrepancy.words().startswith(told) for discrepancy in found), found


def rewrite(connection: sqlite3.Connection, position: int) -> None:
    """Change an entry, and its hash in the tile, so that both agree."""
    connection.execute("UPDATE entries SET stamp = stamp + 1 WHERE position = ?", (position,))
    [row] = list(between(connection, position, position))
    place, offset = divmod(position - 1, 256)
    [(hashes,)] = connection.execute("SELECT hashes FROM tiles WHERE level = 0 AND place = ?", (place,))
    changed = hashes[: 32 * offset] + row.leaf() + hashes[32 * offset + 32 :]
    connection.execute("UPDATE tiles SET hashes = ? WHERE level = 0 AND place = ?", (changed, place))


def flip(connection: sqlite3.Connection) -> None:
    """Change a byte of the tile above the leaves'."""
    [(hashes,)] = connection.execute("SELECT hashes FROM tiles WHERE level = 1")
    connection.execute("UPDATE tiles SET hashes = ? WHERE level = 1", (bytes([hashes[0] ^ 1]) + hashes[1:],))


def resize(connection: sqlite3.Connection) -> None:
    """Change what a checkpoint says and leave its signature."""
    [(note,)] = connection.execute("SELECT note FROM checkpoints WHERE number = 2")
    connection.execute("UPDATE checkpoints SET note = ? WHERE number = 2", (note.replace(b"\n600\n", b"\n599\n"),))


def test_a_cut_of_log_and_checkpoints_together_is_found_only_from_outside(whole: Path, tmp_path: Path) -> None:
    """An older copy of the whole directory is a log in itself: a checkpoint kept elsewhere tells of more."""
    directory = written(tmp_path / "log", 300)
    older = Path(shutil.copytree(directory, tmp_path / "older"))
    kept = checkpoint_of(written(directory, 100, first=301))
    assert audited(older)[1] == []
    [found] = audited(older, outside=kept)[1]
    assert found.words() == "entry 301 is missing, and all after it: the checkpoint given is over 400 entries"


def test_a_log_whose_end_was_cut_off_with_its_table_is_found_by_the_file_left_beside_it(log: Path) -> None:
    """Whoever cuts the database back, its checkpoints too, and forgets the file `checkpoint`, is told of by it."""
    with hand(log) as connection:
        connection.execute("DELETE FROM entries WHERE position > 600")
        connection.execute("DELETE FROM checkpoints WHERE number > 2")
    [found] = audited(log)[1]
    assert found.words() == "entry 601 is missing, and all after it: the file checkpoint is over 700 entries"
    with pytest.raises(LogDamaged, match="signed over 700 entries, and the log ends at 600"):
        SqliteLog(log)


def test_a_writer_does_not_go_on_from_a_log_that_was_cut_or_changed(log: Path) -> None:
    """It would sign what is not the log it signed before."""
    (log / "checkpoint").unlink()
    with hand(log) as connection:
        connection.execute("DELETE FROM entries WHERE position > 690")
    with pytest.raises(LogDamaged, match="ends at entry 690, and a checkpoint over 700 was signed"):
        SqliteLog(log)
    with hand(log) as connection:
        flip(connection)
        connection.execute(
            "INSERT INTO entries SELECT position + 10, stamp, kind, id, body FROM entries WHERE position > 680"
        )
    with pytest.raises(LogDamaged, match="its tree is not the one that was signed"):
        SqliteLog(log)


def test_a_log_forged_from_nothing_with_another_key_is_found_with_the_key(log: Path, tmp_path: Path) -> None:
    """It is sound in itself; whoever has the log's key, or any old checkpoint, sees that it is another's."""
    key = Audit(log).chain.keys[0]
    forged = written(tmp_path / "forged", 100)
    with hand(forged) as connection, hand(log) as original:
        [(identity,)] = original.execute("SELECT value FROM meta WHERE name = 'identity'")
        connection.execute("UPDATE meta SET value = ? WHERE name = 'identity'", (identity,))
        resign(connection, Signer(f"assayer.local/{identity}", bytes(range(32))), since=1)
    (forged / "checkpoint").unlink()
    assert audited(forged)[1] == []
    assert "no checkpoint is signed by the key assayer.local" in audited(forged, key=key)[1][0].words()
    assert "no key that is known here" in audited(forged, outside=checkpoint_of(log))[1][0].words()


def test_a_change_resigned_with_another_key_is_found_without_any(log: Path) -> None:
    """The key before did not name the one that signs now."""
    with hand(log) as connection:
        [(identity,)] = connection.execute("SELECT value FROM meta WHERE name = 'identity'")
        resign(connection, Signer(f"assayer.local/{identity}", bytes(range(32))), since=2)
    (log / "checkpoint").unlink()
    found = audited(log)[1]
    assert "checkpoint 2 is signed by" in found[0].words()
    assert "which the key before did not name" in found[0].words()


def resign(connection: sqlite3.Connection, signer: Signer, *, since: int) -> None:
    """Sign every checkpoint from one on anew, as the log is now."""
    if since == 1:
        connection.execute("DELETE FROM signers")
    connection.execute("INSERT INTO signers VALUES(?, ?)", (since, signer.verifier.text().encode()))
    for number, note in connection.execute(
        "SELECT number, note FROM checkpoints WHERE number >= ?", (since,)
    ).fetchall():
        size = Checkpoint.of(Note.parse(note)).size
        tree = Tree()
        tree.extend(row.leaf() for row in between(connection, 1, size))
        signed = Checkpoint(signer.name, size, tree.root()).signed(signer).encoded()
        connection.execute("UPDATE checkpoints SET note = ? WHERE number = ?", (signed, number))


def test_a_lost_key_is_replaced_with_a_warning_and_told_of_by_every_audit(log: Path) -> None:
    """Answers go on being recorded; that the key changed without the old one's word is never forgotten."""
    (log / SIGNER_NAME).unlink()
    said: list[str] = []
    made = SqliteLog(log, warn=said.append)
    made.append(2e9, decision(SIZE + 1)).result(timeout=10)
    made.close()
    assert "another key signs from here on" in said[0]
    entries, found = audited(log)
    assert len(entries) == SIZE + 1
    assert "which the key before did not name" in found[0].words()


def test_whole_pages_of_garbage_are_found_or_refused(log: Path) -> None:
    """Bytes changed in the file itself, beneath SQLite: never a traceback, never an entry that was not written."""
    data = (log / LOG_NAME).read_bytes()
    original = [entry.record for entry in audited(log)[0]]
    dice = random.Random(4)
    told = 0
    for _ in range(40):
        damaged, at = bytearray(data), dice.randrange(100, len(data))
        damaged[at : at + 3] = bytes(byte ^ 0xFF for byte in damaged[at : at + 3])
        (log / LOG_NAME).write_bytes(damaged)
        try:
            entries, found = audited(log)
        except StoreError:
            told += 1
            continue
        told += bool(found)
        assert [entry.record for entry in entries] == original[: len(entries)]
        assert found or len(entries) == SIZE
    assert told > 20
