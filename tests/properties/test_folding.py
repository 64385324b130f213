"""Whatever happens, in whatever order: the state is the fold of the log, and nothing is lost on paper."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.engine.encoding import decode, encode
from detector.engine.records import Decided, Record
from detector.risk import ASKED_CAP, CAP
from tests.contracts.some_records import records
from tests.engine.world import World
from tests.properties.histories import Step, histories

LONG = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def lived(steps: list[Step]) -> World:
    """A world in which all of it happened."""
    world = World()
    for step in steps:
        step(world)
    return world


@LONG
@given(histories, st.floats(0.0, 1.0))
def test_the_fold_of_the_log_is_the_live_state(steps: list[Step], cut: float) -> None:
    """Folded from the log alone, or from a snapshot taken anywhere and the tail, the state is the live one."""
    world = lived(steps)
    digest = world.engine.digest()
    assert world.folded().digest() == digest
    assert world.restarted(cut=1 + int(cut * (len(world.log.lines) - 1))).digest() == digest


@LONG
@given(histories)
def test_replaying_the_log_gives_the_same_verdicts(steps: list[Step]) -> None:
    """Each decision can be found again from what the log held at its position, to the same bits."""
    from detector.engine import Engine
    from detector.engine.decide import decide
    from tests.engine.world import Hand, Paper

    world = lived(steps)
    for position, entry in enumerate(world.log.read()):
        record = entry.record
        if not isinstance(record, Decided):
            continue
        then = Engine(policy=world.policy, log=Paper(world.log.lines[:position]), clock=Hand(entry.stamp))
        assert decide(then.state, record.request, entry.stamp, trusted=record.moves_risk).decided == record


@LONG
@given(histories)
def test_what_holds_at_any_time(steps: list[Step]) -> None:
    """Risk stays within its bounds, stamps never go back, refusals have reasons, and counts are what they count."""
    world = World()
    for step in steps:
        step(world)
        memory, joins = world.state.memory, world.state.memory.joins
        assert joins.waiting == sum(len(uses) for uses in joins.held.values())
        for standing in memory.standings.values():
            assert 0.0 <= standing.risk.observed <= CAP
            assert 0.0 <= standing.risk.asked <= ASKED_CAP
            assert standing.pulse.unused >= 0.0
    stamps = [stamp for stamp, _ in world.log.lines]
    assert stamps == sorted(stamps)
    assert world.engine.position == len(world.log.lines)
    for record in world.log.records():
        weighed = getattr(record, "weighed", None)
        assert weighed is None or weighed.verdict == "allow" or weighed.reasons


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records)
def test_every_record_survives_paper(record: Record) -> None:
    """Any record of any kind, written as a line of JSON and read back, is itself; and its line is one line."""
    line = encode(record)
    assert b"\n" not in line
    assert decode(line) == record
    assert encode(decode(line)) == line
