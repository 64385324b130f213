"""Logs tell what happened: weigh, as asking does; log; and let it teach after its quarantine."""

from __future__ import annotations

from typing import Final, cast

from detector.engine import announcing, judge, raising, rule_life
from detector.engine.answers import ConflictingRequest, Row, row
from detector.engine.ask import ask
from detector.engine.budgets import draw
from detector.engine.joins import HELD, HOLD_SECONDS
from detector.engine.journal import Journal
from detector.engine.keys import event_keys
from detector.engine.note import note_issuance, note_use
from detector.engine.records import Decided, Observed, Recalibrated, Weighed
from detector.events import Event, GrantRequest, Issuance, Usage
from detector.features.facets import ABSENT
from detector.features.rhythm import DAY

LATE_SECONDS: Final = 3600.0
"""An event this much older than the log's clock is counted as late. It is taken all the same."""


def observe(journal: Journal, event: Event, *, trusted: bool) -> list[Row]:
    """Take in what a log tells, and give the rows judged by it.

    None for a lifecycle change, a duplicate, or a usage that waits for its
    issuance; several when waiting usages are judged too. What an untrusted
    caller sends is recorded and judged, but moves no risk and teaches nothing.
    Raises `LogUnavailable` when the log takes no more.
    """
    now = journal.now()
    rows = release_due(journal, now)
    _turn(journal, journal.now())
    rule_life.tend(journal, now)
    announcing.announce(journal, now)
    now = journal.now()  # what was logged meanwhile was stamped later than this, and stamps never go back
    if isinstance(event, GrantRequest):
        try:
            asked = ask(journal, event, trusted=trusted)
        except ConflictingRequest:  # a log has nobody to tell: as any event, it is known by its id
            journal.ear.set_aside("duplicate")
            return rows
        return [*rows, _decided(asked.decision)] if asked.fresh else rows
    joins = journal.state.memory.joins
    known = joins.ids if trusted else joins.overheard
    if known.holds(event_keys(event)):
        journal.ear.set_aside("duplicate")
        return rows
    if event.time < now - LATE_SECONDS:
        journal.ear.set_aside("late")
    if isinstance(event, Issuance):
        rows.append(_issuance(journal, event, now, trusted=trusted))
        if trusted and event.outcome == "granted":
            rows.extend(_release(journal, event.credential))
    elif isinstance(event, Usage):
        if trusted and _waits(journal, event):
            journal.append(Observed(event=event, deadline=now + HOLD_SECONDS), now)
            journal.ear.set_aside("held")
        else:
            rows.append(_usage(journal, event, now, trusted=trusted, held=False))
    else:
        journal.append(Observed(event=event, teaches=trusted), now)
    return rows


def _turn(journal: Journal, now: float) -> None:
    """On another day than the last, thresholds are drawn anew. Only what logs tell does it: no ask waits."""
    reference, today = journal.state.memory.reference, int(now // DAY)
    if 0 < reference.day < today:
        journal.append(Recalibrated(today, draw(reference, journal.state.policy)), now)


def release_due(journal: Journal, now: float) -> list[Row]:
    """Judge the usages whose time to wait for their issuance is up at `now`."""
    joins = journal.state.memory.joins
    if not joins.held:
        return []
    return [_usage(journal, held.usage, journal.now(), trusted=True, held=True) for held in joins.due(now)]


def _release(journal: Journal, credential: str | None) -> list[Row]:
    """Judge the usages that waited for this credential's issuance."""
    waiting = journal.state.memory.joins.held.get(credential, []) if credential else []
    return [_usage(journal, held.usage, journal.now(), trusted=True, held=True) for held in list(waiting)]


def _issuance(journal: Journal, event: Issuance, now: float, *, trusted: bool) -> Row:
    state, grant = journal.state, event.grant
    record, facets, judged = note_issuance(state, event, now, trusted=trusted)
    weighed = cast("Weighed", record.weighed)
    journal.ear.joined("decision", found=record.decision is not None)
    journal.append(record, now, facets)
    if record.rule_stage is not None:
        journal.ear.rule_matched(record.rule_stage, denied=record.rule_bit)
    journal.heard("issuance", weighed, state.mode_for(grant.issuer, facets.requester), judged)
    if trusted:
        raising.raise_for(journal, facets, weighed, now)
    return row(
        weighed,
        id=event.id,
        kind="issuance",
        time=event.time,
        requester=facets.requester,
        issuer=grant.issuer,
        credential=event.credential,
    )


def _waits(journal: Journal, event: Usage) -> bool:
    """Whether a usage is of a credential whose issuance may still come."""
    joins, credential = journal.state.memory.joins, event.credential
    if not credential or joins.waiting >= HELD:
        return False
    return credential not in joins.leases and credential not in joins.strangers


def _usage(journal: Journal, event: Usage, now: float, *, trusted: bool, held: bool) -> Row:
    state = journal.state
    record, facets, judged = note_use(state, event, now, trusted=trusted, held=held)
    weighed, lease = cast("Weighed", record.weighed), judge.lease_for(state, event)
    journal.append(record, now, facets)
    journal.ear.joined("issuance", found=lease is not None)
    journal.heard("usage", weighed, state.mode_for(facets.issuer, facets.requester), judged)
    if trusted and lease is not None:
        raising.raise_for_use(journal, lease, weighed, now)
    return row(
        weighed,
        id=event.id,
        kind="usage",
        time=event.time,
        requester=facets.requester,
        issuer=None if facets.issuer == ABSENT else facets.issuer,
        credential=event.credential,
        issuance=lease.issuance if lease else None,
    )


def _decided(decision: Decided) -> Row:
    request = decision.request
    return row(
        decision.weighed,
        id=request.id,
        kind="grant_request",
        time=request.time,
        requester=decision.requester,
        issuer=request.issuer,
    )
