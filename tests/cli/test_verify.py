"""`assayer verify` and `assayer log`: proofs that a person can make, keep, hand on and check."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from detector.engine.records import KeyRotated
from detector.store import LogReader
from detector.store.schema import LOG_NAME
from detector.wiring.compose import EventClock, embedded
from detector.wiring.files import load
from tests.cli import organisation
from tests.cli.conftest import Assayer
from tests.cli.test_serve import score, served, url_in

DATA = Path("data")


@pytest.fixture
def decision(tmp_path: Path) -> str:
    """A log with a history, and the id of a decision at its end."""
    clock = EventClock()
    settings = load(None, environment={}, overrides={"server": {"data": tmp_path / "data"}})
    store = embedded(settings, warn=pytest.fail, clock=clock)
    for event in organisation.history():
        clock.see(event.time)
        store.engine.observe(event)
    theft = organisation.thief(1, time=organisation.START + 300 * organisation.HOUR)
    clock.see(theft.time)
    made = store.engine.ask(theft, trusted=True).decision.decision
    store.close()
    return made


def edit(statement: str) -> None:
    """Somebody changes the log behind the writer's back."""
    with closing(sqlite3.connect(DATA / LOG_NAME, isolation_level=None)) as connection:
        connection.execute(statement)


def test_a_whole_log_verifies(assayer: Assayer, decision: str) -> None:
    """Every entry, every checkpoint, every decision; the key that signed is named."""
    said = assayer("verify", "--data", DATA)
    assert said.status == 0
    assert said.err == ""
    head = LogReader(DATA).head()
    assert f"entries      1 to {head:,}, as they were written" in said.out
    assert "replayed     " in said.out
    assert "all to the same evidence" in said.out
    key = assayer("log", "key", "--data", DATA).out.strip()
    assert f"signed by    {key}" in said.out
    assert assayer("verify", "--data", DATA, "--key", key, "--checkpoint", DATA / "checkpoint").status == 0
    assert "replayed" not in assayer("verify", "--data", DATA, "--no-replay").out


def test_a_log_verifies_in_another_process_and_on_a_directory_that_only_reads(assayer: Assayer, decision: str) -> None:
    """A copy that nobody may write, read by a fresh process: what another machine would see."""
    copy = Path(shutil.copytree(DATA, "copy"))
    for path in copy.iterdir():
        path.chmod(0o400)
    copy.chmod(0o500)
    command = [sys.executable, "-m", "detector", "verify", "--data", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "all to the same evidence" in done.stdout
    copy.chmod(0o700)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE entries SET stamp = stamp + 0.001 WHERE position = 9", "entry 9 is not as it was written"),
        ("DELETE FROM entries WHERE position = 700", "entry 700 is missing"),
        ("DELETE FROM entries WHERE position > 700", "entry 701 is missing, and all after it"),
    ],
)
def test_whatever_was_done_to_it_is_named(assayer: Assayer, decision: str, statement: str, told: str) -> None:
    """On standard error, with the position; the exit status is 1 and nothing is called sound."""
    edit(statement)
    said = assayer("verify", "--data", DATA)
    assert said.status == 1
    assert said.err.startswith(f"assayer: {told}")
    assert "the log is not what it was: 1 finding" in said.err
    assert said.out == ""


def test_a_record_that_was_written_otherwise_than_decided_is_named(assayer: Assayer, tmp_path: Path) -> None:
    """A writer with the key that logs another verdict than its own code comes to: signed, whole, and found."""
    settings = load(None, environment={}, overrides={"server": {"data": tmp_path / "data"}})
    store = embedded(settings, warn=pytest.fail)
    made = store.engine.ask(organisation.request(1, time=1.8e9), trusted=True).decision
    forged = msgspec.structs.replace(made, decision="d-forged", requester="somebody/else")
    store.log.append(2e9, forged).result()
    store.engine.close()
    said = assayer("verify", "--data", DATA)
    assert said.status == 1
    assert "entry 3 comes to something else: requester was somebody/else" in said.err
    assert assayer("verify", "--data", DATA, "--no-replay").status == 0


def test_a_cut_with_its_checkpoints_needs_one_from_elsewhere(assayer: Assayer, decision: str, tmp_path: Path) -> None:
    """An older copy verifies by itself; the checkpoint that was kept tells that there was more."""
    older = Path(shutil.copytree(DATA, tmp_path / "older"))
    assert assayer("log", "rotate-key", "--data", DATA).status == 0
    kept = shutil.copy(DATA / "checkpoint", tmp_path / "kept")
    assert assayer("verify", "--data", older).status == 0
    said = assayer("verify", "--data", older, "--checkpoint", kept)
    assert said.status == 1
    assert assayer("verify", "--data", DATA, "--checkpoint", older / "checkpoint").status == 0


def test_another_logs_key_and_checkpoint_are_not_this_ones(assayer: Assayer, decision: str, tmp_path: Path) -> None:
    """Both are told for what they are."""
    other = tmp_path / "other"
    embedded(load(None, environment={}, overrides={"server": {"data": other}}), warn=pytest.fail).close()
    key = assayer("log", "key", "--data", other).out.strip()
    said = assayer("verify", "--data", DATA, "--key", key)
    assert (said.status, "no checkpoint is signed by the key" in said.err) == (1, True)
    said = assayer("verify", "--data", DATA, "--checkpoint", other / "checkpoint")
    assert (said.status, "no key that is known here" in said.err) == (1, True)


def test_a_decision_is_proven_to_whoever_has_the_key(assayer: Assayer, decision: str) -> None:
    """The proof is a document; it is checked without the log, also after the log went on with another key."""
    key = assayer("log", "key", "--data", DATA).out.strip()
    proof = assayer("verify", "--data", DATA, "--decision", decision)
    assert proof.status == 0
    Path("proof.json").write_text(proof.out)
    assert json.loads(json.loads(proof.out)["body"])["decision"] == decision
    assayer("log", "rotate-key", "--data", DATA)
    shutil.rmtree(DATA)
    said = assayer("verify", "--proof", "proof.json", "--key", key)
    assert said.status == 0
    assert f"(decided {decision}) is in the log assayer.local/" in said.out
    assert "hold this key against" not in said.out
    assert "hold this key against" in assayer("verify", "--proof", "proof.json").out


def test_a_proof_that_was_changed_is_refused(assayer: Assayer, decision: str) -> None:
    """Another verdict under the same proof, another key, and what is no proof at all."""
    proof = assayer("verify", "--data", DATA, "--decision", decision).out
    Path("forged.json").write_text(proof.replace('\\"answer\\":\\"step_up\\"', '\\"answer\\":\\"allow\\"'))
    Path("none.json").write_text("[]")
    said = assayer("verify", "--proof", "forged.json")
    assert (said.status, "is not as the log of" in said.err) == (1, True)
    assert assayer("verify", "--proof", "none.json").status == 1
    assert assayer("verify", "--proof", "nowhere.json").status == 1
    Path("proof.json").write_text(proof)
    another = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert "no key that is known here" in assayer("verify", "--proof", "proof.json", "--key", another).err


def test_what_cannot_be_done_is_said_in_a_line(assayer: Assayer, decision: str) -> None:
    """No such decision, no log, no key, two things at once."""
    assert "holds no decision 'd-none'" in assayer("verify", "--data", DATA, "--decision", "d-none").err
    assert "no log here" in assayer("verify", "--data", "nowhere").err
    assert "no log here" in assayer("log", "key", "--data", "nowhere").err
    assert assayer("verify", "--key", "nonsense").status == 2
    assert assayer("verify", "--decision", "d-1", "--proof", "x").status == 2
    Path("garbage").write_bytes(b"\xff")
    assert "not UTF-8" in assayer("verify", "--data", DATA, "--checkpoint", "garbage").err
    assert assayer("log", "compact", "--data", DATA, "--keep", "soon").status == 2


def test_forgetting_from_the_command_line(assayer: Assayer, decision: str) -> None:
    """What goes is said; verifying goes on from what it came to; explaining it says why there is nothing."""
    assert "forgotten: entries up to 512" in assayer("log", "compact", "--data", DATA, "--keep", "4d").out
    assert assayer("log", "compact", "--data", DATA, "--keep", "900w").out == "nothing is old enough to be forgotten\n"
    said = assayer("verify", "--data", DATA)
    assert said.status == 0
    assert "entries      513 to " in said.out
    gone = assayer("explain", "d-0000000003-1a2b3c4d5e6f70", "--data", DATA)
    assert (gone.status, "is forgotten: the log was compacted" in gone.err) == (1, True)


@pytest.mark.process
def test_beside_a_running_server(assayer: Assayer) -> None:
    """Verifying only reads; a new key goes through the server; forgetting is the server's own work."""
    with served() as (process, line):
        decision = str(score(url_in(line))["decision_id"])
        said = assayer("verify", "--data", DATA)
        assert said.status == 0, said.err
        operator = assayer("token", "create", "--role", "operator", "--data", DATA).out.strip()
        Path("token").write_text(operator)
        time.sleep(1.1)  # the server looks at its tokens once a second
        rotated = assayer("log", "rotate-key", "--data", DATA, "--token-file", "token")
        assert rotated.status == 0, rotated.err
        assert rotated.out.strip() == assayer("log", "key", "--data", DATA).out.splitlines()[-1]
        assert "a server runs on" in assayer("log", "compact", "--data", DATA, "--keep", "1d").err
        process.terminate()
        process.wait(timeout=20)
    assert assayer("verify", "--data", DATA).status == 0
    assert assayer("verify", "--data", DATA, "--decision", decision).status == 0
    records = [entry.record for entry in LogReader(DATA).read()]
    assert [record.by for record in records if isinstance(record, KeyRotated)] == ["operator"]


@pytest.mark.process
def test_a_server_forgets_by_itself(assayer: Assayer, decision: str) -> None:
    """With days set, what is older goes soon after the start, by the log's own clock; answers go on."""
    Path("config.toml").write_text("[retention]\ndays = 4\n")
    with served("--config", "config.toml") as (process, line):
        url = url_in(line)
        score(url)
        for _ in range(100):
            if LogReader(DATA).base() is not None:
                break
            score(url)
            time.sleep(0.1)
        process.terminate()
        process.wait(timeout=30)
    said = assayer("verify", "--data", DATA)
    assert said.status == 0, said.err
    assert "those before are forgotten" in said.out
