"""What others are told: credentials that should work no more, and requesters whose risk is at another level.

Announcing is appending: what is announced is in the log, once, and whoever delivers it reads it there. Only where
enforcement is on: under observe, shadow, the kill switch or a broken glass nothing is announced. What untrusted
callers send announces nothing, for it moves no risk and folds into no credential.

A credential that should work no more is announced in two kinds, for two readers: `credential_change` to whom
it was issued by or kept at, `session_revoked` to those who let it in. One is not put for the
other: a receiver mostly understands only one of them.
"""

from __future__ import annotations

from contextlib import suppress
from math import log2
from typing import Final, get_args

from detector.engine import glass
from detector.engine.agenda import Errand, Moved, requester_key, task_key
from detector.engine.joins import SKEW_SECONDS, Lease
from detector.engine.journal import Journal
from detector.engine.ports import LogUnavailable
from detector.engine.recalls import MOST_ELEVATED, STALE_SECONDS, Recall, told_key
from detector.engine.records import Announced, Announcement, AnnouncementCode, RiskLevel
from detector.engine.state import State
from detector.evidence import quantised
from detector.risk.accumulated import HALF_LIFE_SECONDS
from detector.rules import Selector

HIGH: Final = 1.0
MEDIUM: Final = 0.5
"""Where a requester's risk level begins, in parts of the risk that raises a deny rule (`rules.raise_at`)."""

KEEPS: Final = 0.75
"""A level ends at this part of where it began: risk that wavers about a threshold must not be news all day."""

MOST_AT_ONCE: Final = 100
"""Credentials announced in one go, some milliseconds; the rest follow at the next look, a quarter of a second later."""

LONGEST_REASON: Final = 500
"""Characters of a reason that others are told."""

LEVELS: Final = get_args(RiskLevel)
"""The least first."""

LOOK_AGAIN_SECONDS: Final = 60.0
"""When a level that has faded may not be announced just now it is looked at again after this."""

REVOKING: Final[tuple[Announcement, ...]] = ("credential_change", "session_revoked")
"""How a credential that should work no more is announced: that it was revoked, then that what it opened is closed."""

KNOWN_OF_LEASES: Final = frozenset({"issuer", "resource", "privilege", "network", "consumer"})
"""What a rule may name that a lease still shows."""


def announce(journal: Journal, now: float) -> None:
    """Announce what is due by `now`. What the log does not take now stays due."""
    agenda = journal.state.agenda
    with suppress(LogUnavailable):
        while agenda.moved:
            requester, moved = next(iter(agenda.moved.items()))
            _level(journal, requester, moved, now)
            agenda.moved.pop(requester, None)
        while (faded := agenda.faded(now)) is not None:
            _faded(journal, faded, now)
        while (errand := agenda.next(now)) is not None and _attended(journal, errand, now):
            agenda.done()


# -- credentials -----------------------------------------------------------------------------------


def _attended(journal: Journal, errand: Errand, now: float) -> bool:
    """Announce what an errand is about; whether nothing of it is left."""
    recalls = journal.state.memory.recalls
    if errand.kind == "recall":
        recall = recalls.due.get(errand.key)
        return recall is None or now - recall.at > STALE_SECONDS or _recalled(journal, recall, now)
    task, timeout = errand.key, journal.state.policy.task_timeout_seconds
    code: AnnouncementCode = "task_ended" if errand.kind == "ended" else "task_timed_out"
    because = f"its task {task} had ended"
    if errand.kind == "timed_out":
        if not timeout:
            return True
        because = f"its task {task} had been at work for longer than {timeout:g} seconds"
    return _revoke_listed(journal, task_key(task), Recall(now, code, task, because, (), ""), now)


def _recalled(journal: Journal, recall: Recall, now: float) -> bool:
    if recall.credential is None:
        return _revoke_listed(journal, requester_key(recall.requester), recall, now)
    lease = journal.state.memory.joins.leases.get(recall.credential)
    if lease is not None and _alive(lease, now) and _enforced(journal.state, lease, now):
        _revoke(journal, recall.credential, lease, recall, now)
    return True


def _revoke_listed(journal: Journal, whose: str, recall: Recall, now: float) -> bool:
    """Announce the live credentials that a requester or a task holds, those that live longest first.

    Only so many at once: gives whether none is left. Those minted after the recall are not meant.
    """
    state = journal.state
    leases, told = state.memory.joins.leases, state.memory.recalls.told
    dead: set[str] = set()
    meant: list[tuple[str, Lease]] = []
    for credential in state.agenda.leases.of(whose):
        lease = leases.get(credential)
        if lease is None or not _alive(lease, now) or all(told_key(kind, credential) in told for kind in REVOKING):
            dead.add(credential)
        elif (
            lease.minted <= recall.at + SKEW_SECONDS
            and _covers(recall.selector, lease, state)
            and _enforced(state, lease, now)
        ):
            meant.append((credential, lease))
    meant.sort(key=lambda pair: -(pair[1].expires or float("inf")))
    try:
        for credential, lease in meant[:MOST_AT_ONCE]:
            _revoke(journal, credential, lease, recall, now)
            dead.add(credential)
    finally:
        if dead:
            state.agenda.leases.drop(whose, dead)
    return len(meant) <= MOST_AT_ONCE


def _revoke(journal: Journal, credential: str, lease: Lease, recall: Recall, now: float) -> None:
    """Announce one credential, in each kind that it was not announced in before."""
    told = journal.state.memory.recalls.told
    for kind in REVOKING:
        if told_key(kind, credential) in told:
            continue
        announced = Announced(
            kind=kind,
            code=recall.code,
            requester=lease.requester,
            issuer=lease.issuer,
            cause=recall.cause,
            because=recall.because[:LONGEST_REASON],
            codes=recall.codes,
            credential=credential,
            issuance=lease.issuance,
            resource=lease.mint.resource,
            task=lease.task,
            expires=lease.expires,
        )
        _append(journal, announced, now)


def _append(journal: Journal, announced: Announced, now: float) -> None:
    journal.append(announced, now)
    journal.ear.announced(announced.kind)


def _alive(lease: Lease, now: float) -> bool:
    return lease.ended is None and (lease.expires is None or now < lease.expires)


def _enforced(state: State, lease: Lease, now: float) -> bool:
    """Whether enforcement is on for whoever minted a credential, and not passed by a broken glass."""
    if state.mode_for(lease.issuer, lease.requester) != "enforce":
        return False
    return not glass.open_for(state.memory, lease.requester, now)


def _covers(selector: Selector | None, lease: Lease, state: State) -> bool:
    """Whether a credential is within a rule's scope.

    Where the scope names what leases do not show, only a credential that was flagged at its mint is taken
    for one: a rule is narrow, and what it was not raised for goes on.
    """
    if selector is None:
        return True
    shown = {
        "issuer": lease.issuer,
        "resource": lease.mint.resource,
        "privilege": lease.mint.privilege,
        "network": lease.mint.place.network,
        "consumer": lease.mint.consumer,
    }
    names = selector.names()
    if any(getattr(selector, name) != shown[name] for name in names if name in shown):
        return False
    return KNOWN_OF_LEASES.issuperset(names) or f"I{lease.issuance}" in state.memory.flagged


# -- risk ------------------------------------------------------------------------------------------


def level_of(nats: float, before: RiskLevel, raise_at: float) -> RiskLevel:
    """The level of so much accumulated risk, where it was at `before`.

    >>> [level_of(nats, "LOW", 8.0) for nats in (3.9, 4.0, 8.0)], level_of(3.1, "MEDIUM", 8.0)
    (['LOW', 'MEDIUM', 'HIGH'], 'MEDIUM')
    """
    high, medium = HIGH * raise_at, MEDIUM * raise_at
    if nats >= high or (before == "HIGH" and nats >= KEEPS * high):
        return "HIGH"
    if nats >= medium or (before != "LOW" and nats >= KEEPS * medium):
        return "MEDIUM"
    return "LOW"


def _level(journal: Journal, requester: str, moved: Moved, now: float) -> None:
    """Announce a requester's level if it is another than was told, and see when it will have faded."""
    state, agenda = journal.state, journal.state.agenda
    levels, raise_at = state.memory.recalls.levels, state.policy.rules.raise_at
    known = levels.get(requester)
    before: RiskLevel = known.level if known is not None else "LOW"
    nats = _nats(state, requester, now)
    after = level_of(nats, before, raise_at)
    full = known is None and len(levels) >= MOST_ELEVATED
    if after != before and not full and state.mode_for(moved.issuer, requester) == "enforce":
        rose = LEVELS.index(after) > LEVELS.index(before)
        because = f"its risk rose to {nats:.1f} nats: {moved.because}" if rose else f"its risk faded to {nats:.1f} nats"
        announced = Announced(
            kind="risk_level_change",
            code="risk",
            requester=requester,
            issuer=moved.issuer,
            cause=moved.cause,
            because=because[:LONGEST_REASON],
            codes=moved.codes if rose else (),
            before=before,
            after=after,
        )
        _append(journal, announced, now)
        if after != "LOW":
            agenda.fades(now + _until_faded(nats, after, raise_at), requester)
    elif before not in {"LOW", after}:
        agenda.fades(now + LOOK_AGAIN_SECONDS, requester)


def _faded(journal: Journal, requester: str, now: float) -> None:
    """Look at a requester whose level should have fallen by now; where it has not, look again when it will have."""
    state, agenda = journal.state, journal.state.agenda
    known = state.memory.recalls.levels.get(requester)
    if known is None:
        return
    raise_at = state.policy.rules.raise_at
    nats = _nats(state, requester, now)
    if level_of(nats, known.level, raise_at) == known.level:
        agenda.fades(now + _until_faded(nats, known.level, raise_at), requester)
        return
    try:
        _level(journal, requester, Moved(known.issuer, "", "", ()), now)
    except LogUnavailable:
        agenda.fades(now + LOOK_AGAIN_SECONDS, requester)
        raise


def _nats(state: State, requester: str, now: float) -> float:
    """What logs bore out against a requester. Asks alone announce nothing, whoever asks."""
    standing = state.memory.standings.get(requester)
    return quantised(standing.risk.observed_level(now)) if standing is not None else 0.0


def _until_faded(nats: float, level: RiskLevel, raise_at: float) -> float:
    """Seconds until risk, left alone, is below where a level ends; one at least."""
    ends = KEEPS * (HIGH if level == "HIGH" else MEDIUM) * raise_at
    return HALF_LIFE_SECONDS * log2(max(nats / ends, 1.0)) + 1.0
