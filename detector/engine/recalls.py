"""What is to be announced, and what was: credentials that should work no more, and risk levels that were told.

All of it is folded, so that a restart between a deny and its announcement loses neither; and bounded.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from detector.engine.joins import TASKS
from detector.engine.recent import Recent
from detector.engine.records import AnnouncementCode, RiskLevel
from detector.rules import Selector

MOST_RECALLS: Final = 2_000
"""Denies whose credentials are still to be announced: each is attended to within a second, so this many wait only
after a crash or while the log takes no more."""

MOST_TOLD: Final = 100_000
"""Announcements remembered so as not to be made twice: those of fifty thousand credentials."""

MOST_ELEVATED: Final = 20_000
"""Requesters whose level was told to be above LOW. While there are so many nobody else's is told: by then it is the
fleet that is in trouble, and names that an attacker invents must not fill memory."""

STALE_SECONDS: Final = 600.0
"""What was due so long ago is announced no more: it is what a restart may take, and not so long that
turning enforcement on would announce what was denied before."""

FORGIVEN: Final = frozenset({"denied", "labelled"})
"""Why a requester's credentials may be due that somebody's good word on the requester takes back."""


class Recall(Struct, frozen=True):
    """Credentials that should work no more, since `at` (the log's clock): one, or a requester's, or those in a scope.

    `cause` is the decision, event or rule that brought it about, `codes` its reasons'.
    """

    at: float
    code: AnnouncementCode
    cause: str
    because: str
    codes: tuple[str, ...]
    requester: str
    credential: str | None = None
    selector: Selector | None = None

    @property
    def key(self) -> str:
        """What it is remembered by: a later one about the same takes its place."""
        if self.credential is not None:
            return f"credential {self.credential}"
        return f"rule {self.cause}" if self.selector is not None else f"requester {self.requester}"


class Told(Struct, frozen=True):
    """The risk level of a requester that was last told, and at whose request's issuer."""

    level: RiskLevel
    issuer: str


class Recalls(Struct):
    """All of it.

    `ended` has when a task ended (the log's clock), `begun` when one began; the latter only where tasks time out.
    `told` has what was announced, by kind and credential.
    """

    due: Recent[Recall] = field(default_factory=lambda: Recent(MOST_RECALLS))
    ended: Recent[float] = field(default_factory=lambda: Recent(TASKS))
    begun: Recent[float] = field(default_factory=lambda: Recent(TASKS))
    told: Recent[float] = field(default_factory=lambda: Recent(MOST_TOLD))
    levels: dict[str, Told] = field(default_factory=dict)


def told_key(kind: str, credential: str) -> str:
    """What an announcement about a credential is remembered by."""
    return f"{kind} {credential}"
