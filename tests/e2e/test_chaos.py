"""A live server under load while everything around it breaks: short versions of what `make bench-chaos` measures.

Each disaster happens to one `assayer serve` on its own copy of a learnt data directory, while brokers ask 150 times a
second and a shipper reports. What must hold of all of them, `Figures.wrong` says: nothing acknowledged is lost
or altered, no honest ask is denied, none is answered late without a word, the state is the log's fold.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.chaos.disasters import DISASTERS
from bench.chaos.disasters.clock import COURSE
from bench.chaos.disasters.learner import CRASH, HANG, SILENCE
from bench.chaos.disasters.readonly import NO_NEW_FILE
from bench.chaos.disasters.rules import HELD
from bench.chaos.disasters.small_disk import NoDisk
from bench.chaos.disasters.switch import WITHIN
from bench.chaos.ground import Ground, learnt
from bench.chaos.scene import AFTER, CALM, DURING, SHORT, Figures

pytestmark = [pytest.mark.process, pytest.mark.slow]

EVENTS = 5_000
MOST_GROWTH = 60.0
"""Megabytes that a server may grow by in a few seconds of any disaster: its own libraries take as much."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """An organisation's last events, learnt once."""
    return learnt(tmp_path_factory.mktemp("ground"), events=EVENTS)


def happened(name: str, ground: Ground, folder: Path) -> Figures:
    """What a disaster did, once it is clear that the server kept its word."""
    figures = DISASTERS[name](ground, folder / name, SHORT)
    assert figures.wrong(killed=name == "killed") == {}
    assert figures.peak - figures.resident < MOST_GROWTH
    assert figures.statuses(CALM) == {200: len(figures.of(CALM))}
    assert figures.events.get(200, 0) > 0 or name == "killed"
    return figures


def test_somebody_elses_lock_on_the_database(ground: Ground, tmp_path: Path) -> None:
    """Asks are answered in time, unrecorded, and all of them are durable once it is let go, twice over."""
    figures = happened("locked", ground, tmp_path)
    assert figures.unrecorded(DURING) > len(figures.of(DURING)) / 2
    assert figures.audit.late_but_kept == figures.unrecorded()
    assert {answer.recorded for answer in figures.of(AFTER)[-50:]} == {True}


def test_a_full_disk(ground: Ground, tmp_path: Path) -> None:
    """The same; and with room again everything that was queued is in the log."""
    try:
        figures = happened("full", ground, tmp_path)
    except NoDisk as reason:
        pytest.skip(str(reason))
    assert figures.unrecorded(DURING) > len(figures.of(DURING)) / 2
    assert figures.audit.late_but_kept == figures.unrecorded()


def test_a_data_directory_that_nobody_may_write_to(ground: Ground, tmp_path: Path) -> None:
    """Without new files the log goes on; without a byte answers say so; and nobody starts on such a directory."""
    figures = happened("readonly", ground, tmp_path)
    assert figures.unrecorded(NO_NEW_FILE) < len(figures.of(NO_NEW_FILE)) / 10
    assert figures.unrecorded(DURING) > len(figures.of(DURING)) / 2
    assert "SQLITE_IOERR" in figures.told["trouble"]
    assert figures.told["a start then says"].endswith("log.sqlite3: attempt to write a readonly database")


def test_a_clock_that_is_set_ahead_and_back(ground: Ground, tmp_path: Path) -> None:
    """No stamp steps back, nobody is stepped up for it, and a rule that a day ended stays ended."""
    figures = happened("clock", ground, tmp_path)
    assert figures.verdicts("step_up") <= len(figures.answers) / 100
    states = [figures.told[f"{phase}: rules of an hour and of two days are"] for phase, _ in COURSE]
    assert states == ["expired and enforced"] * len(COURSE)


def test_chores_that_hang_and_crash_and_a_day_without_logs(ground: Ground, tmp_path: Path) -> None:
    """Nobody who asks notices; what failed is said, and done once it can be."""
    figures = happened("learner", ground, tmp_path)
    assert figures.unrecorded(HANG, CRASH, SILENCE) < len(figures.of(HANG, CRASH, SILENCE)) / 10
    assert figures.verdicts("step_up") <= len(figures.answers) / 100
    assert int(figures.told["chores that failed, said"]) > 0
    assert figures.told["rules backtested afterwards"] == "2 of 2"


def test_a_flood_of_garbage(ground: Ground, tmp_path: Path) -> None:
    """Every route is sent everything but what it takes: no error of ours, and brokers are answered beside it."""
    figures = happened("flood", ground, tmp_path)
    assert figures.told["failures inside"] == "0"


def test_many_rules_and_their_end_all_at_once(ground: Ground, tmp_path: Path) -> None:
    """Whoever a crowd of them is about goes on with what none of them names; an hour later none is in force."""
    figures = happened("rules", ground, tmp_path)
    assert figures.statuses(HELD) == {200: len(figures.of(HELD))}
    assert figures.told["in force afterwards, and ended"] == f"0 and {SHORT.rules}"


def test_step_ups_that_nobody_answers(ground: Ground, tmp_path: Path) -> None:
    """Every stranger's bold ask is a step-up, and nobody else's."""
    figures = happened("stepups", ground, tmp_path)
    assert f"{{'step_up': {SHORT.step_ups}}}" in figures.told["told, by strangers and by a broker"]
    assert figures.verdicts("step_up") == 0


def test_kill_minus_nine_again_and_again(ground: Ground, tmp_path: Path) -> None:
    """After each death all that was acknowledged is in the log, as it was told; the last life ends in peace."""
    figures = happened("killed", ground, tmp_path)
    assert figures.audit.acknowledged > SHORT.kills * 5
    assert figures.audit.same_state is True


def test_the_kill_switch_by_its_file_and_by_the_api(ground: Ground, tmp_path: Path) -> None:
    """Within a second every answer is under it, and allows; and within a second after it is off none is."""
    figures = happened("switch", ground, tmp_path)
    assert float(figures.told["last answer under the old mode, s after turning"]) < WITHIN
    halted = [answer for answer in figures.answers if answer.told.get("mode") == "kill_switch"]
    assert len(halted) > 100
    assert {answer.told["verdict"] for answer in halted} == {"allow"}
