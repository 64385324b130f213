"""From what on a check speaks. Stated in every report beside what it found."""

from __future__ import annotations

from typing import Final

from detector.features.rhythm import DAY
from detector.report.profiles import Limits

DORMANT_SECONDS: Final = 30 * DAY
"""Silent for so long: longer than a monthly job's month, shorter than a quarter's review would take to see it."""

STANDING_SECONDS: Final = DAY
"""A credential that lives longer is not short-lived: whoever steals it has it over night."""

RENEWED_TIMES: Final = 3
"""Renewals in a row, over at least `STANDING_SECONDS`, that make short lives one long one."""

BURST_HOURS: Final = 24
"""Active hours before an hour is held against them: a newcomer has no usual pace."""

BURST: Final = 20
"""Requests an hour that are worth a look at all, however quiet the requester was."""

BURST_TIMES: Final = 10.0
"""Times its own usual hour: a deployment day doubles or triples it."""

ROAMING: Final = 5
"""Networks in one hour that are worth a look."""

ROAMING_TIMES: Final = 3.0
"""Times its own usual number."""

CONSUMERS: Final = 3
WORKLOADS: Final = 3
ENVIRONMENTS: Final = 2
NETWORKS: Final = 8
"""Different ones within an hour: two of most may be one thing moving to another place; an environment never moves.
Networks need more, for what scales runs in several."""

SHARED_HOURS: Final = 3
"""Hours in which it was so: a single one is a roll-out."""

BORROWED: Final = 10
"""Grants for tasks that others began: a few are a hand-over, or two jobs under one name of a task."""

USES: Final = 10
"""Uses of credentials of one right before it is said that they only ever read."""

MINTS: Final = 10
"""Mints of one right before it is said that nobody uses them."""

LIMITS: Final = Limits(
    at_once=(CONSUMERS, WORKLOADS, ENVIRONMENTS, NETWORKS),
    burst=BURST,
    burst_times=BURST_TIMES,
    burst_hours=BURST_HOURS,
    roaming=ROAMING,
    roaming_times=ROAMING_TIMES,
)

MOST_ITEMS: Final = 1_000
"""Findings of one check told one by one, those that reach furthest first; all are counted."""
