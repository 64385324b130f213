"""Whole organisations, told: their sums are the log's, and the JSON is what its schema says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from detector.engine import Engine
from detector.engine.policy import Policy
from detector.events import GrantRequest
from detector.report import Period, as_json, fold, report, schema
from detector.simulator import simulate
from detector.store import MemoryLog
from tests.engine.world import AWAY, World
from tests.report.sums import assert_adds_up


def organisation(style: str, seed: int, **more: Any) -> tuple[MemoryLog, int]:
    """A simulated organisation's log, its broker asking about some grants first; and how many grants it has."""
    log, clock = MemoryLog(), [0.0]
    engine = Engine(policy=Policy(), log=log, clock=lambda: clock[0])
    grants: set[str] = set()
    for number, event in enumerate(row.event for row in simulate(style, seed, **more).rows):
        clock[0] = max(clock[0], event.time)
        grant = getattr(event, "grant", None)
        if isinstance(grant, GrantRequest) and number % 3 == 0:
            engine.ask(grant, trusted=True)
        engine.observe(event)
        grants |= {grant.id} if grant is not None else set()
    return log, len(grants)


@pytest.fixture(scope="module")
def simulated() -> tuple[MemoryLog, int]:
    """Once for all that look at it."""
    return organisation("agents", 3, days=18, requesters=14, campaigns=4)


def test_the_json_fits_its_schema(simulated: tuple[MemoryLog, int]) -> None:
    """Of a simulated organisation, of an empty log, and of a world with everything in it."""
    world = World().live()
    world.steal()
    world.ask(source=AWAY, resource="db/root", privilege="admin", break_glass=True, purpose="x")
    world.engine.turn_kill_switch(engaged=True, by="o", because="x")
    validator = Draft202012Validator(schema())
    for log in (simulated[0], world.log, MemoryLog()):
        made = as_json(report(fold(log.read(), Period()), identity="x"))
        assert not list(validator.iter_errors(msgspec.json.decode(made)))


def test_a_simulated_organisation_adds_up(simulated: tuple[MemoryLog, int]) -> None:
    """Its sums are the log's, and every grant of the simulator's is in them."""
    log, grants = simulated
    of = report(fold(log.read(), Period()), identity="x")
    assert_adds_up(of, log.read())
    assert of.totals.mints.total + of.totals.refused == grants
    assert of.totals.requests.total > grants // 4
    assert of.totals.used_for.total > 0
