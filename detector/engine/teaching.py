"""What an event teaches, and when: after its quarantine, and never what was found to be abuse."""

from __future__ import annotations

from typing import Final

from detector.baselines.baselines import Baselines
from detector.engine.budgets import counts
from detector.engine.keys import event_keys
from detector.engine.memory import Lesson, Memory, Standing
from detector.engine.records import Weighed
from detector.events import Issuance, Usage
from detector.evidence import in_nats
from detector.features.facets import GRANT_FACETS, Facets
from detector.risk.reach import Reach, points

_PRIVILEGE: Final = GRANT_FACETS.index("privilege")
_SENSITIVITY: Final = GRANT_FACETS.index("sensitivity")
_RIGHT: Final = GRANT_FACETS.index("right")


def queue(memory: Memory, event: Issuance | Usage, lesson: Lesson, weighed: Weighed, now: float) -> None:
    """Let a lesson wait: what was allowed for the quarantine, what was flagged for its outcome, or much longer."""
    policy = memory.policy
    if not weighed.flagged:
        lesson.release = now + policy.quarantine_seconds
        memory.lessons.append(lesson)
    else:
        lesson.release = now + policy.flagged_quarantine_seconds
        memory.flagged[event_keys(event)[0]] = lesson


def teach(memory: Memory, baselines: Baselines, now: float) -> None:
    """Learn everything whose time has come by `now`."""
    lessons, flagged = memory.lessons, memory.flagged
    while lessons and lessons[0].release <= now:
        lesson = lessons.popleft()
        # As of its release, not of `now`: an ask that comes between changes nothing that is learnt.
        learn(memory, baselines, lesson, lesson.release)
    while flagged:
        event, lesson = next(iter(flagged.items()))
        if lesson.release > now:
            break
        del flagged[event]
        learn(memory, baselines, lesson, lesson.release)


def learn(memory: Memory, baselines: Baselines, lesson: Lesson, now: float) -> None:
    """Take one lesson in, unless it was condemned, or came through a broken glass."""
    facets = lesson.facets
    if lesson.issuance in memory.condemned or lesson.issuance in memory.untaught:
        return
    if lesson.nats is not None:
        memory.reference.count_row(lesson.nats, use=lesson.use)
    if lesson.use:
        baselines.learn_use(facets, now)
        return
    _extend(memory.reach, baselines, facets)
    baselines.learn_grant(facets, now)


def _extend(reach: Reach, baselines: Baselines, facets: Facets) -> None:
    """Let a requester and an issuer reach as far as what is about to be learnt."""
    grants, right = baselines.grants, facets.values[_RIGHT]
    own, crowd = grants.habits.get(facets.requester), grants.issuers.get(facets.issuer)
    requester = facets.requester if own is None or right not in own.counts[_RIGHT] else None
    issuer = facets.issuer if crowd is None or right not in crowd.counts[_RIGHT] else None
    if requester is not None or issuer is not None:
        reach.extend(requester, issuer, _points(facets))
    if requester is not None:
        reach.count(stake(reach, facets))


def stake(reach: Reach, facets: Facets) -> float:
    """What is at stake with a grant (see `detector.risk.reach`)."""
    return reach.stake(facets.requester, facets.issuer, _points(facets), facets.lifetime)


def _points(facets: Facets) -> float:
    return points(facets.values[_PRIVILEGE], facets.values[_SENSITIVITY])


def counting(standing: Standing, weighed: Weighed, now: float) -> float | None:
    """By how many nats a row counts for the thresholds, once it teaches; `None` where it does not."""
    above = in_nats(weighed.evidence + weighed.tightened - weighed.eased)
    return counts(standing.days, above, now, flagged=weighed.flagged)
