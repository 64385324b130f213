"""A broker asks before it mints: weigh, decide, log, answer. No baseline moves."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Final

import msgspec

from detector.engine import judge, rulebook
from detector.engine.answers import Asked, ConflictingRequest, identifier
from detector.engine.journal import Journal
from detector.engine.ports import LogUnavailable
from detector.engine.records import Decided
from detector.engine.state import asked_for, by_id
from detector.events import GrantRequest

REPEAT_SECONDS: Final = 3600.0
"""The same request after a verdict other than allow adds nothing for this long: an
honest retry loop must not turn a false step-up into a deny."""

ID_DIGITS: Final = 24


def ask(journal: Journal, request: GrantRequest, *, trusted: bool) -> Asked:
    """Answer a grant request.

    Only a `trusted` (broker-authenticated) ask moves the requester's risk.
    Asking twice with one id returns the first decision. Raises
    `ConflictingRequest` when the id was another request's.
    """
    known = _known(journal, request, trusted=trusted)
    if known is not None:
        return Asked(known, journal.flushed(), fresh=False)
    state, now = journal.state, journal.now()
    memory = state.memory
    facets = judge.prepare_grant(state, request, now)
    requester = facets.requester
    weighed, shares = judge.weigh_grant(state, facets, now, asked=True)
    since = memory.refused.get(asked_for(requester, request.issuer, request.resource))
    if since is not None and now - since < REPEAT_SECONDS:
        weighed = msgspec.structs.replace(weighed, step=0, odd={})
    rule = rulebook.matching(state, facets, now)
    if rule is not None and rulebook.bites(rule, request):
        weighed = rulebook.denied(rule, weighed)
    mode = state.policy.mode_for(request.issuer)
    decision = Decided(
        decision=identifier("d", ID_DIGITS, request.id, requester, str(now), str(memory.position)),
        request=request,
        requester=requester,
        position=memory.position,
        weighed=weighed,
        answer=weighed.verdict if mode == "enforce" else "allow",
        mode=mode,
        moves_risk=trusted,
        rule=rule.id if rule else None,
        rule_mode=rule.mode if rule else None,
    )
    try:
        durable = journal.append(decision, now)
    except LogUnavailable as error:
        durable = Future()
        durable.set_exception(error)
    journal.heard("grant_request", weighed, request.issuer, shares)
    return Asked(decision, durable, fresh=True)


def _known(journal: Journal, request: GrantRequest, *, trusted: bool) -> Decided | None:
    memory = journal.state.memory
    decision = memory.asked.get(by_id(request.id, trusted=trusted))
    known = memory.decisions.get(decision) if decision else None
    if known is None:
        return None
    asked = known.request
    if (asked.requester, asked.issuer, asked.resource) != (request.requester, request.issuer, request.resource):
        message = f"id: {request.id!r} was another request's"
        raise ConflictingRequest(message)
    return known
