"""What an organisation promises: the same bytes again, time order, and the truth kept outside the events."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from detector.events import Issuance, Lifecycle, Usage
from detector.simulator import KINDS, STYLES, UPHEAVALS, Organisation, simulate


def test_same_arguments_same_bytes() -> None:
    """Two runs with one seed give equal rows; another seed gives others."""
    first, again = (simulate("agents", 4, days=9, warm_up_days=6, requesters=20, campaigns=4) for _ in range(2))
    other = simulate("agents", 5, days=9, warm_up_days=6, requesters=20, campaigns=4)
    assert first == again
    assert first.rows != other.rows


def test_rows_are_in_time_order_and_within_the_log(small: Organisation) -> None:
    """`rows` is what replay reads; delivery is later than the event and keeps another order."""
    times = [row.event.time for row in small.rows]
    assert times == sorted(times)
    assert times[-1] < small.start + small.days * 86_400.0
    assert all(row.arrived > row.event.time for row in small.rows)
    assert [row.event.time for row in small.arrivals()] != times


def test_nothing_in_an_event_says_that_it_is_abuse(small: Organisation) -> None:
    """No event of a campaign holds the campaign's name, its kind or a word for it; ids look like everybody's."""
    for row in small.rows:
        if row.label.abuse:
            text = msgspec.json.encode(row.event).decode()
            assert row.label.campaign not in text
            assert not any(word in text for word in ("abuse", "attack", "campaign", "thief", "stolen"))
    lengths = {(type(row.event), len(row.event.id)) for row in small.rows}
    assert lengths == {(type(row.event), len(row.event.id)) for row in small.rows if not row.label.abuse}


def test_campaigns_begin_after_the_warm_up_and_once(small: Organisation) -> None:
    """Every campaign's rows come after the warm-up; one that mints has one first mint, its earliest issuance."""
    mints: dict[str, list[tuple[float, bool]]] = {}
    for row in small.rows:
        if row.label.campaign:
            assert row.event.time >= small.warm_until - 60.0  # clocks of usage logs run some seconds apart
            if isinstance(row.event, Issuance):
                mints.setdefault(row.label.campaign, []).append((row.event.time, row.label.first_mint))
    for name, found in mints.items():
        if small.campaigns[name] != "rate_mimicry":  # whose mints follow the victim's own times
            assert min(found)[1], name
            assert len({time for time, first in found if first}) == 1


def test_labels_of_the_legitimate_say_nothing_of_campaigns(small: Organisation) -> None:
    """An honest row has no kind, no step, no first mint; whatever upheaval it names exists."""
    for row in small.rows:
        if not row.label.abuse:
            assert (row.label.kind, row.label.step, row.label.first_mint, row.label.late_tell) == (
                None,
                0,
                False,
                False,
            )
            assert row.label.upheaval in {None, *UPHEAVALS}


def test_uses_follow_their_issuance(small: Organisation) -> None:
    """Every use's credential was minted in the log.

    Clocks differ by seconds, so that a few uses seem to come before it.
    """
    minted = {r.event.credential: r.event.time for r in small.rows if isinstance(r.event, Issuance)}
    early = late = 0
    for row in small.rows:
        if isinstance(row.event, Usage):
            assert row.event.credential in minted
            early += row.event.time < minted[row.event.credential]
            late += row.event.time >= minted[row.event.credential]
    assert 0 < early < 0.1 * late


def test_duplicates_and_late_records_exist(small: Organisation) -> None:
    """Logs repeat records now and then, and deliver some an hour late."""
    seen = Counter((type(row.event), row.event.id) for row in small.rows)
    assert 0.0005 < sum(count > 1 for count in seen.values()) / len(seen) < 0.01
    assert 0.002 < sum(row.arrived - row.event.time > 600.0 for row in small.rows) / len(small.rows) < 0.1


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_keeps_to_its_fields_and_its_size(style: str) -> None:
    """A style's logs hold the fields it names and no others; rates are heavy-tailed; nearly all roles ask."""
    organisation = simulate(style, 2, days=8, warm_up_days=6, campaigns=0, requesters=35)
    fields = STYLES[style].fields
    grants = [row.event.grant for row in organisation.rows if isinstance(row.event, Issuance)]
    said = {
        "task": any(g.task for g in grants),
        "purpose": any(g.purpose for g in grants),
        "consumer": any(g.consumer for g in grants),
        "sensitivity": any(g.sensitivity for g in grants),
        "user_agent": any(g.source.user_agent for g in grants),
        "environment": any(g.source.environment for g in grants),
        "workload": any(g.source.workload for g in grants),
        "region": any(g.source.region for g in grants),
        "authentication": any(g.authentication_method for g in grants),
        "ttl": any(g.ttl_seconds for g in grants),
    }
    assert {name for name, found in said.items() if found} <= fields
    assert len(fields & set(said)) - sum(said.values()) <= 2
    assert not any("{" in g.requester or "{" in (g.source.workload or "") for g in grants)
    counts = Counter(row.label.principal for row in organisation.rows if isinstance(row.event, Issuance))
    assert len({name.split("/")[0] for name in counts}) >= 6
    busiest = max(counts.values()) / 8.0
    assert busiest > 20.0
    assert sorted(counts.values())[len(counts) // 4] / 8.0 < 3.0


def test_unknown_style_is_named() -> None:
    """A style that is not there is a KeyError with its name."""
    with pytest.raises(KeyError, match="submarine"):
        simulate("submarine", 1)


def test_sizes_are_what_the_benches_count_on(whole: Organisation) -> None:
    """A default organisation has 15,000 to 40,000 issuances, one to three uses each, and 25 to 40 campaigns."""
    minted = sum(isinstance(row.event, Issuance) for row in whole.rows)
    used = sum(isinstance(row.event, Usage) for row in whole.rows)
    assert 15_000 < minted < 40_000
    assert 1.0 < used / minted < 3.0
    assert 25 <= len(whole.campaigns) <= 40
    assert any(isinstance(row.event, Lifecycle) for row in whole.rows)


def test_there_are_as_many_kinds_as_the_benchmark_asks_for() -> None:
    """25 kinds of abuse, 15 of honest upheaval, five styles; five kinds tell late, three in the use."""
    assert (len(KINDS), len(UPHEAVALS), len(STYLES)) == (25, 15, 6)
    tells = Counter(kind.tell for kind in KINDS.values())
    assert tells == {"mint": 17, "use": 3, "late": 5}
