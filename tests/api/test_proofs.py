"""The log over HTTP: its signed head, proofs, raw entries, its key; and who read what, which is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detector.api.access import COLLAPSED_SECONDS, LONGEST_SUBJECT
from detector.api.proofs import MOST_BYTES
from detector.engine.records import Accessed, Compacted, KeyRotated
from detector.proof import Checkpoint, Growth, Inclusion, Note, ProofRefused, Tree, Verifier, entry_bytes, leaf_hash
from detector.sources import native
from detector.store import LogReader, SqliteLog
from tests.api.conftest import GRANT, House, issuance

LOG = "/v1/log"


@pytest.fixture
def disk(make_house: Callable[..., House], tmp_path: Path) -> House:
    """A house over a log on the disk."""
    return make_house(log=SqliteLog(tmp_path / "log"))


def key_of(house: House) -> Verifier:
    """The key that signs now."""
    return LogReader(house.log._directory).verifiers()[-1]


def accessed(house: House) -> list[tuple[str, str, str, int]]:
    """Every reading that is on record."""
    house.log.flush()
    records = [entry.record for entry in house.log.read() if isinstance(entry.record, Accessed)]
    return [(record.view, record.subject, record.by, record.collapsed) for record in records]


def test_the_signed_head_is_text_that_others_read(disk: House) -> None:
    """A C2SP checkpoint, signed by the log's key, as soon as there is one."""
    assert disk.score().status_code == 200
    assert disk.log._sealer.wait_for(2, 10)
    answer = disk.ask("GET", f"{LOG}/checkpoint", role="auditor")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    note = Note.parse(answer.content)
    assert note.signers([key_of(disk)])
    assert Checkpoint.of(note).size == 2


def test_before_the_first_entry_is_signed_there_is_no_head(
    make_house: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is said, not an empty answer."""
    monkeypatch.setattr("detector.store.sealing.SEAL_SECONDS", 60.0)
    log = SqliteLog(tmp_path / "log")
    log._sealer._due = time.monotonic() + 60.0
    house = make_house(log=log)
    answer = house.ask("GET", f"{LOG}/checkpoint", role="auditor")
    assert answer.status_code == 404
    assert "no checkpoint is signed yet" in answer.json()["detail"]


def test_a_decision_made_just_now_is_proven(disk: House) -> None:
    """The answer waits for the checkpoint, and is all that whoever checks it needs."""
    decision = disk.score().json()["decision_id"]
    answer = disk.ask("GET", f"{LOG}/proof/{decision}", role="auditor")
    assert answer.status_code == 200
    found = Inclusion.parse(answer.content)
    assert found.checked([key_of(disk)]).size >= found.position
    assert found.id == decision
    assert disk.ask("GET", f"{LOG}/proof/d-none", role="auditor").status_code == 404


def test_a_log_grew_out_of_the_one_whose_checkpoint_was_kept(disk: House) -> None:
    """Without reading an entry: whoever keeps checkpoints sees that none was taken back."""
    kept: list[Checkpoint] = []
    for number in range(3):
        disk.ask("POST", "/v1/events", json=[issuance(3 * number + more) for more in range(3)])
        assert disk.log._sealer.wait_for(disk.engine.position, 10)
        kept.append(Checkpoint.of(Note.parse(disk.ask("GET", f"{LOG}/checkpoint", role="auditor").content)))
    for before in kept:
        answer = disk.ask("GET", f"{LOG}/growth?since={before.size}", role="auditor")
        found = msgspec.json.decode(answer.content, type=Growth)
        assert found.checked([key_of(disk)], before) == kept[-1]
        for other in (
            Checkpoint(before.origin, before.size, bytes(32)),
            Checkpoint(before.origin, before.size + 1, before.root),
            Checkpoint("another", before.size, before.root),
        ):
            with pytest.raises(ProofRefused):
                found.checked([key_of(disk)], other)
    assert disk.ask("GET", f"{LOG}/growth?since=999", role="auditor").status_code == 404
    for query in ("", "?since=0", "?since=x"):
        assert disk.ask("GET", f"{LOG}/growth{query}", role="auditor").status_code == 422


def test_raw_entries_come_by_the_page_and_give_the_signed_root(disk: House) -> None:
    """Whoever copies them all can compute the log's root himself."""
    for number in range(25):
        disk.ask("POST", "/v1/events", json=[issuance(number)])
    assert disk.log._sealer.wait_for(26, 10)
    head = Checkpoint.of(Note.parse(disk.ask("GET", f"{LOG}/checkpoint", role="auditor").content))
    leaves: list[bytes] = []
    while len(leaves) < head.size:
        answer = disk.ask("GET", f"{LOG}/entries", role="auditor", params={"after": len(leaves), "limit": 10})
        entries = answer.json()["entries"]
        assert [entry["position"] for entry in entries] == list(range(len(leaves) + 1, len(leaves) + len(entries) + 1))
        for entry in entries:
            columns = (entry["position"], entry["stamp"], entry["kind"], entry["id"], entry["body"].encode())
            leaves.append(leaf_hash(entry_bytes(*columns)))
    tree = Tree()
    tree.extend(leaves[: head.size])
    assert tree.root() == head.root


@pytest.mark.parametrize("query", ["after=-1", "limit=0", "limit=1001", "after=x", "after=99999999999999999999"])
def test_a_page_that_cannot_be_is_a_422_that_names_the_field(disk: House, query: str) -> None:
    """As any other bad request."""
    answer = disk.ask("GET", f"{LOG}/entries?{query}", role="auditor")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.text


def test_an_answer_with_entries_is_bounded(disk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """By bytes too: large bodies come fewer at a time, and one at least."""
    assert MOST_BYTES >= 1_048_576
    for number in range(5):
        disk.ask("POST", "/v1/events", json=[issuance(number)])
    monkeypatch.setattr("detector.api.proofs.MOST_BYTES", 1_500)
    assert len(disk.ask("GET", f"{LOG}/entries", role="auditor").json()["entries"]) == 1


def test_what_is_forgotten_is_410_with_the_reason(disk: House) -> None:
    """A decision that the engine still remembers, its proof, raw entries, an outcome: all gone, and why."""
    decision = disk.score().json()["decision_id"]
    for number in range(300):
        disk.engine.observe(native.decode(issuance(number))[0])
    disk.log.flush()
    disk.engine.keep_house(Compacted(before=256, state_digest="", root="", by="anna")).result(timeout=10)
    assert disk.log.forget(256) == 255
    for method, path, more in (
        ("GET", f"/v1/decisions/{decision}", {}),
        ("GET", f"{LOG}/proof/{decision}", {}),
        ("GET", f"{LOG}/entries?after=3", {}),
        ("POST", f"/v1/decisions/{decision}/outcome", {"json": {"outcome": "approved", "by": "x"}}),
    ):
        answer = disk.ask(method, path, role="operator", **more)
        assert answer.status_code == 410, path
        assert "forgotten" in answer.json()["detail"]
    assert disk.ask("GET", f"{LOG}/entries?after=256", role="auditor").json()["entries"][0]["position"] == 257


def test_an_operator_changes_the_key(disk: House) -> None:
    """The new one is given, in force, named by the old one, and on record with who wanted it."""
    disk.score()
    old = key_of(disk)
    answer = disk.ask("POST", f"{LOG}/rotate-key", role="operator").json()
    assert answer["recorded"] is True
    assert key_of(disk).text() == answer["verifier_key"] != old.text()
    [record] = [entry.record for entry in disk.log.read() if isinstance(entry.record, KeyRotated)]
    assert (record.old, record.new, record.by) == (old.text(), answer["verifier_key"], "operator")


def test_a_disk_that_refuses_a_new_key_is_503(disk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old key goes on."""

    def refuse(*_: object) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("detector.store.keys.make_next_signer", refuse)
    answer = disk.ask("POST", f"{LOG}/rotate-key", role="operator")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("path", ["checkpoint", "proof/d-1", "growth?since=1", "entries"])
def test_a_log_in_memory_has_no_tree(house: House, path: str) -> None:
    """That is a 404 which says so."""
    answer = house.ask("GET", f"{LOG}/{path}", role="auditor")
    assert answer.status_code == 404
    assert "in memory" in answer.json()["detail"]


# --- who read what ----------------------------------------------------------------------------------------------


def test_every_sensitive_view_that_is_read_is_on_record(disk: House) -> None:
    """Who, what, of whom; what was refused or not found was not read."""
    disk.live(1)
    decision = disk.score().json()["decision_id"]
    disk.ask("GET", f"/v1/decisions/{decision}", role="analyst")
    disk.ask("GET", f"/v1/requesters/{GRANT['requester']}", role="operator")
    disk.ask("GET", f"/v1/issuers/{GRANT['issuer']}", role="analyst")
    disk.ask("GET", f"{LOG}/proof/{decision}", role="analyst")
    disk.ask("GET", f"{LOG}/entries", role="auditor")
    disk.ask("GET", f"/v1/decisions/{decision}", role="broker")
    disk.ask("GET", "/v1/decisions/d-none", role="analyst")
    disk.ask("GET", "/v1/requesters/nobody", role="analyst")
    disk.ask("GET", f"{LOG}/entries", role="analyst")
    assert accessed(disk) == [
        ("decision", decision, "analyst", 0),
        ("requester", GRANT["requester"], "operator", 0),
        ("issuer", GRANT["issuer"], "analyst", 0),
        ("proof", decision, "analyst", 0),
        ("entries", "", "auditor", 0),
    ]


def test_a_polling_dashboard_is_one_record_every_ten_minutes(disk: House) -> None:
    """What is not recorded of its own is counted in the next; another subject and another caller are others."""
    disk.ask("POST", "/v1/events", json=[issuance(1)])
    path = f"/v1/requesters/{GRANT['requester']}"
    for _ in range(30):
        disk.ask("GET", path, role="analyst")
    disk.ask("GET", path, role="operator")
    assert [(by, collapsed) for _, _, by, collapsed in accessed(disk)] == [("analyst", 0), ("operator", 0)]
    disk.clock.now += COLLAPSED_SECONDS
    disk.ask("GET", path, role="analyst")
    disk.ask("GET", path, role="analyst")
    assert [(by, collapsed) for _, _, by, collapsed in accessed(disk)][2:] == [("analyst", 29)]


def test_what_cannot_be_recorded_is_not_shown(disk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that takes no more takes no reading either: 503, and nothing of what was asked for."""
    from detector.engine.ports import LogUnavailable

    decision = disk.score().json()["decision_id"]

    def refuse(*_: object) -> Any:
        raise LogUnavailable("the queue is full")

    monkeypatch.setattr(disk.log, "append", refuse)
    answer = disk.ask("GET", f"/v1/decisions/{decision}", role="analyst")
    assert answer.status_code == 503
    assert GRANT["requester"] not in answer.text


def test_readings_change_no_answer(disk: House, make_house: Callable[..., House]) -> None:
    """Looked at between, the same requests are answered alike."""
    unseen = make_house()
    answers = []
    for house in (disk, unseen):
        house.live(2)
        told = []
        for number in range(3):
            body = {**GRANT, "id": f"a{number}", "privilege": "admin", "source": {"ip": "185.220.101.47"}}
            told.append({name: house.score(body).json()[name] for name in ("verdict", "evidence", "risk")})
            if house is disk:
                house.ask("GET", f"/v1/requesters/{GRANT['requester']}", role="analyst")
                house.clock.now += COLLAPSED_SECONDS
            else:
                house.clock.now += COLLAPSED_SECONDS
        answers.append(told)
    assert answers[0] == answers[1]
    assert len(accessed(disk)) == 3


def test_a_long_subject_is_cut(disk: House) -> None:
    """What callers choose does not bloat the log."""
    name = "n" * 1_500
    disk.ask("POST", "/v1/events", json=[issuance(1, requester=name)])
    assert disk.ask("GET", f"/v1/requesters/{name}", role="analyst").status_code == 200
    assert [len(subject) for _, subject, _, _ in accessed(disk)] == [LONGEST_SUBJECT]
