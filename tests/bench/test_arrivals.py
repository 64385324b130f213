"""What is measured of arrivals, on histories whose answer is known by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bench.arrivals import DAY, HABITS, Doing, busiest, compare, crowds, gini, habits, main, quantile, real

HOUR = 3600.0


def doing(time: float, *areas: str) -> Doing:
    """Something done in areas, on clocks that show UTC."""
    return Doing(time, time, frozenset(areas or ("here",)))


def test_a_clock_is_neither_bursty_nor_new() -> None:
    """Every six hours at the same place: all gaps are the median, burstiness is −1, days vary less than Poisson's."""
    measured = habits({"cron": [doing(n * 6.0 * HOUR) for n in range(120)]})
    values = {name: measured[name] for name in HABITS}
    assert values.pop("day dispersion") == [pytest.approx(-4.0 / 16.0)]  # no variance, mean 4: (0 - 4) / 16
    assert values == {
        "new area": [0.0],
        "new hour": [0.0],
        "gap 10 %": [1.0],
        "gap 90 %": [1.0],
        "gap 99 %": [1.0],
        "burstiness": [-1.0],
    }


def test_novelty_counts_after_the_first_twenty() -> None:
    """Of 120 events, the hundred after the first twenty count; ten of them touch an area not touched before."""
    history = [doing(n * HOUR, f"first {n}") for n in range(20)]
    history += [doing((20 + n) * HOUR, f"new {n}" if n < 10 else "new 0") for n in range(100)]
    assert habits({"a": history})["new area"] == [0.1]
    assert habits({"a": history[:99]})["new area"] == []


def test_bursts_are_told_from_a_steady_stream() -> None:
    """Ten at once and then a day's silence is burstier, and its gaps spread further, than a steady stream."""
    bursts = [doing(n // 10 * DAY + n % 10) for n in range(200)]
    steady = [doing(n * DAY / 10.0) for n in range(200)]
    (bursty,), (even,) = (habits({"a": history})["burstiness"] for history in (bursts, steady))
    assert bursty > 0.4 > even
    assert habits({"a": bursts})["gap 99 %"] == [DAY - 9.0]


def test_activity_is_shared_out() -> None:
    """Nine with one event and one with ninety-one: the busiest tenth has 91 %; all alike are even."""
    assert busiest([1] * 9 + [91]) == 0.91
    assert gini([1] * 9 + [91]) == pytest.approx(0.81)
    assert gini([5] * 10) == 0.0


def test_who_is_new_was_not_seen_earlier_in_the_window() -> None:
    """Of ten active in the last of twenty-five days, three came first then; a week with fewer people is left out."""
    histories = {f"old {n}": [doing(0.0), doing(20.0 * DAY)] for n in range(7)}
    histories |= {f"new {n}": [doing(21.0 * DAY)] for n in range(3)}
    histories["alone"] = [doing(45.0 * DAY)]
    assert crowds(histories)["new in a week"] == [0.3]
    assert crowds({"alone": histories["alone"]})["new in a week"] == []


def test_quantiles_take_a_value_that_is_there() -> None:
    """The value below which that part lies."""
    assert quantile([1.0, 2.0, 3.0], 0.5) == 2.0


def test_files_are_read_with_their_zone(tmp_path: Path) -> None:
    """A file's local hours follow its own zone, half hours and minus signs included."""
    path = tmp_path / "a.jsonl.gz"
    rows = [{"t": 0, "actor": "a", "tz": zone, "areas": ["x"]} for zone in ("+0530", "-0330")]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    assert [d.local for d in real(path)["a"]] == [5.5 * HOUR, -3.5 * HOUR]


def test_sources_stand_side_by_side() -> None:
    """One line a source in both tables, a dash where there was nothing to measure."""
    text = compare({"one": {"a": [doing(0.0)]}, "two": {"b": [doing(n * HOUR) for n in range(200)]}})
    assert [line.split()[0] for line in text.splitlines() if line.startswith(("one", "two"))] == ["one", "two"] * 2


def test_no_file_is_a_mistake() -> None:
    """Without a real file there is nothing to stand beside."""
    with pytest.raises(SystemExit):
        main([])
