"""Beginning where a log was compacted: what its forgotten entries came to, as far as a report can tell it.

What was counted before is forgotten with the entries. Who exists and how far it reaches, what is live, which rules,
glasses and switches there are is known from the state that stands for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

from detector.engine.recent import Recent
from detector.engine.records import KillSwitchTurned
from detector.engine.state import State
from detector.features.facets import ABSENT, GRANT_FACETS
from detector.report.credentials import Lease, Task
from detector.report.emergencies import Window
from detector.report.fold import Fold
from detector.report.ledger import Reached

_RIGHT: Final = GRANT_FACETS.index("right")

Kept = TypeVar("Kept")


def begin(fold: Fold, state: State) -> None:
    """Let a fold begin with what the entries before it came to."""
    memory = state.memory
    fold.follow(memory.policy)
    fold.turns.begin(memory.policy)
    _identities(fold, state)
    _credentials(fold, state)
    for rule in memory.rules.values():
        fold.lives.begin(rule)
    for name, glass in memory.glasses.items():
        window = Window(glass.requester, glass.purpose, glass.opened, glass.until, counted=False)
        window.decisions, window.finding, window.reviewer = glass.decisions, glass.finding, glass.reviewer or None
        fold.glasses.begin(name, window)
    if memory.halted is not None:
        halt = memory.halted
        fold.switch.turned(KillSwitchTurned(engaged=True, by=halt.by, because=halt.because), halt.since, fold.period)
    for name, task in memory.tasks.pending.items():
        fold.approvals.begin(name, task.created, task.expires)
    fold.answers.askers.update(memory.askers)
    for decision in _each(memory.decisions):
        row = fold.row(decision.request, decision.requester, decision.request.time)
        fold.answers.decided(decision, row, decision.request.time, counted=False)


def _identities(fold: Fold, state: State) -> None:
    """Who was minted for, since when and until when, and every right that is still its habit."""
    level = state.sensitivities.level
    for name, habits in state.baselines.grants.habits.items():
        profile = fold.profiles.of(name, habits.since)
        if profile is None:
            continue
        profile.last, profile.days = max(profile.last, habits.until), habits.days
        reached = fold.reached[name] = Reached()
        for right in habits.counts[_RIGHT]:
            privilege, _, resource = right.partition(" on ")
            reached.rights[resource, "" if privilege == ABSENT else privilege] = level(resource) or ""
    for generation in (state.memory.joins.gone.old, state.memory.joins.gone.young):
        for name, at in generation.items():
            gone = fold.profiles.known(name)
            if gone is not None:
                gone.decommissioned = at


def _credentials(fold: Fold, state: State) -> None:
    joins, credentials = state.memory.joins, fold.credentials
    for generation in (joins.leases.old, joins.leases.young):
        for name, held in generation.items():
            privilege = "" if held.mint.privilege == ABSENT else held.mint.privilege
            row = fold.ledger.row(held.requester, held.issuer, held.mint.resource, privilege)
            row.at(held.minted)
            row.stakes(state.sensitivities.level(held.mint.resource) or "")
            row.ever += 1
            row.ever_used = row.ever_used or held.uses > 0
            lease = Lease(row=row, minted=held.minted, expires=held.expires, root=held.minted, task=held.task)
            lease.renewals, lease.ended, lease.uses = held.renewals, held.ended, held.uses
            credentials.begin(name, lease)
    for task, known in (*joins.tasks.old.items(), *joins.tasks.young.items()):
        credentials.tasks.put(task, Task(known.requester, known.ended))


def _each(recent: Recent[Kept]) -> Iterator[Kept]:
    """What is remembered, the oldest first."""
    yield from recent.old.values()
    yield from recent.young.values()
