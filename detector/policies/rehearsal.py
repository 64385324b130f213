"""What a policy document would have done to a stretch of history, in counts."""

from __future__ import annotations

from msgspec import Struct

from detector.policies.document import LimitVerdict


class LimitHits(Struct, frozen=True, kw_only=True):
    """How many grants a limit would have hit, and whose: `requesters` and `resources` are those hit most."""

    limit: str
    verdict: LimitVerdict
    grants: int
    requesters: tuple[tuple[str, int], ...] = ()
    resources: tuple[tuple[str, int], ...] = ()


class IntentHits(Struct, frozen=True, kw_only=True):
    """How many grants lay within an intent, and how many of them were stepped up that it would have eased."""

    intent: str
    grants: int
    eased: int


class LevelHits(Struct, frozen=True, kw_only=True):
    """What became of the grants for resources of one sensitivity (`unknown` where nothing tells it)."""

    sensitivity: str
    grants: int
    denied: int
    stepped_up: int
    eased: int


class DryRun(Struct, frozen=True, kw_only=True):
    """All of it, over the grants from `since` until `until` (Unix seconds), up to a `position` of the log.

    `hit` is how many grants broke a limit, of `requesters` different ones. Only what was weighed can have been
    eased: of a log that nobody weighed, `eased` is 0 everywhere. Dates of intents are not looked at, hours and days
    are.
    """

    since: float
    until: float
    position: int
    grants: int
    hit: int
    requesters: int
    limits: tuple[LimitHits, ...] = ()
    intents: tuple[IntentHits, ...] = ()
    levels: tuple[LevelHits, ...] = ()

    @property
    def eased(self) -> int:
        """How many step-ups there would have been fewer."""
        return sum(level.eased for level in self.levels)

    def words(self) -> str:
        """In a sentence."""
        denied = sum(level.denied for level in self.levels)
        return (
            f"of {self.grants} grants {denied} would have been denied and {self.hit - denied} stepped up by a limit, "
            f"of {self.requesters} requesters; {self.eased} step-ups eased by an intent"
        )
