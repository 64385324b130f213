"""The deny list in a file: a broker that is started again while no sidecar answers still blocks what was known."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from detector.client.denylist import DenyList, read
from detector.client.keeping import keep, kept
from tests.client.conftest import Make, Skipping
from tests.client.sidecars import REQUEST, RULE, Sidecar, says, sidecar, telling

DEAD = "http://127.0.0.1:9"
AMPLE = 20.0


def one(**more: Any) -> DenyList:
    """A list with a rule on it, told at 100."""
    return DenyList().taking(read(json.dumps(telling(RULE, **more)).encode()), now=100.0)


def test_a_restarted_broker_with_a_dead_sidecar_still_blocks_what_was_known(
    broker: Make, beside: Sidecar, tmp_path: Path
) -> None:
    """The next process has never heard a sidecar, and denies by the file; everything else follows its choice."""
    file, clocks = tmp_path / "deny.json", Skipping()
    beside.lists = says(telling(RULE))
    first = broker(beside.url, deny_list_file=file, timeout=AMPLE)
    assert first.refresh()
    clocks.skip(3_600.0)
    second = broker(DEAD, deny_list_file=str(file), clocks=clocks.clocks, timeout=AMPLE)
    assert second.ask(REQUEST).source == "deny_list"
    assert second.ask({**REQUEST, "requester": "somebody else"}).source == "fail_open"
    listed = second.health().deny_list
    assert (listed.rules, listed.position, listed.stale) == (1, 7, True)
    assert 3_600 <= listed.age < 3_700


def test_a_file_holds_all_that_is_known(tmp_path: Path) -> None:
    """Rules, position, kill switch, modes, and how names fold; an older one gives way to it."""
    file = tmp_path / "deny.json"
    for known in (one(), one(kill_switch=True, position=9, modes={"general": "shadow", "issuers": {"v": "observe"}})):
        keep(file, known)
        back = kept(file)
        assert (back.told, back.telling()) == (100.0, known.telling())
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Written with 0600 whatever the umask; it names requesters."""
    before = os.umask(0)
    try:
        keep(tmp_path / "deny.json", one())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "deny.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("how", ["readable", "a link", "a folder", "a pipe", "cut short", "another version", "deep"])
def test_a_file_that_is_not_to_be_believed_is_not(broker: Make, tmp_path: Path, how: str) -> None:
    """Whoever could write it could unblock, or block: the client goes on without, and says why."""
    file = tmp_path / "deny.json"
    keep(file, one())
    if how == "readable":
        file.chmod(0o640)
    elif how == "a link":
        file.rename(tmp_path / "real.json")
        file.symlink_to(tmp_path / "real.json")
    elif how == "a folder":
        file.unlink()
        file.mkdir()
    elif how == "a pipe":
        file.unlink()
        os.mkfifo(file, 0o600)
    elif how == "cut short":
        os.truncate(file, 100)
    elif how == "deep":
        file.write_bytes(b"[" * 100_000)
    else:
        file.write_text(file.read_text("utf-8").replace('"version":1', '"version":2'), "utf-8")
    happened: list[tuple[str, str]] = []
    client = broker(
        DEAD,
        deny_list_file=file,
        timeout=AMPLE,
        on_event=lambda event: happened.append((event.happening, event.word)),
    )
    assert client.health().deny_list.trouble is not None
    assert str(file) in client.health().deny_list.trouble
    assert client.health().deny_list.rules == 0
    assert ("trouble", "deny_list_file") in happened
    assert client.ask(REQUEST).source == "fail_open"


def test_a_disk_that_takes_no_more_costs_no_answer(broker: Make, tmp_path: Path) -> None:
    """The list is known all the same; that it is not kept shows."""
    with sidecar(lists=says(telling(RULE))) as beside:
        client = broker(beside.url, deny_list_file=tmp_path / "gone" / "deny.json", timeout=AMPLE)
        assert client.refresh()
        listed = client.health().deny_list
        assert listed.rules == 1
        assert "No such file" in listed.trouble
        (tmp_path / "gone").mkdir()
        beside.lists = says(telling(RULE, position=8))
        assert client.refresh()
        assert client.health().deny_list.trouble is None
        assert kept(tmp_path / "gone" / "deny.json").position == 8


def test_a_list_that_is_only_confirmed_is_written_now_and_then(broker: Make, beside: Sidecar, tmp_path: Path) -> None:
    """Not at each look: once a minute, for its age."""
    file, clocks = tmp_path / "deny.json", Skipping()
    beside.lists = says(telling(RULE))
    client = broker(beside.url, deny_list_file=file, clocks=clocks.clocks)
    assert client.refresh()
    first = file.stat().st_ino
    beside.lists = says(telling(full=False, position=99))
    clocks.skip(5.0)
    assert client.refresh()
    assert file.stat().st_ino == first
    clocks.skip(60.0)
    assert client.refresh()
    assert file.stat().st_ino != first
    assert set(kept(file).rules) == {"r-1"}
