"""A long log shows what only a year brings, all the year; a short one stays as it was."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from detector.events import Issuance
from detector.simulator import SEASONS, STYLES, UPHEAVALS, Labelled, Organisation, Strain, simulate

DAY = 86_400.0


@pytest.fixture(scope="module")
def year() -> Organisation:
    """Thirteen months of a small and quiet organisation, all honest."""
    quiet = replace(STYLES["agents"], rate_median=1.2)
    return simulate(quiet, 501, days=395, warm_up_days=30, campaigns=0, requesters=20)


def asks(organisation: Organisation) -> list[Labelled]:
    """The requests among the rows."""
    return [row for row in organisation.rows if isinstance(row.event, Issuance)]


def test_upheavals_go_on_all_the_year(year: Organisation) -> None:
    """Every quarter has its share of kinds, and the year has them all."""
    kinds: dict[int, set[str]] = {}
    for row in year.rows:
        if row.label.upheaval in UPHEAVALS:
            kinds.setdefault(int((row.event.time - year.start) / (99.0 * DAY)), set()).add(row.label.upheaval)
    assert min(len(found) for found in kinds.values()) >= 6
    assert len(set.union(*kinds.values())) >= len(UPHEAVALS) - 1
    seen = {row.label.upheaval for row in year.rows} - {None, *UPHEAVALS}
    assert seen <= set(SEASONS)
    assert {"turnover", "drift", "quarter_end"} <= seen


def test_people_are_away_at_the_years_end(year: Organisation) -> None:
    """Pipelines, agents and operators ask for less than half of the everyday that they ask for weeks before."""
    people, roles = Counter[str](), {"agent", "ci_own", "ci_hosted", "operator"}
    for row in asks(year):
        when = datetime.fromtimestamp(row.event.time, tz=UTC)
        everyday = row.label.upheaval is None and not row.event.grant.renewal_of
        if row.label.principal.split("/")[0] in roles and everyday and when.month == 12:
            people["away" if 24 <= when.day <= 30 else "before" if 1 <= when.day <= 7 else "between"] += 1
    assert people["away"] < 0.5 * people["before"]


def test_identities_are_born_and_retired(year: Organisation) -> None:
    """Some first ask months after the beginning, and some that asked often ask no more long before the end."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    count = Counter(row.label.principal for row in asks(year))
    for row in asks(year):
        first.setdefault(row.label.principal, row.event.time - year.start)
        last[row.label.principal] = row.event.time - year.start
    busy = [name for name, n in count.items() if n > 100]
    assert any(first[name] > 120 * DAY for name in busy)
    assert any(last[name] < 300 * DAY for name in busy)


def test_clocks_change_on_the_last_sundays_of_march_and_october(year: Organisation) -> None:
    """What daylight saving moves is seen in the two days that follow those Sundays, and on no other day."""
    days = {
        datetime.fromtimestamp(row.event.time, tz=UTC).date()
        for row in asks(year)
        if row.label.upheaval == "clock_shift"
    }
    assert days
    for day in days:
        sunday = day - timedelta(days=(day.weekday() + 1) % 7)
        assert sunday.month in {3, 10}
        assert sunday.day >= 25
        assert (day - sunday).days < 5


def test_nobody_grows_without_end(year: Organisation) -> None:
    """Over a year the whole organisation's requests a day neither treble nor fall to a third."""
    quarter = Counter(int((row.event.time - year.start) / (99.0 * DAY)) for row in asks(year))
    assert max(quarter.values()) < 3.0 * min(quarter.values())


def test_strain_shows() -> None:
    """More upheavals are more of their rows; a redeploy each week moves everybody; clocks that are off move times."""
    plain = {"days": 20, "warm_up_days": 14, "campaigns": 0, "requesters": 20}
    calm = simulate("vault", 3, **plain)
    many = simulate("vault", 3, **plain, strain=Strain(upheavals=4.0))
    moved = simulate("vault", 3, **plain, strain=Strain(redeploy_days=7.0))
    off = simulate("vault", 3, **plain, strain=Strain(clock_seconds=900.0))
    kinds = [{row.label.upheaval for row in found.rows} for found in (calm, many)]
    assert len(kinds[1]) > len(kinds[0])
    places = [len({row.event.grant.source.ip for row in asks(found)}) for found in (calm, moved)]
    assert places[1] > places[0]
    times = [{row.event.id: row.event.time for row in asks(found)} for found in (calm, off)]
    assert max(abs(times[0][name] - times[1][name]) for name in times[0].keys() & times[1].keys()) > 100.0
