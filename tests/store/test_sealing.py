"""The log's head is signed once a second while it grows and when it rests; the key that signs can be changed."""

from __future__ import annotations

import json
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest

from detector.engine.ports import LogUnavailable
from detector.engine.records import KeyRotated
from detector.proof import Checkpoint, Inclusion, Note, NoteRefused, ProofRefused, Signer, Tree, Verifier
from detector.store import EntriesForgotten, LogReader, SqliteLog, keys, tree
from detector.store.audit import Audit
from detector.store.keys import NEXT_SIGNER_NAME, SIGNER_NAME
from detector.store.sealing import HOUR
from tests.contracts.some_records import decision, outcome
from tests.store.logs import WAIT, audited, hand, written


def published(directory: Path) -> Checkpoint:
    """What the file beside the log says."""
    return Checkpoint.of(Note.parse((directory / "checkpoint").read_bytes()))


def stored(directory: Path) -> list[tree.Sealed]:
    """The checkpoints in the log."""
    with closing(LogReader(directory).connect()) as connection:
        return list(tree.sealed(connection))


def test_an_entry_is_under_a_signed_checkpoint_within_seconds(tmp_path: Path) -> None:
    """Nobody has to close the log or append more; log, file and the running log's own word agree."""
    with closing(SqliteLog(tmp_path)) as log:
        log.append(1.0, outcome(1)).result(timeout=WAIT)
        assert log._sealer.wait_for(1, WAIT)
        newest = log.checkpoint()
        assert newest is not None
        [verifier] = LogReader(tmp_path).verifiers()
        assert Note.parse(newest).signers([verifier]) == (verifier,)
        assert LogReader(tmp_path).checkpoint() == newest
        grown = Tree()
        grown.extend([log.entries(0, 1)[0].leaf()])
        assert Checkpoint.of(Note.parse(newest)) == Checkpoint(verifier.name, 1, grown.root())
    assert (tmp_path / "checkpoint").read_bytes() == newest
    assert stat.S_IMODE((tmp_path / SIGNER_NAME).stat().st_mode) == 0o600


def test_a_busy_log_is_signed_once_a_second_and_a_resting_one_no_more(tmp_path: Path) -> None:
    """A checkpoint costs a commit: thousands of entries share one, and nothing new is nothing to sign."""
    with closing(SqliteLog(tmp_path)) as log:
        signed, until, number = set(), time.monotonic() + 2.5, 0
        while time.monotonic() < until:
            number += 1
            log.append(float(number), outcome(number)).result(timeout=WAIT)
            signed.add(log.checkpoint())
        assert 2 <= len(signed - {None}) <= 4
        assert log._sealer.wait_for(number, WAIT)
        newest = log.checkpoint()
        time.sleep(1.2)
        assert log.checkpoint() == newest


def test_of_an_hour_the_last_checkpoint_is_kept(tmp_path: Path) -> None:
    """A year of them is some megabytes; by the log's own clock, whoever's it is."""
    with closing(SqliteLog(tmp_path)) as log:
        for number, stamp in enumerate((1.0, 2.0, HOUR + 1.0, HOUR + 2.0), start=1):
            log.append(stamp, outcome(number)).result(timeout=WAIT)
            assert log._sealer.wait_for(number, WAIT)
    assert [(one.number, one.checkpoint.size) for one in stored(tmp_path)] == [(1, 2), (2, 4)]
    assert audited(tmp_path)[1] == []


def test_closing_signs_what_is_left(tmp_path: Path) -> None:
    """A closed log has no entry that is not under a signature."""
    written(tmp_path, 1_500)
    assert stored(tmp_path)[-1].checkpoint.size == 1_500
    assert published(tmp_path).size == 1_500


def test_a_disk_that_refuses_a_checkpoint_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries go on becoming durable; the head is signed when there is room."""
    with closing(SqliteLog(tmp_path)) as log:
        with monkeypatch.context() as full:

            def refuse(*_: object) -> None:
                raise sqlite3.OperationalError("database or disk is full")

            full.setattr("detector.store.sealing._write", refuse)
            log.append(1.0, outcome(1)).result(timeout=WAIT)
            assert not log._sealer.wait_for(1, 1.3)
            log.append(2.0, outcome(2)).result(timeout=WAIT)
        assert log._sealer.wait_for(2, WAIT)
    assert audited(tmp_path)[1] == []


def test_a_directory_that_takes_no_file_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint is in the log all the same."""
    said: list[str] = []

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with closing(SqliteLog(tmp_path, warn=said.append)) as log:
        monkeypatch.setattr("detector.store.publishing.replace_private", refuse)
        for number in (1, 2):
            log.append(1.0, outcome(number)).result(timeout=WAIT)
            assert log._sealer.wait_for(number, WAIT)
    assert len(said) == 1
    assert "No space left on device" in said[0]
    assert stored(tmp_path)[-1].checkpoint.size == 2


def test_a_log_without_any_checkpoint_is_signed_from_its_rows(tmp_path: Path) -> None:
    """A kill before the first one, or a table that was emptied: the tree is made of the entries."""
    directory = written(tmp_path, 600)
    with hand(directory) as connection:
        for table in ("checkpoints", "tiles"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 ours
    written(directory, 10, first=601)
    assert stored(directory)[-1].checkpoint.size == 610
    assert audited(directory)[1] == []


# --- keys -----------------------------------------------------------------------------------------------------


def rotated(directory: Path) -> tuple[str, str]:
    """Change the key once, with its record; gives the old and the new one."""
    with closing(SqliteLog(directory)) as log:
        size, old, new = log.rotate_key()
        log.append(1e10, KeyRotated(size=size, old=old, new=new, by="anna")).result(timeout=WAIT)
    return old, new


def test_a_new_key_is_named_by_the_old_one(tmp_path: Path) -> None:
    """Both sign the checkpoint that names it; whoever knows any of the keys can follow, and the old one is gone."""
    directory = written(tmp_path, 10)
    first, second = rotated(directory)
    written(directory, 10, first=12)
    assert rotated(directory)[0] == second
    third = LogReader(directory).verifiers()[-1]
    assert [key.text() for key in LogReader(directory).verifiers()] == [first, second, third.text()]
    for key in (None, Verifier.parse(first), Verifier.parse(second), third):
        assert audited(directory, key=key)[1] == []
    both = [one for one in stored(directory) if one.checkpoint.next_key() is not None]
    assert both[0].note.signers([Verifier.parse(first), Verifier.parse(second)])[1].text() == second
    assert Signer.parse((directory / SIGNER_NAME).read_text().strip()).verifier == third


def test_a_rotation_without_its_signatures_is_found(tmp_path: Path) -> None:
    """A history that was taken out, one that was made up, and one that only a record tells of."""
    directory = written(tmp_path, 10)
    rotated(directory)
    written(directory, 10, first=12)
    with hand(directory) as connection:
        rows = connection.execute("SELECT number, note FROM checkpoints").fetchall()
        number = next(number for number, note in rows if b"next-key" in note)
        connection.execute("DELETE FROM checkpoints WHERE number <= ?", (number,))
        connection.execute("UPDATE checkpoints SET number = number - ?", (number,))
        connection.execute("DELETE FROM signers WHERE since = 1")
        connection.execute("UPDATE signers SET since = 1")
    found = [discrepancy.words() for discrepancy in audited(directory)[1]]
    assert found == ["entry 11 tells of a change of keys that the checkpoints do not know"]


def test_a_rotation_that_was_interrupted_is_finished_or_forgotten(tmp_path: Path) -> None:
    """Before the old key has named it, a new key never signs; afterwards no other does."""
    directory = written(tmp_path, 10)
    keys.make_next_signer(directory, LogReader(directory).verifiers()[0].name)
    written(directory, 1, first=11)
    assert not (directory / NEXT_SIGNER_NAME).exists()
    assert len(LogReader(directory).verifiers()) == 1
    old = (directory / SIGNER_NAME).read_bytes()
    _, new = rotated(directory)
    (directory / SIGNER_NAME).replace(directory / NEXT_SIGNER_NAME)
    (directory / SIGNER_NAME).write_bytes(old)
    (directory / SIGNER_NAME).chmod(0o600)
    written(directory, 1, first=13)
    assert audited(directory)[1] == []
    assert Signer.parse((directory / SIGNER_NAME).read_text().strip()).verifier.text() == new


def test_a_disk_that_refuses_a_rotation_leaves_the_old_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is told, and nothing has changed."""
    with closing(SqliteLog(tmp_path)) as log:
        log.append(1.0, outcome(1)).result(timeout=WAIT)
        with monkeypatch.context() as full:

            def refuse(*_: object) -> None:
                raise sqlite3.OperationalError("database or disk is full")

            full.setattr("detector.store.sealing._write", refuse)
            with pytest.raises(sqlite3.OperationalError):
                log.rotate_key()
        log.append(2.0, outcome(2)).result(timeout=WAIT)
    assert len(LogReader(tmp_path).verifiers()) == 1
    assert audited(tmp_path)[1] == []


def test_a_key_that_everybody_may_read_is_warned_of_and_goes_on(tmp_path: Path) -> None:
    """Another key that the old one did not name would look like a forgery."""
    written(tmp_path, 5)
    (tmp_path / SIGNER_NAME).chmod(0o644)
    said: list[str] = []
    with closing(SqliteLog(tmp_path, warn=said.append)) as log:
        log.append(2e9, outcome(6))
    assert "everybody may read this key" in said[0]
    assert audited(tmp_path)[1] == []


@pytest.mark.parametrize("content", ["", "nonsense", Signer("another.log", bytes(32)).text()])
def test_a_key_that_is_none_of_this_log_is_replaced_with_a_warning(tmp_path: Path, content: str) -> None:
    """The log goes on; every audit tells of the change."""
    written(tmp_path, 5)
    (tmp_path / SIGNER_NAME).write_text(content)
    said: list[str] = []
    with closing(SqliteLog(tmp_path, warn=said.append)) as log:
        log.append(2e9, outcome(6))
    assert "making a new one" in said[0]
    assert any("did not name" in discrepancy.what for discrepancy in audited(tmp_path)[1])


# --- proofs ---------------------------------------------------------------------------------------------------


def test_a_decision_is_proven_to_be_in_the_log(tmp_path: Path) -> None:
    """The document is all that whoever checks it needs, beside the key; it holds also when the log has gone on."""
    directory = written(tmp_path, 700)
    [key] = LogReader(directory).verifiers()
    proofs = [LogReader(directory).prove(f"d{number}").encoded() for number in (1, 256, 257, 699)]
    written(directory, 400, first=701)
    for document in proofs:
        found = Inclusion.parse(document)
        assert found.checked([key]).size == 700
        assert json.loads(found.body)["decision"] == found.id


def test_a_proof_that_was_changed_anywhere_proves_nothing(tmp_path: Path) -> None:
    """Every field of the document is part of what is proven, but for the key, which is the reader's to know."""
    directory = written(tmp_path, 300)
    [key] = LogReader(directory).verifiers()
    found = LogReader(directory).prove("d7")
    document = json.loads(found.encoded())
    changes = {
        "format": "assayer-inclusion-9",
        "position": 8,
        "stamp": 1.0,
        "kind": "observed",
        "id": "d8",
        "body": document["body"].replace("allow", "deny"),
        "path": document["path"][:-1],
        "checkpoint": document["checkpoint"].replace("\n300\n", "\n299\n"),
    }
    for name, value in changes.items():
        with pytest.raises((ProofRefused, NoteRefused)):
            Inclusion.parse(json.dumps(document | {name: value}).encode()).checked([key])
    with pytest.raises(NoteRefused, match="no key that is known"):
        found.checked([Signer(key.name, bytes(32)).verifier])
    for nonsense in (b"", b"{}", b"[]", b"\xff", json.dumps(document | {"position": 2**70}).encode()):
        with pytest.raises(ProofRefused):
            Inclusion.parse(nonsense).checked([key])
    for wrong in ({"position": 2**63}, {"path": ["AAAA"] * 9}, {"path": ["x"]}, {"path": ["A" * 44] * 99}):
        with pytest.raises(ProofRefused):
            Inclusion.parse(json.dumps(document | wrong).encode()).checked([key])


def test_what_is_not_under_a_checkpoint_cannot_be_proven(tmp_path: Path) -> None:
    """An unknown decision, and one that was made just now, until its checkpoint comes: a running log waits for it."""
    with closing(SqliteLog(tmp_path)) as log:
        with pytest.raises(KeyError):
            log.prove("d1")
        log.append(1.0, decision(1)).result(timeout=WAIT)
        assert log.prove("d1").position == 1
        with pytest.raises(KeyError):
            log.prove("d2", patience=0.0)


def test_an_errand_that_fails_is_told_to_who_sent_it(tmp_path: Path) -> None:
    """And the log goes on."""
    with closing(SqliteLog(tmp_path)) as log:
        done = log._writer.run(lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            done.result(timeout=WAIT)
        assert log.append(1.0, outcome(1)).result(timeout=WAIT) == 1


def test_an_errand_to_a_closed_log_is_refused_at_once(tmp_path: Path) -> None:
    """Whoever forgets, or changes the key, while the log closes must not wait for ever."""
    log = SqliteLog(tmp_path)
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        log.forget(256)
    with pytest.raises(LogUnavailable, match="closed"):
        log.rotate_key()


def test_raw_entries_are_given_by_the_page(tmp_path: Path) -> None:
    """As they lie there, each with the hash that stands for it in the tree."""
    directory = written(tmp_path, 30)
    rows = LogReader(directory).entries(10, 5)
    assert [row.position for row in rows] == [11, 12, 13, 14, 15]
    assert json.loads(rows[0].body)["type"] == rows[0].kind
    assert LogReader(directory).entries(30, 5) == []
    assert EntriesForgotten(7).before == 7
    assert Audit(directory).covered == 30
