"""The fold: entries of a log in, a report out. One pass, bounded memory, no clock: equal entries give equal bytes.

A kind of record that nothing here knows is counted by its name and otherwise passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from detector.engine.asking_records import AccessRequested, AccessSettled
from detector.engine.policy import Policy
from detector.engine.policy_records import IntentReauthorised, PolicyApplied, PolicyTried
from detector.engine.records import (
    Accessed,
    Announced,
    BreakGlassReviewed,
    Compacted,
    Configured,
    Decided,
    Entry,
    KeyRotated,
    KillSwitchTurned,
    Observed,
    OutcomeRecorded,
    Recalibrated,
    Record,
    Released,
    RuleChanged,
    Weighed,
)
from detector.events import GrantRequest, Issuance, Lifecycle, Usage
from detector.features.identity import Identities
from detector.features.names import power
from detector.features.remembering import remembered
from detector.features.sensitivity import Sensitivities
from detector.report.answers import Answers
from detector.report.approvals import Approvals
from detector.report.counts import Verdicts
from detector.report.credentials import Credentials, Lease
from detector.report.doings import Doings
from detector.report.emergencies import Glasses, Switch
from detector.report.ledger import Ledger, Reached, Row
from detector.report.lives import Lives
from detector.report.period import Period
from detector.report.profiles import Profiles
from detector.report.telling import opaque
from detector.report.thresholds import LIMITS
from detector.report.turns import Turns

PAGE: Final = 1_000
"""Entries between two words to whoever waits: a hundredth of a second's work."""

_EVENTS: Final[dict[type, str]] = {
    Issuance: "issuance_observed",
    Usage: "usage_observed",
    Lifecycle: "lifecycle_observed",
}


class Fold:
    """Everything that a report is made of, as far as the log was seen."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self.first = self.last = 0
        self.stamp: float | None = None
        self.ended = False
        self.kinds: Counter[str] = Counter()
        self.kinds_in_period: Counter[str] = Counter()
        self.ledger, self.credentials, self.answers = Ledger(), Credentials(), Answers()
        since = float("-inf") if period.since is None else period.since
        self.profiles, self.approvals = Profiles(LIMITS, since), Approvals(since)
        self.glasses, self.switch, self.lives, self.turns = Glasses(), Switch(), Lives(), Turns()
        self.usages, self.waiting = Verdicts(), 0
        self.lifecycle: Counter[str] = Counter()
        self.untrusted_requests = self.untrusted_events = self.citing = 0
        self.doings = Doings()
        self.reached: dict[str, Reached] = {}
        self.follow(Policy())

    def follow(self, policy: Policy) -> None:
        """Make names canonical, and tell sensitivities, as this policy does."""
        identities = Identities(policy.identity)
        self._canonical: Callable[[str], str] = remembered(lambda name: name if opaque(name) else identities.fold(name))
        self._level = Sensitivities(policy.sensitivity).level

    def see(self, entry: Entry) -> None:
        """Take in one entry; they come in the log's order, and none that is past the period."""
        record, now = entry.record, entry.stamp
        counted = self.period.begun(now)
        kind = kind_of(record)
        self.kinds[kind] += 1
        if counted:
            self.kinds_in_period[kind] += 1
        self.first, self.last, self.stamp = self.first or entry.position, entry.position, now
        if isinstance(record, Observed):
            self._observed(record, now, counted=counted)
        elif isinstance(record, Decided):
            self._decided(record, now, counted=counted)
        elif isinstance(record, Released):
            self.waiting -= 1
            self._used(record.event, record.weighed, now, counted=counted)
        else:
            self._turned(entry, counted=counted)

    def _turned(self, entry: Entry, *, counted: bool) -> None:
        """What changed no credential."""
        record, now = entry.record, entry.stamp
        if isinstance(record, OutcomeRecorded):
            self.answers.said(record, now, counted=counted)
        elif isinstance(record, RuleChanged):
            self.lives.changed(record, now, counted=counted)
        elif isinstance(record, BreakGlassReviewed):
            self.glasses.reviewed(record, now, counted=counted)
        elif isinstance(record, KillSwitchTurned):
            self.switch.turned(record, now, self.period)
        elif isinstance(record, Configured):
            self.follow(record.policy)
            self.turns.configured(record, entry.position, now, counted=counted)
        elif isinstance(record, Recalibrated):
            self.turns.recalibrated(record, entry.position, now, counted=counted)
        elif isinstance(record, AccessRequested):
            self.approvals.requested(record, now, counted=counted)
        elif isinstance(record, AccessSettled):
            self.approvals.settled(record, now, counted=counted)
        elif counted:
            self._done(entry)

    def _done(self, entry: Entry) -> None:
        """What only matters where it is counted."""
        record = entry.record
        if isinstance(record, Announced):
            self.doings.announced(record)
        elif isinstance(record, Accessed):
            self.doings.read(record)
        elif isinstance(record, PolicyTried | PolicyApplied | IntentReauthorised | KeyRotated | Compacted):
            self.turns.turned(record, kind_of(record), entry.position, entry.stamp)

    # -- asking -----------------------------------------------------------------------------------

    def _decided(self, record: Decided, now: float, *, counted: bool) -> None:
        if not record.moves_risk:
            self.untrusted_requests += counted
            return
        request, requester = record.request, record.requester
        at = min(request.time, now)
        profile = self.profiles.of(requester, at)
        row = self.row(request, requester, at)
        if counted:
            self.doings.weighed(record.weighed, advised=record.advice is not None)
            self.approvals.presented(record.presented)
            row.requests.add(record.weighed.verdict)
            row.told.add(record.answer)
            if record.mode == "kill_switch":
                self.switch.answered()
        if profile is not None:
            self.profiles.granted(profile, request, self._canonical, at, once=True, counted=counted)
            profile.glasses += bool(counted and record.glass is not None and record.glass.opened_by == record.decision)
        self.answers.decided(record, row, now, counted=counted)
        self.glasses.decided(record, now, counted=counted)
        if record.rule is not None:
            self.lives.matched(record, counted=counted)

    def row(self, grant: GrantRequest, requester: str, at: float) -> Row:
        """The row that a grant of this time belongs to."""
        if self.profiles.known(requester) is None:
            self.ledger.left_off += 1
            return self.ledger.rest
        resource = self._canonical(grant.resource)
        row = self.ledger.row(requester, grant.issuer, resource, grant.privilege or "")
        row.at(at)
        if grant.sensitivity:
            row.stakes(grant.sensitivity)
        elif not row.sensitivity and not opaque(grant.resource):
            row.stakes(self._level(grant.resource) or "")
        return row

    # -- observing --------------------------------------------------------------------------------

    def _observed(self, record: Observed, now: float, *, counted: bool) -> None:
        event = record.event
        if not record.teaches:
            self.untrusted_events += counted
        elif isinstance(event, Issuance):
            self._issued(event, record, now, counted=counted)
        elif isinstance(event, Lifecycle):
            self._changed(event, now, counted=counted)
        elif record.weighed is None:
            self.waiting += 1
        else:
            self._used(event, record.weighed, now, counted=counted)

    def _issued(self, event: Issuance, record: Observed, now: float, *, counted: bool) -> None:
        grant = event.grant
        requester, at = self._canonical(grant.requester), min(grant.time, now)
        profile = self.profiles.of(requester, at)
        row = self.row(grant, requester, at)
        if profile is not None:
            once = record.decision is None
            self.profiles.granted(profile, grant, self._canonical, at, once=once, counted=counted)
        if record.rule is not None:
            self.lives.matched(record, counted=counted)
        if event.outcome != "granted":
            row.refused += counted
            return
        row.ever += 1
        self._minted(event, record, row, now, counted=counted)
        if profile is None:
            return
        if grant.task and self.credentials.work(grant.task, requester) and counted:
            profile.borrowed += 1
        if profile.decommissioned is not None and at > profile.decommissioned and counted:
            profile.after_end += 1

    def _minted(self, event: Issuance, record: Observed, row: Row, now: float, *, counted: bool) -> None:
        grant = event.grant
        before = "never_asked"
        if record.decision is not None:
            before = self.answers.minted(record.decision, counted=counted)
        if counted:
            if record.weighed is not None and record.decision is None:
                self.doings.weighed(record.weighed, advised=False)
            row.before.add(before)
            row.minted.add(record.weighed.verdict if record.weighed is not None else "allow")
            row.renewals += grant.renewal_of is not None
            self.citing += event.decision is not None and record.decision is None
        expires = event.expires_at
        if expires is None and grant.ttl_seconds is not None:
            expires = grant.time + grant.ttl_seconds
        if counted and record.decision is not None and self.answers.outlives(record.decision, expires):
            self.approvals.outlived()
        lease = Lease(row=row, minted=grant.time, expires=expires, root=grant.time, task=grant.task)
        self.credentials.mint(event.credential, lease, renews=grant.renewal_of, now=now, counted=counted)

    def _used(self, event: Usage, weighed: Weighed, now: float, *, counted: bool) -> None:
        if counted:
            self.usages.add(weighed.verdict)
        at = min(event.time, now)
        lease = self.credentials.use(event.credential, at, counted=counted)
        if lease is None:
            return
        lease.row.ever_used = True
        if counted:
            lease.row.used.add(_power(event), denied=event.outcome == "denied")
        profile = self.profiles.known(lease.row.requester)
        if profile is not None:
            profile.last = max(profile.last, at)
            self.profiles.used(profile, event.source, at, counted=counted)

    def _changed(self, event: Lifecycle, now: float, *, counted: bool) -> None:
        if counted:
            self.lifecycle[event.change] += 1
        at = min(event.time, now)
        if event.change == "revoked":
            self.credentials.revoke(event.subject, at)
        elif event.change == "task_completed":
            self.credentials.end(event.subject, at)
        elif event.change == "decommissioned":
            profile = self.profiles.known(self._canonical(event.subject))
            if profile is not None:
                profile.decommissioned = at


def fold(
    entries: Iterable[Entry], period: Period, *, made: Fold | None = None, paged: Callable[[int], None] | None = None
) -> Fold:
    """Fold a log's entries up to the period's end; `paged` hears after every thousand of them, and may raise.

    `made` is a fold that has begun already (`detector.report.base`).
    """
    made = Fold(period) if made is None else made
    for number, entry in enumerate(entries, 1):
        if period.over(entry.stamp):
            made.ended = True
            break
        made.see(entry)
        if paged is not None and number % PAGE == 0:
            paged(PAGE)
    return made


def kind_of(record: Record) -> str:
    """The record's kind, as the log's JSON names it."""
    if isinstance(record, Observed):
        return _EVENTS[type(record.event)]
    return str(record.__struct_config__.tag)


def _power(event: Usage) -> str:
    if not event.action or opaque(event.action):
        return "unnamed"
    return power(event.action)
