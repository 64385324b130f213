"""Access requests, and what an approval is worth: what was approved and no more, while risk stays as it was.

An approval is input to a new decision, never the decision. It answers a step-up; it does not answer a deny, a rule
or evidence that has come since. Which request it was given for is told by its scope: everything that was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

import msgspec

from detector.engine.asking_records import AccessRequested, AccessSettled, Presented
from detector.engine.journal import Journal
from detector.engine.records import Outcome, Weighed
from detector.engine.state import State
from detector.engine.tasks import MOST_OF_ONE, MOST_PENDING, Task
from detector.events import GrantRequest
from detector.features.places import place

SCOPE_DIGITS: Final = 32
"""Hexadecimal digits of a scope: 128 bits, so that nobody finds two requests that share one."""

OUTSIDE: Final = frozenset({"id", "time", "ttl_seconds", "approval", "unknown"})
"""Fields that are not in the scope: which asking it was, what nothing is made of; and the lifetime may be shorter."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class Unavailable(Exception):
    """No further access request is taken now; the text says why, `crowd` whose."""

    def __init__(self, message: str, *, crowd: str) -> None:
        super().__init__(message)
        self.crowd = crowd


def scope_of(request: GrantRequest, fold: Callable[[str], str]) -> str:
    """What a request asks for, as a digest: alike for whoever asks for exactly the same, from the same network.

    `fold` makes the requester canonical; that it comes from another address of one network changes nothing.
    """
    asked = {name: getattr(request, name) for name in request.__struct_fields__ if name not in OUTSIDE}
    source = request.source
    if source.ip is not None:
        network = place(source.ip).network
        asked["source"] = msgspec.structs.replace(source, ip=None, network=f"{network} {source.network or ''}")
    asked["requester"] = fold(request.requester)
    return hashlib.sha256(_ENCODER.encode(asked)).hexdigest()[:SCOPE_DIGITS]


def presented(state: State, request: GrantRequest, weighed: Weighed, now: float, *, trusted: bool) -> Presented | None:
    """What the approval comes to that a request is presented with; `None` where it has none.

    `weighed` is what the request came to without it, rules and limits included.
    """
    approval = request.approval
    if approval is None:
        return None
    found = state.memory.tasks.named(approval=approval) if approval and trusted else None
    if found is None:
        return Presented(approval=approval, refused="approval_unverifiable")
    _, task = found
    outcome = state.memory.outcomes.get(task.decision)
    spoken_against = outcome is not None and outcome[0] not in {"approved", "legitimate"}
    if now >= task.until or task.used >= task.uses or spoken_against:
        return Presented(approval=approval, refused="approval_expired")
    if scope_of(request, state.identities.fold) != task.scope or not _within(request.ttl_seconds, task.ttl_seconds):
        return Presented(approval=approval, refused="out_of_scope")
    if weighed.verdict == "deny" or not set(weighed.limits).issubset(task.limits):
        return Presented(approval=approval, refused="policy_denied")
    if weighed.verdict == "allow":
        return Presented(approval=approval)
    if weighed.evidence > task.evidence + task.margin:
        return Presented(approval=approval, refused="out_of_scope")
    return Presented(approval=approval, until=task.until)


def answered(weighed: Weighed) -> Weighed:
    """What a step-up comes to that an approval answers: it is allowed, and adds nothing to risk."""
    return msgspec.structs.replace(weighed, verdict="allow", step=0, otherwise=None)


def request(journal: Journal, record: AccessRequested) -> Future[int]:
    """Log an access request. Raises `Unavailable` where too many are waiting."""
    tasks = journal.state.memory.tasks
    if len(tasks.pending) >= MOST_PENDING:
        raise Unavailable(f"{MOST_PENDING} access requests are waiting for an answer", crowd="everybody's")
    if tasks.open.get(record.requester, 0) >= MOST_OF_ONE:
        raise Unavailable(f"{MOST_OF_ONE} access requests of this requester are waiting already", crowd="its own")
    journal.ear.step_up("requested")
    return journal.append(record, journal.now())


def settleable(journal: Journal, record: AccessSettled) -> Task:
    """The access request that is to be settled. Raises `KeyError` for an unknown one, `ValueError` in another state."""
    task = journal.state.memory.tasks.get(record.task)
    if task is None:
        raise KeyError(record.task)
    state = task.state(journal.now())
    wanted = "approved" if record.status == "revoked" else "pending"
    if state != wanted:
        raise ValueError(f"it is {state}")
    return task


def settle(journal: Journal, record: AccessSettled) -> Future[int]:
    """Log what became of one. Raises as `settleable` does."""
    settleable(journal, record)
    journal.ear.step_up(record.status)
    return journal.append(record, journal.now())


OUTCOMES: Final[dict[str, Outcome]] = {"approved": "approved", "denied": "refused"}
"""What an answer says of the decision that it was asked for."""


def _within(asked: float | None, approved: float | None) -> bool:
    """Whether a lifetime is no longer than the one that was approved; one that is not told is like no other."""
    return asked == approved if asked is None or approved is None else asked <= approved
