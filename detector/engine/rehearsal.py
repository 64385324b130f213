"""What a policy document would have done: the log's own history, folded under it. Pure; entries in, counts out.

A decision and its issuance count once. Intents are tried as if they had been authorised and their dates had come;
whether one would have eased is told by what was weighed then, without what the document of that time eased.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, get_args

from detector.engine.policing import EASE
from detector.engine.policy import Policy
from detector.engine.records import Decided, Entry, Observed, Weighed
from detector.events import GrantRequest, Issuance, Sensitivity
from detector.evidence import quantise
from detector.features.identity import Identities
from detector.features.sensitivity import Sensitivities
from detector.policies import (
    Broken,
    Document,
    DryRun,
    IntentHits,
    Intents,
    LevelHits,
    Limit,
    LimitHits,
    Limits,
    stricter,
)

MOST_SHOWN: Final = 10
"""Requesters and resources that are named for a limit: who looks further has the log."""

MOST_TOLD_APART: Final = 50_000
"""Requesters and resources that are counted for each limit; a log with more is counted by those that came first."""

LEVELS: Final = (*get_args(Sensitivity), "unknown")


class _Hits:
    """What one limit hit."""

    def __init__(self, name: str, limit: Limit) -> None:
        self.name, self.verdict, self.grants = name, limit.verdict, 0
        self.requesters: Counter[str] = Counter()
        self.resources: Counter[str] = Counter()

    def result(self) -> LimitHits:
        return LimitHits(
            limit=self.name,
            verdict=self.verdict,
            grants=self.grants,
            requesters=tuple(self.requesters.most_common(MOST_SHOWN)),
            resources=tuple(self.resources.most_common(MOST_SHOWN)),
        )


class Rehearsal:
    """Counts what a document would have hit and eased in the grants it is shown, in order.

    `since` is the stamp (Unix seconds) before which grants are not counted.
    """

    def __init__(self, document: Document, *, policy: Policy, since: float) -> None:
        self._fold = Identities(policy.identity).fold
        self._level = Sensitivities(policy.sensitivity).level
        self._limits = Limits(document.limits)
        self._intents = Intents(document.intents, authorised=dict.fromkeys(document.intents, 0.0), fold=self._fold)
        self._since, self._until, self._position = since, max(since, 0.0), 0
        self._hits = {name: _Hits(name, limit) for name, limit in document.limits.items()}
        self._within: dict[str, list[int]] = {name: [0, 0] for name in document.intents}
        self._levels = {level: Counter[str]() for level in LEVELS}
        self._requesters: dict[str, None] = {}
        self._seen: set[str] = set()

    def see(self, entries: Iterable[Entry]) -> None:
        """Take in entries of the log."""
        for entry in entries:
            self._until, self._position = entry.stamp, entry.position
            record = entry.record
            if isinstance(record, Decided):
                if record.moves_risk:
                    self._grant(record.request, record.requester, record.weighed, entry.stamp)
            elif isinstance(record, Observed):
                grant = _unasked(record)
                if grant is not None:
                    self._grant(grant, self._fold(grant.requester), record.weighed, entry.stamp)

    def grant(self, grant: GrantRequest) -> None:
        """Take in a grant of a log that nothing was weighed in; asked and minted under one id, it counts once."""
        self._until = max(self._until, grant.time)
        if grant.id not in self._seen:
            self._seen.add(grant.id)
            self._grant(grant, self._fold(grant.requester), None, grant.time)

    def result(self) -> DryRun:
        """What it came to."""
        return DryRun(
            since=self._since,
            until=self._until,
            position=self._position,
            grants=sum(counts["grants"] for counts in self._levels.values()),
            hit=sum(counts["denied"] + counts["stepped_up"] for counts in self._levels.values()),
            requesters=len(self._requesters),
            limits=tuple(hits.result() for hits in self._hits.values()),
            intents=tuple(
                IntentHits(intent=intent, grants=grants, eased=eased)
                for intent, (grants, eased) in self._within.items()
            ),
            levels=tuple(
                LevelHits(
                    sensitivity=level,
                    grants=counts["grants"],
                    denied=counts["denied"],
                    stepped_up=counts["stepped_up"],
                    eased=counts["eased"],
                )
                for level, counts in self._levels.items()
            ),
        )

    def _grant(self, grant: GrantRequest, requester: str, weighed: Weighed | None, now: float) -> None:
        if now < self._since:
            return
        level = stricter(grant.sensitivity, self._level(grant.resource))
        counts = self._levels[level or "unknown"]
        counts["grants"] += 1
        broken = self._limits.broken(grant, level)
        if broken:
            self._hit(grant, requester, broken)
            counts["denied" if any(one.verdict == "deny" for one in broken) else "stepped_up"] += 1
        intent = self._agreed(grant, requester, now)
        if intent is not None:
            eases = weighed is not None and not broken and _eases(weighed)
            self._within[intent][0] += 1
            self._within[intent][1] += eases
            counts["eased"] += eases

    def _hit(self, grant: GrantRequest, requester: str, broken: list[Broken]) -> None:
        _count(self._requesters, requester)
        for name in {one.name: None for one in broken}:
            hits = self._hits[name]
            hits.grants += 1
            for counter, key in ((hits.requesters, requester), (hits.resources, grant.resource)):
                if key in counter or len(counter) < MOST_TOLD_APART:
                    counter[key] += 1

    def _agreed(self, grant: GrantRequest, requester: str, now: float) -> str | None:
        found = self._intents.of(requester)
        if not found:
            return None
        resource = self._fold(grant.resource)
        return next((t.name for t in found if t.agrees(grant, resource) and t.on_time(now)), None)


def _unasked(record: Observed) -> GrantRequest | None:
    """The grant of an issuance that nobody had asked for before: one that was asked for is counted already."""
    counts = isinstance(record.event, Issuance) and record.teaches and record.decision is None
    return record.event.grant if isinstance(record.event, Issuance) and counts else None


def _eases(weighed: Weighed) -> bool:
    """Whether a row was stepped up on its evidence, and would not have been with an intent's ease."""
    step_up_at = weighed.step_up_at - weighed.eased
    stepped_up = (weighed.otherwise or weighed.verdict) == "step_up" or bool(weighed.eased)
    return stepped_up and step_up_at <= weighed.evidence < step_up_at + quantise(EASE)


def _count(known: dict[str, None], name: str) -> None:
    if len(known) < MOST_TOLD_APART:
        known[name] = None
