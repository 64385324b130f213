"""Rechecking: what was decided is decided again from the log alone, and any other word in a record is found."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from detector.engine.policy import DAY, Policy
from detector.engine.recheck import Recheck
from detector.engine.records import Accessed, Compacted, Decided, Entry, KeyRotated, Observed, Recalibrated, Released
from detector.engine.state import State
from detector.proof import Discrepancy
from tests.engine.test_fold import BOLD, eventful
from tests.engine.world import HOUR, World


def rechecked(entries: list[Entry]) -> tuple[Recheck, list[Discrepancy]]:
    """What following these entries from nothing finds."""
    recheck = Recheck(State(Policy()))
    return recheck, [found for entry in entries for found in recheck.see(entry)]


def test_a_log_comes_to_what_it_says() -> None:
    """Every kind of record that judges is judged again to the same quanta, and the state at the end is the live one."""
    world = eventful()
    entries = list(world.log.read())
    recheck, found = rechecked(entries)
    assert found == []
    judged = [
        entry
        for entry in entries
        if isinstance(entry.record, Decided | Released | Recalibrated)
        or (isinstance(entry.record, Observed) and entry.record.weighed is not None)
    ]
    assert recheck.checked == len(judged) > 30
    assert recheck.state.digest() == world.engine.digest()


def test_broken_glass_modes_and_the_kill_switch_replay() -> None:
    """What softens an answer is in the log, so the answer replays."""
    world = World().live().wait(2 * HOUR)
    world.ask(**BOLD, break_glass=True, purpose="the database is down")
    world.ask(trusted=False, **BOLD, break_glass=True)
    world.engine.turn_kill_switch(engaged=True, by="anna", because="too many refusals")
    world.ask(**BOLD)
    world.engine.turn_kill_switch(engaged=False, by="anna", because="mended")
    world.ask(**BOLD)
    assert rechecked(list(world.log.read()))[1] == []


def test_a_switch_turned_while_the_log_took_nothing_is_known_of_the_answer() -> None:
    """Its record came too late: the answers under it are held to the mode they tell of."""
    world = World().live().wait(2 * HOUR)
    world.log.full = True
    world.engine.turn_kill_switch(engaged=True, by="anna", because="the disk is full, too")
    world.log.full = False
    answered = world.ask(**BOLD)
    assert (answered.mode, answered.answer) == ("kill_switch", "allow")
    entries = list(world.log.read())
    assert rechecked(entries)[1] == []
    forged = msgspec.structs.replace(answered, answer="deny")
    [found] = rechecked([*entries[:-1], Entry(entries[-1].position, entries[-1].stamp, forged)])[1]
    assert "answer was deny under a kill switch" in found.what


def test_records_about_the_log_itself_change_no_answer() -> None:
    """Among others' records, who looked, a new key and a compaction leave everything as it was but the position."""
    world = World().live(3)
    quiet = World().live(3)
    for record in (
        Accessed(view="decision", subject="d1", by="anna"),
        KeyRotated(size=3, old="a", new="b", by="anna"),
        Compacted(before=2, state_digest="00", root="00", by="anna"),
    ):
        world.wait(3 * DAY)
        quiet.wait(3 * DAY)
        world.engine._journal.append(record, world.clock.now)
        odd = world.ask(id=f"odd-{record}", **BOLD), quiet.ask(id=f"odd-{record}", **BOLD)
        assert odd[0].weighed == odd[1].weighed
        assert odd[0].learnt == odd[1].learnt
    assert rechecked(list(world.log.read()))[1] == []


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        (Decided, {"answer": "allow", "mode": "observe"}, "mode was observe, is enforce"),
        (Decided, {"requester": "somebody/else"}, "requester was somebody/else"),
        (Decided, {"learnt": 99}, "learnt was 99"),
        (Decided, {"rule": "r-1"}, "rule was r-1"),
        (Observed, {"decision": "d-1"}, "decision was d-1"),
        (Decided, {"weighed": {"own": 3}}, "own was 3"),
        (Decided, {"weighed": {"evidence": 3}}, "evidence was 3"),
        (Observed, {"weighed": {"step": 7}}, "step was 7"),
        (Observed, {"weighed": {"odd": {"network=x": 9}}}, "odd was"),
        (Decided, {"weighed": {"risk": 0.5}}, "risk was 0.5"),
        (Decided, {"weighed": {"verdict": "allow"}}, "verdict was allow, is step_up"),
        (Decided, {"weighed": {"reasons": ()}}, "reasons were none"),
        (Released, {"weighed": {"own": 3}}, "own was 3"),
    ],
)
def test_any_other_word_in_a_record_is_found(kind: type, change: dict[str, Any], told: str) -> None:
    """It is found at its own entry, and makes no other look wrong."""
    entries = list(eventful().log.read())
    at = next(
        index
        for index, entry in enumerate(entries)
        if isinstance(entry.record, kind)
        and entry.record.weighed is not None  # type: ignore[attr-defined]
        and (kind is Released or entry.record.weighed.verdict == "step_up")  # type: ignore[attr-defined]
    )
    record: Any = entries[at].record
    if "weighed" in change:
        weighed = msgspec.structs.replace(record.weighed)
        for name, value in change["weighed"].items():
            msgspec.structs.force_setattr(weighed, name, value)
        change = {"weighed": weighed}
    forged = Entry(entries[at].position, entries[at].stamp, msgspec.structs.replace(record, **change))
    found = rechecked([*entries[:at], forged, *entries[at + 1 :]])[1]
    assert any(told in discrepancy.what for discrepancy in found)
    assert found[0].position == forged.position


def test_other_thresholds_than_the_reference_speaks_for_are_found() -> None:
    """A day's new thresholds are drawn again from the reference as it was."""
    entries = list(World().live(3).log.read())
    at = next(index for index, entry in enumerate(entries) if isinstance(entry.record, Recalibrated))
    record: Any = entries[at].record
    looser = dataclasses.replace(record.drawn.thresholds, step_up=99.0)
    forged = msgspec.structs.replace(record, drawn=msgspec.structs.replace(record.drawn, thresholds=looser))
    found = rechecked([*entries[:at], Entry(entries[at].position, entries[at].stamp, forged), *entries[at + 1 :]])[1]
    assert found[0].position == entries[at].position
    assert "the step_up threshold was 99.0" in found[0].what
