"""What goes over the wire: grant requests as they come, answers as they go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from detector.api.bodies import parse
from detector.api.problems import Problem, invalid
from detector.engine.records import Decided
from detector.engine.rulebook import MOST_LIFETIME_SECONDS
from detector.events import GrantRequest, Privilege
from detector.evidence import QUANTA
from detector.rules import Rule, Selector, by_hand
from detector.sources import native
from detector.sources.base import Unreadable
from detector.sources.fields import ID_DIGITS
from detector.verdict import Reason, Verdict

LONGEST_TEXT: Final = 1_000
"""Characters of a reason or a name: a sentence, not a file."""

_CANONICAL: Final = msgspec.json.Encoder(order="deterministic")

Text = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]


class StepUp(Struct, frozen=True):
    """How a step-up goes on: where its outcome is to be told."""

    outcome: str


class DenyRule(Struct, frozen=True):
    """The deny rule that matched; in shadow it only counts."""

    id: str
    mode: str
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


class Answer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a broker is told. `evidence` is in nats; `recorded` is whether the decision is durable.

    `verdict` is to be obeyed; `weighed_verdict` is what it would have been, where
    the mode softened it. `unknown_fields` are those that nothing was made of.
    """

    decision_id: str
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


class NewOutcome(Struct, frozen=True, forbid_unknown_fields=True):
    """How a step-up ended, or an analyst's label; `by` is who said so."""

    outcome: Literal["approved", "refused", "legitimate", "malicious"]
    by: Text


class Scope(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule matches: the requester, and every other value that is named."""

    requester: Text
    issuer: Text | None = None
    resource: Text | None = None
    privilege: Privilege | None = None
    network: Text | None = None
    environment: Text | None = None
    consumer: Text | None = None
    actions: Text | None = None

    def selector(self) -> Selector:
        """The selector that the engine compares requests with. Raises `ValueError` where it could match nothing."""
        return by_hand(**msgspec.structs.asdict(self))


class NewRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A deny rule as an operator writes it: it always ends, and starts in shadow unless told otherwise."""

    selector: Scope
    reason: Text
    lifetime_seconds: Annotated[float, Meta(ge=1, le=MOST_LIFETIME_SECONDS)]
    mode: Literal["shadow", "enforced"] = "shadow"


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


def answer(decided: Decided, *, recorded: bool) -> Answer:
    """What a broker is told of a decision."""
    found = decided.weighed
    return Answer(
        decision_id=decided.decision,
        verdict=decided.answer,
        risk=found.risk,
        evidence=found.evidence / QUANTA,
        reasons=found.reasons,
        mode=decided.mode,
        recorded=recorded,
        learnt=Learnt(decided.learnt, decided.issuer_known),
        peers=Fellows(decided.group, decided.fellows, decided.sure) if decided.group is not None else None,
        unknown_fields=_unknown(decided.request.unknown) if decided.request.unknown else (),
        weighed_verdict=None if found.verdict == decided.answer else found.verdict,
        deny_rule=None
        if decided.rule is None
        else DenyRule(id=decided.rule, mode=decided.rule_mode or "shadow", rule=f"/v1/deny-rules/{decided.rule}"),
        step_up=StepUp(f"/v1/decisions/{decided.decision}/outcome") if decided.answer == "step_up" else None,
    )


def _unknown(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Their names; within `source` and `authentication`, with a dot."""
    names = []
    for name, value in fields.items():
        inner = name in {"source", "authentication"} and isinstance(value, Mapping)
        names += [f"{name}.{part}" for part in value] if inner else [name]
    return tuple(sorted(names))


def rule_view(rule: Rule, *, hits: tuple[int, int], now: float) -> dict[str, Any]:
    """A rule as analysts read it. Times are RFC 3339; `hits` are asks it matched, enforced and in shadow."""
    selector = msgspec.to_builtins(rule.selector)
    return {
        "id": rule.id,
        "state": rule.state(now),
        "mode": rule.mode,
        "selector": {name: value for name, value in selector.items() if value is not None},
        "scope": rule.selector.words(),
        "created": moment(rule.created),
        "expires": moment(rule.expires),
        "by": rule.by,
        "because": rule.because,
        "taken_back": rule.taken_back or None,
        "hits": hits[0],
        "shadow_hits": hits[1],
    }


def moment(stamp: float) -> str:
    """Unix seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(stamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
