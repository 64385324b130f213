"""A broker asks before it mints: weigh, decide, log, answer. No baseline moves."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress

import msgspec

from detector.engine import raising, rule_life
from detector.engine.answers import Asked, ConflictingRequest
from detector.engine.decide import decide
from detector.engine.journal import Journal
from detector.engine.keys import asked_as
from detector.engine.ports import LogUnavailable
from detector.engine.records import Decided
from detector.events import GrantRequest


def ask(journal: Journal, request: GrantRequest, *, trusted: bool) -> Asked:
    """Answer a grant request.

    Only a `trusted` (broker-authenticated) ask moves the requester's risk.
    Asking twice with one id returns the first decision. Raises
    `ConflictingRequest` when the id was another request's.
    """
    known = _known(journal, request, trusted=trusted)
    if known is not None:
        return Asked(known, journal.flushed(), fresh=False)
    now = journal.now()
    decided, facets, judged = decide(journal.state, request, now, trusted=trusted)
    weighed = decided.weighed
    try:
        durable = journal.append(decided, now)
    except LogUnavailable as error:
        durable = Future()
        durable.set_exception(error)
    else:
        if trusted:
            with suppress(LogUnavailable):  # the answer stands; the next odd row raises the rule
                raising.raise_for(journal, facets, weighed, now)
                if decided.rule_bit:
                    rule_life.brake(journal, journal.state.memory.rules[str(decided.rule)])
    journal.heard("grant_request", weighed, decided.mode, judged)
    if decided.rule_stage is not None:
        journal.ear.rule_matched(decided.rule_stage, denied=decided.rule_bit)
    if decided.glass is not None:
        journal.ear.glass_broken()
    if decided.presented is not None:
        journal.ear.step_up("passed" if decided.presented.until else decided.presented.refused or "unneeded")
    return Asked(decided, durable, fresh=True)


def _known(journal: Journal, request: GrantRequest, *, trusted: bool) -> Decided | None:
    memory, key = journal.state.memory, asked_as(request)
    if trusted:
        decision = memory.asked.get(key)
        known = memory.decisions.get(decision) if decision else None
    else:
        known = memory.overheard.get(key)
    if known is None:
        return None
    # A retry may be stamped anew. Whatever else differs was not what the first answer was about.
    if msgspec.structs.replace(known.request, time=request.time) != request:
        message = f"id: {request.id!r} was another request's"
        raise ConflictingRequest(message)
    return known
