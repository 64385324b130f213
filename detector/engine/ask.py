"""A broker asks before it mints: weigh, decide, log, answer. No baseline moves."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from typing import Final

import msgspec

from detector.engine import judge, rulebook
from detector.engine.answers import Asked, ConflictingRequest, identifier
from detector.engine.journal import Journal
from detector.engine.keys import asked_for, by_id
from detector.engine.ports import LogUnavailable
from detector.engine.records import Decided
from detector.events import GrantRequest

REPEAT_SECONDS: Final = 3600.0
"""The same request after a verdict other than allow adds nothing for this long: an
honest retry loop must not turn a false step-up into a deny."""

ID_DIGITS: Final = 14
"""Beside the log position, which comes first so that decisions sort by time: an index
of random ids costs a page for each of them."""


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
    judged = judge.weigh_ask(state, facets, now)
    weighed = judged.weighed
    since = memory.refused.get(asked_for(requester, request.issuer, request.resource))
    if since is not None and now - since < REPEAT_SECONDS:
        weighed = msgspec.structs.replace(weighed, step=0)
    rule = rulebook.matching(state, facets, now)
    if rule is not None and rulebook.bites(rule, request):
        weighed = rulebook.denied(rule, weighed)
    peers = state.baselines.peers.profiles.get(facets.peers)
    mode, own = state.policy.mode_for(request.issuer), state.baselines.grants.habits.get(requester)
    decision = Decided(
        decision=identifier(f"d-{memory.position:010x}", ID_DIGITS, request.id, requester, str(now)),
        request=request,
        requester=requester,
        position=memory.position,
        weighed=weighed,
        answer=weighed.verdict if mode == "enforce" else "allow",
        mode=mode,
        moves_risk=trusted,
        rule=rule.id if rule else None,
        rule_mode=rule.mode if rule else None,
        learnt=own.events if own is not None else 0,
        issuer_known=request.issuer in state.baselines.grants.issuers,
        group=facets.peers if peers is not None else None,
        sure=facets.sure,
        fellows=peers.members if peers is not None else 0,
    )
    try:
        durable = journal.append(decision, now)
    except LogUnavailable as error:
        durable = Future()
        durable.set_exception(error)
    else:
        if trusted and weighed.verdict != "allow":
            with suppress(LogUnavailable):  # the answer stands; the next odd row raises the rule
                rulebook.raise_for(journal, facets, weighed, now)
    journal.heard("grant_request", weighed, request.issuer, judged)
    return Asked(decision, durable, fresh=True)


def _known(journal: Journal, request: GrantRequest, *, trusted: bool) -> Decided | None:
    memory, key = journal.state.memory, by_id(request.id)
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
