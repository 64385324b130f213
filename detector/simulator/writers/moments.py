"""Times as logs write them."""

from __future__ import annotations

from datetime import UTC, datetime


def milliseconds(time: float) -> str:
    """RFC 3339 in UTC, to the millisecond.

    >>> milliseconds(1772409606.204)
    '2026-03-02T00:00:06.204Z'
    """
    moment = datetime.fromtimestamp(round(time * 1000.0) // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{round(time * 1000.0) % 1000:03d}Z"


def seconds(time: float) -> str:
    """RFC 3339 in UTC, to the second, as CloudTrail has it."""
    return f"{datetime.fromtimestamp(int(time), UTC):%Y-%m-%dT%H:%M:%SZ}"
