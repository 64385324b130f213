"""What a grant request comes to: weighed, held against rules, softened by the mode. Reads the state, changes nothing.

Deciding again at the same state gives the same decision, which is how the log is verified.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from detector.engine import access, glass, judge, policing, rulebook, wear
from detector.engine.answers import identifier
from detector.engine.judge import Judged
from detector.engine.keys import asked_for
from detector.engine.records import Decided, Glass, Weighed
from detector.engine.state import State
from detector.events import GrantRequest
from detector.features.facets import GRANT_FACETS, Facets
from detector.policies import Advice, Broken, within
from detector.verdict import answer_mode, told

REPEAT_SECONDS: Final = 3600.0
"""The same request after a verdict other than allow adds nothing for this long: an
honest retry loop must not turn a false step-up into a deny."""

ID_DIGITS: Final = 14
"""Beside the log position, which comes first so that decisions sort by time: an index
of random ids costs a page for each of them."""


_RESOURCE: Final = GRANT_FACETS.index("resource")


class Deciding(NamedTuple):
    """A decision, and what it was made of: the facets, what each said, and what the request came to."""

    decided: Decided
    facets: Facets
    judged: Judged


def decide(state: State, request: GrantRequest, now: float, *, trusted: bool) -> Deciding:
    """Decide a request as the state stands at `now` (Unix seconds). `trusted` is whether a broker is known to ask."""
    memory = state.memory
    facets = judge.prepare_grant(state, request, now)
    requester = facets.requester
    judged = judge.weigh_ask(state, facets, now)
    weighed = _once(state, request, requester, judged.weighed, now)
    weighed = policing.eased(state, request, facets, weighed, now)
    rule = rulebook.matching(state, facets, now)
    bit = rule is not None and rule.bites(request.id)
    if rule is not None and bit:
        weighed = rulebook.denied(rule, weighed)
    broken = policing.broken(state, request)
    weighed = policing.limited(weighed, broken, request)
    presented = access.presented(state, request, weighed, now, trusted=trusted)
    if presented is not None and presented.until:
        weighed = access.answered(weighed)
    name = identifier(f"d-{memory.position:010x}", ID_DIGITS, request.id, requester, str(now))
    through = _glass(state, request, requester, now, decision=name, trusted=trusted)
    opened = through if isinstance(through, Glass) else None
    mode = answer_mode(state.mode_for(request.issuer, requester), glass=opened is not None)
    peers = state.baselines.peers.profiles.get(facets.peers)
    own = state.baselines.grants.habits.get(requester)
    decided = Decided(
        decision=name,
        request=request,
        requester=requester,
        position=memory.position,
        weighed=weighed,
        answer=told(weighed.verdict, mode),
        mode=mode,
        moves_risk=trusted,
        rule=rule.id if rule else None,
        rule_stage=rule.stage if rule else None,
        rule_bit=bit,
        learnt=own.events if own is not None else 0,
        issuer_known=request.issuer in state.baselines.grants.issuers,
        group=facets.peers if peers is not None else None,
        sure=facets.sure,
        fellows=peers.members if peers is not None else 0,
        glass=opened,
        glass_refused="" if through is None or opened is not None else str(through),
        advice=_advice(state, request, facets, broken),
        presented=presented,
    )
    return Deciding(decided, facets, judged)


def _advice(state: State, request: GrantRequest, facets: Facets, broken: list[Broken]) -> Advice | None:
    """What to ask for instead: to keep the limits, and what was ever seen to be enough."""
    resource = facets.values[_RESOURCE]
    enough = wear.advice(state.memory.worn, request, facets.requester, resource)
    kept = within(broken) if broken else None
    return enough if kept is None else kept.joined(enough)


def _once(state: State, request: GrantRequest, requester: str, weighed: Weighed, now: float) -> Weighed:
    """What a request adds to risk, unless the same one was refused lately."""
    since = state.memory.refused.get(asked_for(requester, request.issuer, request.resource))
    if since is not None and now - since < REPEAT_SECONDS:
        return msgspec.structs.replace(weighed, step=0)
    return weighed


def _glass(
    state: State, request: GrantRequest, requester: str, now: float, *, decision: str, trusted: bool
) -> Glass | str | None:
    """The glass that a request passes through, or why it does not; `None` where none was to be broken."""
    if not request.break_glass:
        return None
    if not trusted:
        return glass.UNTRUSTED
    return glass.passing(state.memory, request, requester, now, decision=decision)
