"""When it is asked, and how busily: time of week, order, distance, rates, fan-out.

- `watch`: the quarter of the day. Wrong across time zones, and in the week after daylight saving's change.
- `opening`: whether this resource comes by itself, or after others within the hour. What always came after something
  else, and now comes by itself, lacks what should have been before it. Wrong when a pipeline is cut in two.
- `hour` (graded, circular): the hour of the week, of a sitting's first request. Wrong as `watch` is.
- `gap` (graded): seconds since the last request. Wrong for whoever is triggered by people.
- `pace_10m`, `pace_1h`, `pace_1d` (graded): requests lately, on three horizons; their distribution is the
  requester's own, with its peers' behind it. Wrong on the day of a release.
- `spread` (graded): different resources within the hour. Wrong for inventories and backups, the first time.
- `unused`, `refusals` (graded): credentials minted and not used, requests refused, lately. Wrong where uses are not
  logged (then all are unused: a habit), and while a policy is being rolled out.
- `task_age` (graded): how long ago its task was last asked for. Wrong for tasks that never end.
"""

from __future__ import annotations

from detector.features.pulse import Pulse
from detector.features.rhythm import SITTING_SECONDS, UNTOLD, grade, hour_of_week


def opening(resource: str, spread: int) -> str:
    """Whether this resource is asked for by itself; `spread` is how many different ones were within the hour."""
    return f"{resource} {'by itself' if spread == 1 else 'after others'}"


def grades(time: float, spread: int, task_age: float, pulse: Pulse, now: float) -> tuple[int, ...]:
    """The grades of `GRANT_GRADES`."""
    gap = pulse.gap(now)
    return (
        hour_of_week(time) if gap is None or gap > SITTING_SECONDS else UNTOLD,
        UNTOLD if gap is None else grade(gap),
        *map(grade, pulse.pace(now)),
        grade(spread),
        grade(pulse.idle(now)),
        grade(pulse.refused(now)),
        grade(task_age),
    )
