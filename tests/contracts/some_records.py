"""Records of every kind: one of each by hand, and hypothesis strategies for any."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import strategies as st

from detector.baselines.peers import Grouping, Placement, Profile
from detector.engine.asking_records import AccessRequested, AccessSettled, Presented
from detector.engine.policy import Policy
from detector.engine.policy_records import IntentReauthorised, PolicyApplied, PolicyTried
from detector.engine.records import (
    Accessed,
    Announced,
    Announcement,
    AnnouncementCode,
    BreakGlassReviewed,
    Compacted,
    Configured,
    Decided,
    GlassFinding,
    KeyRotated,
    KillSwitchTurned,
    Observed,
    Outcome,
    OutcomeRecorded,
    PeersAssigned,
    Record,
    Released,
    RiskLevel,
    RuleChanged,
    Trust,
    View,
    Weighed,
)
from detector.engine.tasks import Method, Settlement
from detector.events import GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.policies import Advice, Document, DryRun, Intent, IntentHits, Limit, LimitHits, Narrower
from detector.rules import Rule, RuleChange, Selector
from detector.verdict import Reason, Verdict

moments = st.floats(min_value=0, max_value=4e9, allow_nan=False)
numbers = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(max_size=20)
maybe = st.none() | names
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | numbers | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
open_maps = st.dictionaries(names, json_values, max_size=3)
sources = st.builds(Source, ip=maybe, environment=maybe, workload=maybe)
grants = st.builds(
    GrantRequest,
    id=names,
    time=moments,
    issuer=names,
    requester=names,
    resource=names,
    actions=st.lists(names, max_size=3).map(tuple),
    privilege=st.sampled_from([None, "read", "write", "admin"]),
    ttl_seconds=st.none() | moments,
    source=sources,
    on_behalf_of=st.lists(names, max_size=2).map(tuple),
    break_glass=st.booleans(),
    attributes=open_maps,
    unknown=open_maps,
)
issuances = st.builds(
    Issuance, grant=grants, outcome=st.sampled_from(["granted", "refused"]), credential=maybe, decision=maybe
)
usages = st.builds(Usage, id=names, time=moments, credential=maybe, action=maybe, source=sources, unknown=open_maps)
lifecycles = st.builds(
    Lifecycle, id=names, time=moments, change=st.just("revoked"), subject=names, until=st.none() | moments
)
reasons = st.builds(Reason, code=names, because=names, nats=numbers, expected=names, observed=names)
weighings = st.builds(
    Weighed,
    own=st.integers(-(2**40), 2**40),
    evidence=st.integers(-(2**40), 2**40),
    step=st.integers(-(2**40), 2**40),
    risk=st.floats(0, 1),
    verdict=st.sampled_from(get_args(Verdict)),
    reasons=st.lists(reasons, min_size=1, max_size=2).map(tuple),  # a refusal has one
    odd=st.dictionaries(names, st.integers(-(2**40), 2**40), max_size=2),
    eased=st.integers(0, 2**20),
    intent=names,
    limits=st.lists(names, max_size=2).map(tuple),
    otherwise=st.sampled_from([None, *get_args(Verdict)]),
)
rules = st.builds(
    Rule,
    id=names,
    selector=st.builds(Selector, requester=st.text(min_size=1, max_size=9), resource=maybe),
    stage=st.sampled_from(["proposed", "backtested", "shadow"]),
    created=st.floats(0, 1e9),
    since=st.floats(0, 1e9),
    expires=st.floats(1.1e9, 2e9),
    by=names,
    because=names,
)
whens = st.datetimes(datetime(1990, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
some = st.text(min_size=1, max_size=9).filter(lambda text: "*" not in text)
intents = st.builds(
    Intent,
    requester=some,
    resource=some,
    authorised_by=some,
    expires=whens,
    max_ttl_seconds=st.floats(1.0, 1e6),
    privilege=st.sampled_from(["read", "write", "admin"]),
    task=st.none() | some,
    hours=st.sampled_from([None, "22:00-04:00"]),
    weekdays=st.sampled_from([(), ("mon", "sun")]),
)
limits = st.builds(
    Limit,
    sensitivity=st.sampled_from([("low",), ("high", "critical")]),
    privileges=st.sampled_from([None, ("admin",)]),
    max_ttl_seconds=st.floats(1.0, 1e6),
    verdict=st.sampled_from(["deny", "step_up"]),
)
documents = st.builds(
    Document,
    version=st.integers(1, 99),
    intents=st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), intents, max_size=2),
    limits=st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), limits, max_size=2),
)
dry_runs = st.builds(
    DryRun,
    since=moments,
    until=moments,
    position=st.integers(0, 2**62),
    grants=st.integers(0, 9),
    hit=st.integers(0, 9),
    requesters=st.integers(0, 9),
    limits=st.lists(st.builds(LimitHits, limit=names, verdict=st.just("deny"), grants=st.just(1)), max_size=1).map(
        tuple
    ),
    intents=st.lists(st.builds(IntentHits, intent=names, grants=st.just(1), eased=st.just(0)), max_size=1).map(tuple),
)
decisions = st.builds(
    Decided,
    decision=names,
    request=grants,
    requester=names,
    position=st.integers(0, 2**62),
    weighed=weighings,
    answer=st.sampled_from(get_args(Verdict)),
    mode=st.sampled_from(["observe", "shadow", "enforce"]),
    moves_risk=st.booleans(),
    rule=maybe,
    advice=st.none()
    | st.builds(Advice, max_ttl_seconds=st.none() | moments, narrower=st.builds(Narrower, privilege=st.just("read"))),
    presented=st.none() | st.builds(Presented, approval=names, until=moments),
)
groupings = st.builds(
    Grouping,
    profiles=st.dictionaries(
        names, st.builds(Profile, marks=st.dictionaries(names, numbers, max_size=3), tight=numbers, members=st.just(7))
    ),
    scarcity=st.dictionaries(names, numbers, max_size=3),
    unheard=numbers,
    moved=st.dictionaries(names, st.builds(Placement, group=names, sure=st.floats(0, 1), assigned=st.booleans())),
)
records: st.SearchStrategy[Record] = st.one_of(
    st.builds(Configured, policy=st.builds(Policy, mode=st.sampled_from(["observe", "enforce"]))),
    decisions,
    st.builds(Observed, event=st.one_of(issuances, usages, lifecycles), weighed=st.none() | weighings),
    st.builds(Released, event=usages, weighed=weighings),
    st.builds(RuleChanged, rule=rules, change=st.sampled_from(get_args(RuleChange)), by=names, reason=names),
    st.builds(PeersAssigned, grouping=groupings, whole=st.booleans()),
    st.builds(KillSwitchTurned, engaged=st.booleans(), by=names, because=names),
    st.builds(BreakGlassReviewed, glass=names, finding=st.sampled_from(get_args(GlassFinding)), by=names, note=names),
    st.builds(Accessed, view=st.sampled_from(get_args(View)), subject=names, by=names, collapsed=st.integers(0, 2**62)),
    st.builds(KeyRotated, size=st.integers(0, 2**62), old=names, new=names, by=names),
    st.builds(
        Compacted,
        before=st.integers(2**32, 2**62),  # or the log it is in would tell of itself
        state_digest=names,
        root=names,
        by=names,
    ),
    st.builds(
        Announced,
        kind=st.sampled_from(get_args(Announcement)),
        code=st.sampled_from(get_args(AnnouncementCode)),
        requester=names,
        issuer=names,
        cause=names,
        because=names,
        codes=st.lists(names, max_size=2).map(tuple),
        credential=maybe,
        expires=st.none() | moments,
        before=st.none() | st.sampled_from(get_args(RiskLevel)),
    ),
    st.builds(PolicyTried, digest=names, found=dry_runs, by=names),
    st.builds(PolicyApplied, document=documents, digest=names, by=names, because=names, overridden=names),
    st.builds(IntentReauthorised, intent=names, by=names, because=names),
    st.builds(
        AccessRequested,
        task=names,
        decision=names,
        requester=names,
        issuer=names,
        resource=names,
        scope=names,
        evidence=st.integers(-(2**40), 2**40),
        methods=st.lists(st.sampled_from(get_args(Method)), max_size=3).map(tuple),
        by=names,
        expires=moments,
        parties=st.lists(names, max_size=2).map(tuple),
        ttl_seconds=st.none() | moments,
        emergency=st.booleans(),
        because=names,
    ),
    st.builds(
        AccessSettled,
        task=names,
        status=st.sampled_from(get_args(Settlement)),
        by=names,
        method=st.none() | st.sampled_from(get_args(Method)),
        trust=st.sampled_from(get_args(Trust)),
        approval=names,
        until=moments,
        uses=st.integers(0, 5),
    ),
    st.builds(OutcomeRecorded, decision=names, outcome=st.sampled_from(get_args(Outcome)), by=names),
)


def outcome(number: int) -> OutcomeRecorded:
    """A small record, told apart by its number."""
    return OutcomeRecorded(decision=f"d{number}", outcome="approved", by="anna")


def decision(number: int, *, padding: int = 0) -> Decided:
    """A record of a decision's usual size and shape, or larger by `padding` characters."""
    request = GrantRequest(
        id=f"r{number}",
        time=1_772_409_606.204 + number,
        issuer="vault:prod/aws",
        requester="spiffe://prod/app/svc1",
        resource="aws/creds/app-write",
        actions=("write",),
        privilege="write",
        ttl_seconds=900.0,
        source=Source(ip="10.10.4.61", environment="prod"),
        task="deploy-71",
        purpose="x" * padding,
    )
    because = "this requester has asked for this resource in 412 of its last 430 requests"
    return Decided(
        decision=f"d{number}",
        request=request,
        requester=request.requester,
        position=number,
        weighed=Weighed(
            own=-300,
            evidence=120,
            step=-300,
            risk=0.001,
            verdict="allow",
            reasons=(Reason("resource", because, -0.3, "aws/creds/app-write", "aws/creds/app-write"),),
        ),
        answer="allow",
        mode="enforce",
        moves_risk=True,
    )
