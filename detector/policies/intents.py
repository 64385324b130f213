"""Intents compiled: does this request lie within what was agreed on? Looked up by requester."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from detector.events import GrantRequest, Privilege
from detector.features.rhythm import DAY
from detector.policies.document import Intent, Weekday
from detector.policies.wildcard import ANY, Wildcard

IntentState: TypeAlias = Literal["in_force", "not_yet", "due", "over", "expired"]
"""`due` is one that somebody has to authorise again, `over` one whose window has ended."""

RANK: Final[dict[Privilege | None, int]] = {name: rank for rank, name in enumerate(get_args(Privilege))}

_THURSDAY: Final = 3
"""1970-01-01 was one; Mondays count 0."""

_MINUTE: Final = 60


class Terms(NamedTuple):
    """One intent, ready to be compared with requests. Times are Unix seconds, minutes those of a day (UTC)."""

    name: str
    intent: Intent
    starts: float
    ends: float
    resource: Wildcard
    task: Wildcard | None
    most_privilege: int | None
    actions: frozenset[str]
    hours: tuple[int, int] | None
    days: frozenset[int]

    def in_force(self, now: float) -> bool:
        """Whether the intent does anything at `now`."""
        return self.starts <= now < self.ends

    def covers(self, grant: GrantRequest, resource: str, now: float) -> bool:
        """Whether a request of the intent's requester for a canonical `resource` lies within it at `now`."""
        return self.in_force(now) and self.agrees(grant, resource) and self.on_time(now)

    def agrees(self, grant: GrantRequest, resource: str) -> bool:
        """Whether what is asked for, how far and how long is what was agreed on, whenever that was.

        A request that leaves out what the intent names lies outside it.
        """
        intent = self.intent
        if intent.issuer is not None and grant.issuer != intent.issuer:
            return False
        if grant.ttl_seconds is None or grant.ttl_seconds > intent.max_ttl_seconds:
            return False
        if self.most_privilege is not None and not 0 <= RANK.get(grant.privilege, -1) <= self.most_privilege:
            return False
        if self.actions and not (grant.actions and self.actions.issuperset(grant.actions)):
            return False
        if self.task is not None and not (grant.task and self.task.matches(grant.task)):
            return False
        return self.resource.matches(resource)

    def on_time(self, now: float) -> bool:
        """Whether `now` is at an hour and on a day that were agreed on."""
        if self.hours is None and not self.days:
            return True
        days, seconds = divmod(now, DAY)
        day, minute = (int(days) + _THURSDAY) % 7, int(seconds) // _MINUTE
        if self.hours is not None:
            begin, end = self.hours
            if end <= begin and minute < end:  # the small hours of a window that began the day before
                day = (day - 1) % 7
            elif not (begin <= minute and (end <= begin or minute < end)):
                return False
        return not self.days or day in self.days


class Intents:
    """Every intent of a document that may be in force, by requester, as far as each was authorised.

    `authorised` says when each intent was authorised last (Unix seconds), by its name; one that it does not name
    does nothing. `fold` makes names canonical.
    """

    def __init__(
        self, intents: Mapping[str, Intent], *, authorised: Mapping[str, float], fold: Callable[[str], str]
    ) -> None:
        self._of: dict[str, list[Terms]] = {}
        for name, intent in intents.items():
            at = authorised.get(name)
            if at is not None:
                self._of.setdefault(fold(intent.requester), []).append(compiled(name, intent, at, fold))

    def of(self, requester: str) -> list[Terms]:
        """Those of one canonical requester, in the document's order."""
        return self._of.get(requester, _NONE)

    def covering(self, requester: str, grant: GrantRequest, resource: str, now: float) -> str | None:
        """The name of the first intent that a request lies within at `now`."""
        for terms in self._of.get(requester, _NONE):
            if terms.covers(grant, resource, now):
                return terms.name
        return None


def compiled(name: str, intent: Intent, authorised: float, fold: Callable[[str], str]) -> Terms:
    """One intent, as it was authorised at that time (Unix seconds)."""
    ends = min(intent.expires.timestamp(), authorised + intent.reauthorise_days * DAY)
    if intent.until is not None:
        ends = min(ends, intent.until.timestamp())
    hours = None
    if intent.hours is not None:
        begin, end = intent.hours.split("-")
        hours = (_minute(begin), _minute(end))
    return Terms(
        name=name,
        intent=intent,
        starts=intent.since.timestamp() if intent.since is not None else 0.0,
        ends=ends,
        resource=Wildcard(intent.resource if ANY in intent.resource else fold(intent.resource)),
        task=Wildcard(intent.task) if intent.task is not None else None,
        most_privilege=RANK[intent.privilege] if intent.privilege is not None else None,
        actions=frozenset(intent.actions),
        hours=hours,
        days=frozenset(_DAYS.index(day) for day in intent.weekdays),
    )


def state(intent: Intent, authorised: float, now: float) -> IntentState:
    """Where an intent is in its life at `now`; both times are Unix seconds."""
    if now >= intent.expires.timestamp():
        return "expired"
    if intent.until is not None and now >= intent.until.timestamp():
        return "over"
    if now >= authorised + intent.reauthorise_days * DAY:
        return "due"
    if intent.since is not None and now < intent.since.timestamp():
        return "not_yet"
    return "in_force"


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


_DAYS: Final = get_args(Weekday)
_NONE: Final[list[Terms]] = []
