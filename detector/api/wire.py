"""What goes over the wire: grant requests as they come, answers as they go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from detector.api.bodies import parse
from detector.api.going import ApprovalAnswer, Going, StepUp, outcome_of
from detector.api.problems import Problem, invalid
from detector.engine.memory import Hits
from detector.engine.raising import MOST_LIFETIME_SECONDS
from detector.engine.records import Decided, GlassFinding
from detector.events import GrantRequest, Privilege
from detector.evidence import QUANTA
from detector.policies import Advice
from detector.rules import Backtest, Goal, Rule, Selector, by_hand
from detector.sources import native
from detector.sources.base import Unreadable
from detector.sources.fields import ID_DIGITS
from detector.verdict import Reason, Verdict

LONGEST_TEXT: Final = 1_000
"""Characters of a reason or a name: a sentence, not a file."""

_CANONICAL: Final = msgspec.json.Encoder(order="deterministic")

Text = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]


class DenyRule(Struct, frozen=True):
    """The deny rule that matched, how far it is in its life, and whether it denied this request."""

    id: str
    stage: str
    denied: bool
    rule: str


class Learnt(Struct, frozen=True):
    """What the answer rests on: how many of the requester's issuances, and whether any of the issuer's."""

    requester_issuances: int
    issuer: bool


class Fellows(Struct, frozen=True):
    """The peers a requester with few issuances of its own is held against, and how surely it is one of them."""

    group: str
    members: int
    sureness: float


class BreakGlass(Struct, frozen=True, omit_defaults=True):
    """Whether a broken glass was passed: under which id and until when (RFC 3339), or why not."""

    passed: bool
    id: str = ""
    until: str = ""
    because: str = ""


class Eased(Struct, frozen=True):
    """The pre-approved intent that a request lies within, and by how many nats it raised the step-up threshold."""

    id: str
    nats: float


class Answer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a broker is told of the request with the id `request`.

    `evidence` is in nats; `recorded` is whether the decision is durable.
    `verdict` is to be obeyed; `weighed_verdict` is what it would have been, where
    the mode softened it. `unknown_fields` are those that nothing was made of. `limits` are the hard limits that it
    breaks, `advice` what to ask for instead.
    """

    decision_id: str
    request: str
    verdict: Verdict
    risk: float
    evidence: float
    reasons: tuple[Reason, ...]
    mode: str
    recorded: bool
    learnt: Learnt
    peers: Fellows | None = None
    unknown_fields: tuple[str, ...] = ()
    weighed_verdict: Verdict | None = None
    deny_rule: DenyRule | None = None
    step_up: StepUp | None = None
    approval: ApprovalAnswer | None = None
    break_glass: BreakGlass | None = None
    intent: Eased | None = None
    limits: tuple[str, ...] = ()
    advice: Advice | None = None


class NewOutcome(Struct, frozen=True, forbid_unknown_fields=True):
    """How a step-up ended, or an analyst's label; `by` is who said so."""

    outcome: Literal["approved", "refused", "legitimate", "malicious"]
    by: Text


class Scope(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule matches: the requester, and every other value that is named."""

    requester: Text
    issuer: Text | None = None
    resource: Text | None = None
    area: Text | None = None
    privilege: Privilege | None = None
    actions: Text | None = None
    network: Text | None = None
    environment: Text | None = None
    region: Text | None = None
    client: Text | None = None
    workload: Text | None = None
    consumer: Text | None = None

    def selector(self) -> Selector:
        """The selector that the engine compares requests with. Raises `ValueError` where it could match nothing."""
        return by_hand(**msgspec.structs.asdict(self))


class NewRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A deny rule as an operator writes it: it always ends, and denies nothing unless told to.

    `mode` is how far it goes once its backtest is within the limit; `override` is why it is to be
    enforced at once, whatever the backtest will say.
    """

    selector: Scope
    reason: Text
    lifetime_seconds: Annotated[float, Meta(ge=1, le=MOST_LIFETIME_SECONDS)]
    mode: Goal = "shadow"
    override: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""


class Enforcement(Struct, frozen=True, forbid_unknown_fields=True):
    """`override` is why a rule is to be enforced without a backtest within its limit; empty where it has one."""

    override: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""


class KillSwitch(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether everything is to be allowed and recorded, and why."""

    engaged: bool
    reason: Text


class GlassReview(Struct, frozen=True, forbid_unknown_fields=True):
    """What a look at a broken glass found."""

    finding: GlassFinding
    note: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""


class NewPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy document that is to come into force, and why; `override` is why it is to without a dry-run.

    The document is looked at by `detector.policies.read`, whose faults name the intent or limit that they are in.
    """

    document: dict[str, Any]
    reason: Text
    override: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""


class Reauthorisation(Struct, frozen=True, forbid_unknown_fields=True):
    """Why an intent is still wanted."""

    reason: Text


class Withdrawal(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a rule is taken back."""

    reason: Text


def asked_for(body: bytes, *, now: float) -> GrantRequest:
    """A grant request from a body. Raises a `Problem`: 400 for what is no JSON, else as `grant_request`.

    A whole request is read at one typed look; what lacks or misnames something gets the slower one.
    """
    request = native.decode_request(body)
    return grant_request(parse(body), now=now) if request is None else request


def grant_request(record: Any, *, now: float) -> GrantRequest:
    """A grant request from a parsed body. Raises a 422 `Problem` naming the field.

    More lenient than a log line by two fields, for the program that asks about
    this very moment: `kind` may be absent, and `time` too, which is then `now`
    (Unix seconds).
    """
    if not isinstance(record, Mapping):
        raise invalid([("body", "must be an object: one grant request")])
    kind = record.get("kind", "grant_request")
    if kind != "grant_request":
        raise invalid([("kind", 'must be "grant_request" here, or absent')])
    asked = {**record, "kind": kind}
    if asked.get("time") is None:
        asked["time"] = datetime.fromtimestamp(now, UTC).isoformat()
    if asked.get("id") in (None, ""):
        asked["id"] = made_id(asked)
    decoded = native.decode(asked)
    if isinstance(decoded, Unreadable):
        raise unreadable(decoded.reason)
    request = decoded[0]
    if not isinstance(request, GrantRequest):
        raise invalid([("kind", 'must be "grant_request" here, or absent')])
    return request


def made_id(record: Mapping[str, Any]) -> str:
    """An id for a request that has none, of its content and its time.

    Without the time, whoever sends no id would be given his first answer for
    good, also after a deny rule: a broker whose retries are to be one sends an id.
    """
    return sha256(_CANONICAL.encode(record)).hexdigest()[:ID_DIGITS]


def unreadable(reason: str) -> Problem:
    """A 422 from a decoder's sentence, which starts with the field."""
    field, colon, rest = reason.partition(": ")
    return invalid([(field, rest)]) if colon and " " not in field else invalid([("body", reason)])


def answer(decided: Decided, *, recorded: bool, request: str | None = None, on: Going | None = None) -> Answer:
    """What a broker is told of a decision; `request` is the id it asked under, where that is known in clear.

    `on` is how it goes on, where that is told.
    """
    on = on or Going(StepUp(outcome_of(decided)) if decided.answer == "step_up" else None)
    found = decided.weighed
    return Answer(
        decision_id=decided.decision,
        request=decided.request.id if request is None else request,
        verdict=decided.answer,
        risk=found.risk,
        evidence=found.evidence / QUANTA,
        reasons=found.reasons,
        mode=decided.mode,
        recorded=recorded,
        learnt=Learnt(decided.learnt, decided.issuer_known),
        peers=Fellows(decided.group, decided.fellows, decided.sure) if decided.group is not None else None,
        break_glass=_break_glass(decided) if decided.request.break_glass else None,
        unknown_fields=_unknown(decided.request.unknown) if decided.request.unknown else (),
        weighed_verdict=None if found.verdict == decided.answer else found.verdict,
        deny_rule=None
        if decided.rule is None
        else DenyRule(
            id=decided.rule,
            stage=decided.rule_stage or "shadow",
            denied=decided.rule_bit,
            rule=f"/v1/deny-rules/{decided.rule}",
        ),
        intent=Eased(found.intent, found.eased / QUANTA) if found.intent else None,
        limits=found.limits,
        step_up=on.step_up,
        approval=on.approval,
        advice=on.advice.joined(decided.advice) if on.advice is not None else decided.advice,
    )


def _break_glass(decided: Decided) -> BreakGlass:
    if decided.glass is None:
        return BreakGlass(passed=False, because=decided.glass_refused)
    return BreakGlass(passed=True, id=decided.glass.opened_by, until=moment(decided.glass.until))


def _unknown(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Their names; within `source` and `authentication`, with a dot."""
    names = []
    for name, value in fields.items():
        inner = name in {"source", "authentication"} and isinstance(value, Mapping)
        names += [f"{name}.{part}" for part in value] if inner else [name]
    return tuple(sorted(names))


def rule_view(rule: Rule, *, hits: Hits, now: float) -> dict[str, Any]:
    """A rule as analysts read it. Times are RFC 3339; `hits` are grants it matched, by the stage it was in."""
    selector = msgspec.to_builtins(rule.selector)
    return {
        "id": rule.id,
        "state": rule.state(now),
        "mode": rule.goal,
        "selector": {name: value for name, value in selector.items() if value is not None},
        "scope": rule.selector.words(),
        "created": moment(rule.created),
        "since": moment(rule.since),
        "expires": moment(rule.expires),
        "by": rule.by,
        "because": rule.because,
        "taken_back": rule.taken_back or None,
        "recurrence": rule.recurrence,
        "backtest": _backtest(rule.backtest) if rule.backtest is not None else None,
        "override": None if rule.override is None else f"{rule.override.by}: {rule.override.because}",
        "hits": hits.enforced,
        "canary_hits": hits.canary,
        "shadow_hits": hits.shadow,
        "quiet_hits": hits.quiet,
    }


def _backtest(found: Backtest) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("asked", "hits", "honest", "flagged", "abusive", "limit")}
    return {
        **counts,
        "within": found.within,
        "in_words": found.words(),
        "since": moment(found.since),
        "until": moment(found.until),
        "position": found.position,
        "names": dict(found.names),
        "resources": dict(found.resources),
        "examples": list(found.examples),
    }


def moment(stamp: float) -> str:
    """Unix seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(stamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
