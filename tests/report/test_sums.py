"""Nothing is lost and nothing counts twice: every sum agrees with the log counted plainly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.engine.records import Entry, Released
from detector.report import as_json, as_markdown, fold, ledger, profiles, report
from detector.report.period import Period
from tests.engine.world import AWAY, MONDAY, SERVICE, World
from tests.properties.histories import Step, steps
from tests.report.sums import assert_adds_up, plainly, summed
from tests.report.told import told


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=40))
def test_every_sum_is_the_logs(history: list[Step]) -> None:
    """Whatever brokers, issuers, thieves and strangers send in any order."""
    world = World()
    for step in history:
        step(world)
    of, records = told(world), world.log.records()
    assert_adds_up(of, world.log.read())
    released = sum(isinstance(record, Released) for record in records)
    assert of.totals.usages_waiting == plainly(world.log.read())["held"] - released


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, min_size=5, max_size=40), st.data())
def test_two_halves_are_the_whole(history: list[Step], data: st.DataObject) -> None:
    """Cut anywhere, what is counted before the cut and after it is what is counted in all."""
    world = World()
    for step in history:
        step(world)
    stamps = sorted({entry.stamp for entry in world.log.read()})
    cut = data.draw(st.sampled_from(stamps)) + 0.5
    first, second, whole = told(world, until=cut), told(world, since=cut), told(world)
    parts = summed(first) + summed(second)
    assert parts == summed(whole)
    assert_adds_up(first, [entry for entry in world.log.read() if entry.stamp < cut])
    assert_adds_up(second, [entry for entry in world.log.read() if entry.stamp >= cut])


@settings(max_examples=25, deadline=None)
@given(st.lists(steps, max_size=30), st.lists(steps, max_size=10))
def test_a_period_that_has_ended_is_always_told_alike(history: list[Step], later: list[Step]) -> None:
    """However far the log goes on: the same bytes, in both forms."""
    world = World()
    for step in history:
        step(world)
    until = world.clock.now + 1.0
    world.wait(2.0).issue()
    first = told(world, until=until)
    for step in later:
        step(world)
    again = told(world, until=until)
    assert first.period.ended
    assert as_json(first) == as_json(again)
    assert as_markdown(first) == as_markdown(again)


def test_a_fold_written_down_twice_gives_the_same_bytes() -> None:
    """Nothing depends on the order of a set, or on when it is written."""
    world = World().live(2)
    world.steal()
    assert as_json(told(world)) == as_json(told(world))
    assert as_markdown(told(world)) == as_markdown(told(world))


def test_what_was_before_the_period_is_known_and_not_counted() -> None:
    """An identity of long ago is in the inventory, its reach with it; its mints are not the period's."""
    world = World().live(2)
    since = world.clock.now
    world.issue(requester="spiffe://prod/app/new", resource="kv/new")
    found = told(world, since=since)
    (old,) = (view for view in found.requesters if view.requester == SERVICE)
    assert (old.mints, old.mints_ever) == (0, 48)
    assert old.reach_points > 0
    assert [row.requester for row in found.mints.rows] == ["spiffe://prod/app/new"]
    assert found.totals.mints.total == 1


def test_past_the_limits_sums_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not told by name is counted together, and the report says that something was left off."""
    monkeypatch.setattr(ledger, "MOST_ROWS", 3)
    monkeypatch.setattr(profiles, "MOST_REQUESTERS", 2)
    world = World()
    for number in range(6):
        world.wait(60.0).issue(requester=f"svc-{number % 3}x", resource=f"kv/{number}")
        world.ask(requester=f"svc-{number % 3}x", resource=f"kv/{number}")
    found = told(world)
    assert len(found.mints.rows) == 3
    assert found.mints.rest is not None
    assert found.mints.rest.mints.total == 3
    assert len(found.requesters) == 2
    assert found.limits["rights"] > 0
    assert found.limits["requesters"] > 0
    assert_adds_up(found, world.log.read())
    assert "counted in sums only" in as_markdown(found)


def test_a_kind_nobody_knows_is_counted_by_its_name_and_passed_over() -> None:
    """A record of a kind that came later must not break the report."""
    import msgspec

    class Novel(msgspec.Struct, frozen=True, tag="novel"):
        what: str

    world = World()
    world.issue()
    entries = [*world.log.read(), Entry(99, MONDAY + 1, Novel("x"))]  # type: ignore[arg-type]
    found = report(fold(entries, Period()), identity=None)
    assert found.log.entries["novel"] == 1
    assert found.totals.mints.total == 1


def test_an_empty_log_is_reported_on() -> None:
    """A log without an entry gives a report without a finding."""
    found = report(fold([], Period()), identity=None)
    assert found.period.as_of is None
    assert not any(check.found for check in found.checks)
    assert as_markdown(found).startswith("# ")


def test_a_thief_is_in_the_sums_by_verdict() -> None:
    """What was stepped up or denied is told as such, by the row it belongs to."""
    world = World().live()
    world.ask(source=AWAY, resource="aws/creds/prod-admin", privilege="admin")
    found = told(world)
    (row,) = (row for row in found.mints.rows if row.resource == "aws/creds/prod-admin")
    assert row.told.step_up == 1
    assert row.mints.total == 0
