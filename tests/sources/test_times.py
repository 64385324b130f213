"""Times as logs write them."""

from __future__ import annotations

import pytest

from detector.sources.fields import loose_moment, moment

MOMENT = 1772409606.204


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T00:00:06.204Z",
        "2026-03-02T00:00:06.204+00:00",
        "2026-03-02T02:00:06.204+02:00",
        "2026-03-01T18:30:06.204-05:30",
        "2026-03-02T00:00:06.204000000Z",
        "2026-03-02t00:00:06.204z",
        "2026-03-02 00:00:06.204Z",
    ],
)
def test_one_moment_written_in_many_ways(text: str) -> None:
    """Any offset, up to nine digits of a second, small letters and a space are the same moment."""
    assert moment(text) == MOMENT


def test_digits_beyond_the_microsecond_are_dropped() -> None:
    """Nanoseconds are finer than a float of this century can tell."""
    assert moment("2026-03-02T00:00:06.123456789Z") == moment("2026-03-02T00:00:06.123456Z")


def test_a_leap_second_is_the_end_of_its_minute() -> None:
    """RFC 3339 allows :60."""
    assert moment("2016-12-31T23:59:60Z") == moment("2017-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("value", "same_as"),
    [
        ("Jul 10, 2023, 12:09:47 PM", "2023-07-10T12:09:47Z"),
        ("Jul 10, 2023, 12:09:47\u202fAM", "2023-07-10T00:09:47Z"),
        ("Jul 30, 2024 9:53:13 PM", "2024-07-30T21:53:13Z"),
        ("Jan 01, 2019 0:00:00 PM", "2019-01-01T12:00:00Z"),
        ("2024-12-12 16:04:32.000000000", "2024-12-12T16:04:32Z"),
        ("2021-05-20 15:53:47Z", "2021-05-20T15:53:47Z"),
        (1688990987, "2023-07-10T12:09:47Z"),
        ("1688990987", "2023-07-10T12:09:47Z"),
        (1688990987000, "2023-07-10T12:09:47Z"),
    ],
)
def test_times_that_are_not_rfc_3339(value: object, same_as: str) -> None:
    """Java's English, no offset (UTC), seconds and milliseconds since 1970."""
    assert loose_moment(value) == moment(same_as)


@pytest.mark.parametrize(
    "value",
    [None, True, "...", "Foo 10, 2023, 12:09:47 PM", "Feb 31, 2023, 1:09:47 PM", "Jul 10, 2023, 12:99:47 PM", 0, -1,
     1e300, float("nan"), float("inf"), {}, [], "9" * 5000, "0001-01-01T00:00:00Z", "Jan 1, 0001, 1:00:00 AM"],
)  # fmt: skip
def test_what_is_no_time_is_none(value: object) -> None:
    """No guess, and no exception."""
    assert loose_moment(value) is None
