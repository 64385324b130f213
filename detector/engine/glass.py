"""Breaking glass: who asks in an emergency passes enforcement, for a while, aloud, and is looked at afterwards.

A glass is opened by the first such ask, and lets its requester through until its
window ends; from then on a new one has to be broken. Nothing done through it teaches.
"""

from __future__ import annotations

from typing import Final

from detector.engine.memory import BrokenGlass, Memory
from detector.engine.records import BreakGlassReviewed, Decided, Glass
from detector.events import GrantRequest

MOST_GLASSES: Final = 1_000
"""Glasses remembered, all requesters together. While so many are unreviewed nobody looks at them, and
no further one is opened: a stolen broker must not make emergencies ordinary."""

MISSING_PURPOSE: Final = "it gives no purpose"
UNREVIEWED: Final = "earlier ones were not reviewed"
UNTRUSTED: Final = "its sender is not known"


def passing(memory: Memory, request: GrantRequest, requester: str, now: float, *, decision: str) -> Glass | str:
    """The glass that a request passes through, newly opened by `decision` or open already; else why it does not."""
    if not (request.purpose or "").strip():
        return MISSING_PURPOSE
    policy, unreviewed = memory.policy.break_glass, 0
    for key, glass in memory.glasses.items():
        if glass.requester != requester:
            continue
        if now < glass.until:
            return Glass(key, glass.until)
        unreviewed += glass.finding is None
    crowded = len(memory.glasses) >= MOST_GLASSES and all(glass.finding is None for glass in memory.glasses.values())
    if unreviewed >= policy.unreviewed or crowded:
        return UNREVIEWED
    return Glass(decision, now + policy.window_seconds)


def passed(memory: Memory, record: Decided, now: float) -> None:
    """Fold a decision that went through a glass: open it, or count it."""
    if record.glass is None:
        return
    known = memory.glasses.get(record.glass.opened_by)
    if known is None:
        memory.glasses[record.decision] = BrokenGlass(
            requester=record.requester, opened=now, until=record.glass.until, purpose=record.request.purpose or ""
        )
        _forget(memory)
    else:
        known.decisions += 1


def open_for(memory: Memory, requester: str, now: float) -> bool:
    """Whether a requester is inside a window that a broken glass opened."""
    return any(glass.requester == requester and now < glass.until for glass in memory.glasses.values())


def reviewed(memory: Memory, record: BreakGlassReviewed) -> BrokenGlass | None:
    """Fold a review; the glass it is about, where that is still remembered."""
    glass = memory.glasses.get(record.glass)
    if glass is not None:
        glass.finding, glass.reviewer = record.finding, record.by
    return glass


def _forget(memory: Memory) -> None:
    """Past the limit the oldest reviewed one goes; the log has them all."""
    if len(memory.glasses) > MOST_GLASSES:
        oldest = next(key for key, glass in memory.glasses.items() if glass.finding is not None)
        del memory.glasses[oldest]
