"""Weighing one event against the state: facets, odds, shares, and what they come to.

Reads the state and changes nothing. `prepare_*` gives what an event is weighed
as, and will teach; `weigh` what that comes to at the requester's present risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf
from typing import Final, NamedTuple

from detector.baselines.family import Weighing
from detector.baselines.habits import COLD_EVENTS
from detector.engine import approvals, maintenance
from detector.engine.budgets import wealth_limit
from detector.engine.joins import Lease
from detector.engine.memory import Standing
from detector.engine.oddities import HELD_SECONDS, ODDITY_SECONDS
from detector.engine.outcomes import CLEARED, said
from detector.engine.policy import COLD_SHARE
from detector.engine.records import Observed, Released, Weighed
from detector.engine.state import State
from detector.engine.words import reasons
from detector.events import GrantRequest, Issuance, Lifecycle, Usage
from detector.evidence import GRANT_CODES, QUANTA, USE_CODES, in_nats, quantise, quantised, shares
from detector.features.facets import (
    ABSENT,
    GRANT_FACETS,
    SHOWN_WITH,
    UNMINTED,
    Facets,
    GrantContext,
    grant_facets,
    use_facets,
)
from detector.features.pulse import Pulse
from detector.risk import worth
from detector.risk.reach import MOST_DEVIATIONS
from detector.verdict import Reason, Verdict, judge

ODD_FROM: Final = 0.5
"""Nats from which a new or rare value is remembered as an oddity: below it, counting twice does no harm."""

ECHO: Final = 0.2
"""What an oddity still says when the same requester shows it again before it is
learnt: a redeploy repeats its news with every request, and once was the news. Not to
who asks for what was flagged: that is held against him until somebody answers for it."""

ROLL_OUT: Final = 0.6
"""What is left of an oddity's word for each other requester that showed it these days:
what many take up at once is a roll-out. Who was flagged for it does not count for those who ask:
a thief who holds many identities is seen at it. Wrong where he is not."""

CARRY_FROM: Final = 3.0
CARRY_FULL: Final = 12.0
"""What had accumulated counts in full against a row with at least `CARRY_FULL` nats
of its own, and not at all against one with less than `CARRY_FROM`: the victim's own
ordinary requests, in the middle of an attack on its identity, stay ordinary."""

CARRY_TO: Final = 18.0
"""How far (nats) what had accumulated brings a row: three times what is stepped up. Past it a row's own
word is enough, and its history no reason for the verdict."""

LATELY_SECONDS: Final = 86_400.0
"""Four half-lives of risk: what is older has all but faded from it."""

MOST_POLICIES: Final = 16
"""Policies of one token that are looked up: a login that lists more gets its first ones."""

AGAINST_A_DENY: Final = 8.0
"""What a mint against a deny, or one that outlives its approval, comes to at least (nats), and never to less than a
step-up: it is a fact, not a habit, so no fitted weight and nothing else that fits turns it down."""

STRANGER: Final = "unminted"
"""The requester of a use whose credential nobody was seen minting and whose log names no user."""

_PARTS: Final = tuple((GRANT_FACETS.index(name), GRANT_FACETS.index(part)) for name, part in SHOWN_WITH.items())
"""Facets, and what they are made of. What no ask at an issuer ever said its broker does not know: that
an ask leaves it out says nothing. Where others say it, leaving it out does."""

_PLACE: Final = {code: index for index, code in enumerate(GRANT_FACETS)}
_DECISION: Final = GRANT_FACETS.index("decision")
_AGAINST: Final = "minted against a deny"
_OUTLIVES: Final = "outlives its approval"
_NO_PULSE: Final = Pulse()
_NOBODY: Final = Standing()


def prepare_grant(state: State, grant: GrantRequest, now: float, *, decision: str = ABSENT) -> Facets:
    """A grant's facets and grades as the state stands."""
    joins, fold = state.memory.joins, state.identities.fold
    requester = fold(grant.requester)
    kinship, company = state.baselines.relation(requester, fold(grant.resource))
    context = GrantContext(
        kinship=kinship,
        company=company,
        renewal=joins.renewal(grant.renewal_of, requester, grant.time),
        task_state=joins.task_state(grant.task, requester, grant.time),
        policy=joins.news(_subjects(grant, requester), grant.time),
        decision=decision,
    )
    standing = state.memory.standings.get(requester)
    pulse = standing.pulse if standing is not None else _NO_PULSE
    level = state.sensitivities.level
    age = joins.task_age(grant.task, grant.time)
    facets = grant_facets(grant, fold=fold, level=level, context=context, task_age=age, pulse=pulse, now=now)
    return state.baselines.grouped(facets)


def _subjects(grant: GrantRequest, requester: str) -> tuple[str, ...]:
    """What a change of policy would have to be about to bear on this grant; the requester first."""
    names = (requester, grant.resource, grant.resource.rsplit("/", 1)[-1])
    policies = grant.attributes.get("policies") if grant.attributes else None
    if not isinstance(policies, list | tuple):
        return names
    return (*names, *(policy for policy in policies[:MOST_POLICIES] if isinstance(policy, str)))


def prepare_use(state: State, usage: Usage, now: float) -> Facets:
    """A usage's facets and grades as the state stands, held against its issuance where it is known."""
    joins, fold = state.memory.joins, state.identities.fold
    lease = joins.leases.get(usage.credential) if usage.credential else None
    if lease is not None:
        requester, issuer, minted = lease.requester, lease.issuer, lease.mint
        age, uses = max(usage.time - lease.minted, 0.0), lease.uses + 1
    else:
        requester = fold(usage.requester or usage.credential or STRANGER)
        issuer, minted, age, uses = usage.issuer or ABSENT, UNMINTED, 0.0, 0
    standing = state.memory.standings.get(requester)
    denials = standing.pulse.denied(now) if standing is not None else 0.0
    facets = use_facets(
        usage,
        requester=requester,
        issuer=issuer,
        minted=minted,
        state=joins.state(lease, usage.time),
        quantities=(age, uses, denials),
        fold=fold,
    )
    return state.baselines.grouped(facets)


def prepare(state: State, event: Issuance | Usage | Lifecycle, now: float, record: Observed | Released) -> Facets:
    """What a logged event was weighed as, found again while folding the log."""
    if isinstance(event, Usage):
        return prepare_use(state, event, now)
    if isinstance(event, Issuance):
        known = record.decision if isinstance(record, Observed) else None
        word = decision_word(state, event, known)
        return prepare_grant(state, event.grant, now, decision=word)
    message = "a lifecycle change is not weighed"
    raise TypeError(message)


def decision_word(state: State, event: Issuance, decision: str | None) -> str:
    """How an issuance stands to what was decided: the facet `decision`."""
    if decision is None:
        return "never asked for" if event.grant.issuer in state.memory.askers else ABSENT
    known, outcome = state.memory.decisions.get(decision), state.memory.outcomes.get(decision)
    if known is not None and approvals.outlives(state.memory, event, known):
        return _OUTLIVES
    if known is None or known.answer == "allow" or (outcome is not None and outcome[0] in CLEARED):
        return "allowed"
    return "minted on a step-up" if known.answer == "step_up" and outcome is None else _AGAINST


class Judged(NamedTuple):
    """What an event comes to, each facet's weighted share in nats (parallel to the codes), and which were news."""

    weighed: Weighed
    shares: list[float]
    novel: list[int]


def weigh_ask(state: State, facets: Facets, now: float) -> Judged:
    """What a grant that is asked for comes to."""
    weighing = state.baselines.weigh_grant(facets, now)
    ratios = weighing.ratios
    ratios[_DECISION] = None
    ever = state.memory.askers.get(facets.issuer, ())
    for index, part in _PARTS:
        if facets.values[part] == ABSENT and GRANT_FACETS[part] not in ever:
            ratios[index] = None
    found = shares(weighing.ratios, weighing.novel, state.grant_weights, state.policy.model.pi)
    return _weigh(state, facets, found, weighing, GRANT_CODES, now, asked=True)


def weigh_grant(state: State, facets: Facets, now: float, *, decision: str | None) -> Judged:
    """What an issuance comes to. What its own `decision` added to risk does not speak against it again."""
    weighing = state.baselines.weigh_grant(facets, now)
    found = shares(weighing.ratios, weighing.novel, state.grant_weights, state.policy.model.pi)
    least = 0.0
    if facets.values[_DECISION] in {_AGAINST, _OUTLIVES}:
        strictest = state.thresholds_for(facets.issuer).step_up + MOST_DEVIATIONS * state.policy.tighten
        least = max(AGAINST_A_DENY, in_nats(ceil(strictest * QUANTA)))  # rounded down, it would be an allow
        found[_DECISION] = max(found[_DECISION], least)
    known = state.memory.decisions.get(decision) if decision else None
    return _weigh(state, facets, found, weighing, GRANT_CODES, now, without=said(known) if known else 0.0, least=least)


def weigh_use(state: State, facets: Facets, now: float) -> Judged:
    """What a usage comes to."""
    weighing = state.baselines.weigh_use(facets, now)
    found = shares(weighing.ratios, weighing.novel, state.use_weights, state.policy.model.pi)
    return _weigh(state, facets, found, weighing, USE_CODES, now)


def _weigh(  # noqa: PLR0917 - one place where all that bears on a row meets
    state: State,
    facets: Facets,
    found: list[float],
    weighing: Weighing,
    codes: Sequence[str],
    now: float,
    *,
    without: float = 0.0,
    least: float = 0.0,
    asked: bool = False,
) -> Judged:
    standing = state.memory.standings.get(facets.requester, _NOBODY)
    odd = _oddities(state, facets, found, weighing, codes, now, asked=asked) if weighing.novel or weighing.rare else {}
    quieted = _quieted(state, facets, found, odd, codes, now) if state.memory.joins.windows else None
    if least:  # neither what fits nor an echo turns it down, and its reason has to say what it came to
        found[_DECISION] += max(least - sum(found), 0.0)
    if asked and standing.odd:
        odd = _hold(standing, facets, found, odd, now)
    own_quanta = quantise(sum(found))
    own = in_nats(own_quanta)
    carried = _carried(standing.risk.level(now, without=without), own) if own > CARRY_FROM else 0.0
    quanta = quantise(own + carried) if carried else own_quanta
    evidence = in_nats(quanta)
    thresholds = state.thresholds_for(facets.issuer)
    telling, grant = evidence > ODD_FROM, codes is GRANT_CODES
    tightened = state.tightened(facets, now) if grant and telling else 0.0  # far below it nothing gives way
    cold = grant and _cold(state, facets.requester)
    step_up_at = quantise((COLD_SHARE if cold else 1.0) * thresholds.step_up - tightened)
    verdict: Verdict = "allow"
    if quanta >= step_up_at:  # few are: what only bears on a deny is looked up for them alone
        verdict = judge(
            evidence=evidence,
            accumulated=quantised(standing.risk.observed_level(now)),
            step_up_at=in_nats(step_up_at),
            deny_at=thresholds.deny if evidence >= thresholds.step_up - tightened else inf,
            unlike=_unlike(state, standing),
        )
    because: tuple[Reason, ...] = ()
    if telling or verdict != "allow":
        because = reasons(found, codes, facets, state.baselines, (carried, _lately(standing, now)))
        if quieted is not None and quieted.nats >= maintenance.LEAST_NATS:
            because = (*because, maintenance.told(quieted))
    weighed = Weighed(
        own=own_quanta,
        evidence=quanta,
        step=quantise(worth(own)),
        risk=state.probability(quanta, codes is USE_CODES),
        verdict=verdict,
        step_up_at=step_up_at,
        tightened=quantise(tightened) if tightened else 0,
        deny_at=quantise(thresholds.deny),
        reasons=because,
        odd=odd,
    )
    return Judged(weighed, found, weighing.novel)


def _unlike(state: State, standing: Standing) -> bool:
    """Whether a requester's last days, up to the row before this one, were too odd for a healthy one."""
    days, reference = standing.days, state.memory.reference
    chance = reference.chance(days.record(days.day), days.top)
    return days.held(chance) >= wealth_limit(state.policy)


def _cold(state: State, requester: str) -> bool:
    own = state.baselines.grants.habits.get(requester)
    return own is None or own.events < COLD_EVENTS


def _carried(level: float, own: float) -> float:
    """What had accumulated, as far as it counts against a row with so much of its own."""
    carried = level * min((own - CARRY_FROM) / (CARRY_FULL - CARRY_FROM), 1.0)
    return min(carried, max(CARRY_TO - own, 0.0))


def _lately(standing: Standing, now: float) -> list[str]:
    """The oddities that what has accumulated can have come from."""
    return [key for key, oddity in standing.odd.items() if now - oddity.at < LATELY_SECONDS]


def _oddities(  # noqa: PLR0917 - as `_weigh`
    state: State,
    facets: Facets,
    found: list[float],
    weighing: Weighing,
    codes: Sequence[str],
    now: float,
    *,
    asked: bool,
) -> dict[str, int]:
    """The row's values that are new to its requester or rare with it, and what they say (quanta).

    In `found`, echoes are turned down, and of what is new what others took up at the same time.
    """
    odd: dict[str, int] = {}
    known = state.memory.standings.get(facets.requester, _NOBODY).odd
    for index in (*weighing.novel, *weighing.rare):
        share = found[index]
        if share < ODD_FROM:
            continue
        key = f"{codes[index]}={facets.values[index]}"
        odd[key] = quantise(share)
        before = known.get(key)
        if before is not None and now - before.at < ODDITY_SECONDS:
            if not (asked and before.flagged):
                found[index] = share * ECHO
            continue
        uptake = state.memory.uptakes.get(key) if index in weighing.novel else None
        if uptake is not None and now - uptake.at < ODDITY_SECONDS:
            takers = [taker for taker in uptake.requesters if not (asked and taker in uptake.flagged)]
            others = sum(1 for taker in takers if taker != facets.requester)
            found[index] = share * ROLL_OUT**others
    return odd


def _quieted(  # noqa: PLR0917 - as `_weigh`
    state: State, facets: Facets, found: list[float], odd: dict[str, int], codes: Sequence[str], now: float
) -> maintenance.Quiet | None:
    """Turn down in `found` what declared maintenance explains, and in `odd` what is remembered of it."""
    quieted = maintenance.quiet(state.memory.joins.windows, facets, found, codes, now)
    if quieted is not None:
        for key, quanta in odd.items():
            if key.partition("=")[0] in quieted.codes:
                odd[key] = round(quanta * maintenance.SHARE)
    return quieted


def _hold(standing: Standing, facets: Facets, found: list[float], odd: dict[str, int], now: float) -> dict[str, int]:
    """Hold what was flagged, and nobody answered for, against whoever asks for it again, learnt meanwhile or not.

    It counts among what is odd, so that whoever answers for this ask answers for what was held.
    """
    held: dict[str, int] = {}
    for key, oddity in standing.odd.items():
        if oddity.flagged and now - oddity.flagged < HELD_SECONDS:
            code, _, value = key.partition("=")
            index = _PLACE.get(code)
            if index is not None and facets.values[index] == value:
                found[index] = max(found[index], in_nats(oddity.quanta))
                held[key] = oddity.quanta
    return {**odd, **held} if held else odd


def lease_for(state: State, usage: Usage) -> Lease | None:
    """The credential's issuance, where it was seen."""
    return state.memory.joins.leases.get(usage.credential) if usage.credential else None
