"""Periods and dates as people write them."""

from __future__ import annotations

import pytest

from detector.report import Period, instant


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-02", 1_772_409_600.0),
        ("2026-03-02T00:00:00Z", 1_772_409_600.0),
        ("2026-03-02T01:30:00+01:30", 1_772_409_600.0),
        ("2026-03-02T01:30:00 01:30", 1_772_409_600.0),
        ("2026-03-02T00:00:00.250Z", 1_772_409_600.25),
        ("2026-03-02 00:00:00", 1_772_409_600.0),
    ],
)
def test_dates_and_times_are_read(text: str, seconds: float) -> None:
    """A date is its first moment, what names no zone is UTC, and a query string's `+` may have become a space."""
    assert instant(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "x", "yesterday", "2026-13-01", "2026-02-30", "0001-01-01", "9999-12-31", "2026-03-02T25:00", "1" * 500, "\0"],
)
def test_what_is_no_date_is_refused_in_words(text: str) -> None:
    """The answer quotes what was given, shortened."""
    with pytest.raises(ValueError, match=r"is no date|outside the years") as refused:
        instant(text)
    assert len(str(refused.value)) < 140


@pytest.mark.parametrize(("since", "until"), [(2.0, 1.0), (1.0, 1.0)])
def test_a_period_has_a_length(since: float, until: float) -> None:
    """An empty one would report on nothing and look like a quiet one."""
    with pytest.raises(ValueError, match="until"):
        Period(since, until)
