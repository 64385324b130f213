"""What was odd and has been said: remembered by requester, so that it is not said at full voice again, and by taker."""

from __future__ import annotations

from typing import Final

from detector.engine.memory import Memory, Oddity, Standing, Uptake
from detector.engine.records import Weighed
from detector.evidence import in_nats
from detector.features.rhythm import DAY

ODDITY_SECONDS: Final = 3 * DAY
"""How long an oddity counts as said: well past every quarantine, so that by then it is learnt."""

HELD_SECONDS: Final = 7 * DAY
"""How long what was flagged is held against whoever asks for it again. A log that nobody reads has
learnt it by then; who answers for it ends this at once."""

MOST_ODDITIES: Final = 64
"""Oddities of one requester that are remembered so as not to count twice."""

MOST_TAKERS: Final = 8
"""Takers of one oddity that are told apart: past it everybody has it."""


def remember(
    memory: Memory, standing: Standing, requester: str, weighed: Weighed, now: float, *, flagged: bool
) -> None:
    """Remember what was odd about a row, and who showed it; `flagged` where nobody answered for it yet.

    The weightiest of a flagged row stands for all of it: asked for again, it is worth what the row was.
    """
    odd = standing.odd
    weightiest = max(weighed.odd, key=weighed.odd.__getitem__, default="") if flagged else ""
    for key, quanta in weighed.odd.items():
        before = odd.get(key)
        if before is None or now - before.at >= ODDITY_SECONDS:
            odd[key] = Oddity(quanta, now, before.flagged if before is not None else 0.0)
        if flagged:
            odd[key].flagged = now
        if key == weightiest:
            odd[key].quanta = max(quanta, weighed.own)
        if len(odd) > MOST_ODDITIES:
            del odd[next(iter(odd))]
        _taken_up(memory, key, requester, now, flagged=flagged)


def _taken_up(memory: Memory, key: str, requester: str, now: float, *, flagged: bool) -> None:
    uptake = memory.uptakes.get(key)
    if uptake is None or now - uptake.at >= ODDITY_SECONDS:
        uptake = Uptake([], now, [])
        memory.uptakes.put(key, uptake)
    if requester not in uptake.requesters and len(uptake.requesters) < MOST_TAKERS:
        uptake.requesters.append(requester)
        if flagged:
            uptake.flagged.append(requester)


def forgive(standing: Standing, weighed: Weighed) -> None:
    """Somebody entitled to judge answered for it: it is held against nobody any more."""
    for key in weighed.odd:
        if key in standing.odd:
            standing.odd[key].flagged = 0.0


def news(standing: Standing, weighed: Weighed, now: float) -> float:
    """What was odd about a row and was not said before, in nats: as if nobody else had shown it."""
    fresh = 0
    for key, quanta in weighed.odd.items():
        before = standing.odd.get(key)
        if before is None or now - before.at >= ODDITY_SECONDS:
            fresh += quanta
    return in_nats(fresh)
