"""What a broker is told, whoever says it: the sidecar, the deny list it left behind, or the broker's own choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from detector.client.course import Heard
from detector.client.failures import Failure, FailureKind, Refused

Verdict: TypeAlias = Literal["allow", "step_up", "deny"]
AnsweredBy: TypeAlias = Literal["sidecar", "deny_list", "fail_open", "fail_closed"]

LONGEST_NAME: Final = 256
"""Characters of an id or a mode in an answer: ours have a fifth of that."""

MOST_REASONS: Final = 256
"""A sidecar gives a handful."""

OK: Final = 200
UNAUTHORISED: Final = frozenset({401, 403})
REFUSALS: Final = frozenset({400, 409, 413, 415, 422})
"""What is said of the request, not of the sidecar or of who asks."""
BUSY: Final = frozenset({429, 503})
LEAST_SERVER_ERROR: Final = 500

Named = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]


class Reason(Struct, frozen=True):
    """One thing that spoke for the verdict; `nats` is its share of the evidence."""

    code: str
    because: str
    nats: float = 0.0
    expected: str = ""
    observed: str = ""


class DenyRule(Struct, frozen=True):
    """The deny rule that matched, how far it is in its life, and whether it denied the request."""

    id: str
    stage: str = "enforced"
    denied: bool = True


class Answer(Struct, frozen=True, kw_only=True):
    """The verdict on one request, to be obeyed, and who gave it.

    `source` is `sidecar` for a decision; else nobody decided, `why` and `failure` say what went wrong, and what only a
    sidecar can know (`decision_id`, `risk`, `evidence`, `mode`) is `None`. `request` is the id that was asked under: it
    belongs on the issuance, as `decision_id` does. `evidence` is in nats, `recorded` whether the decision is durable.
    """

    verdict: Verdict
    source: AnsweredBy
    request: str
    why: str = ""
    failure: FailureKind | None = None
    decision_id: str | None = None
    risk: float | None = None
    evidence: float | None = None
    reasons: tuple[Reason, ...] = ()
    mode: str | None = None
    recorded: bool = False
    deny_rule: DenyRule | None = None
    step_up: Mapping[str, Any] | None = None
    advice: Mapping[str, Any] | None = None

    @property
    def allowed(self) -> bool:
        """Whether the broker may mint: a step-up is no permission."""
        return self.verdict == "allow"


class Rejected(Struct, frozen=True):
    """One event that could not be read: its place among those sent, from 1, and why."""

    line: int
    reason: str


class Sent(Struct, frozen=True):
    """What came of events: how many were taken, and the first that could not be read."""

    accepted: Annotated[int, Meta(ge=0)]
    rejected: tuple[Rejected, ...] = ()
    rejected_total: Annotated[int, Meta(ge=0)] = 0


class _Said(Struct):
    """An answer as it comes; what else it holds is for newer clients."""

    decision_id: Named
    verdict: Verdict
    risk: Annotated[float, Meta(ge=0, le=1)]
    evidence: float
    reasons: Annotated[tuple[Reason, ...], Meta(max_length=MOST_REASONS)]
    mode: Named
    request: str | None = None
    recorded: bool = False
    deny_rule: DenyRule | None = None
    step_up: dict[str, Any] | None = None
    advice: dict[str, Any] | None = None


class _Error(Struct):
    field: str = ""
    reason: str = ""


class _Problem(Struct):
    status: int
    title: str = ""
    detail: str = ""
    errors: tuple[_Error, ...] = ()


_SAID: Final = msgspec.json.Decoder(_Said)
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_SENT: Final = msgspec.json.Decoder(Sent)
_PROBLEM: Final = msgspec.json.Decoder(_Problem)
_MEMBER: Final = msgspec.json.Decoder(dict[Literal["problem"], _Problem])
_RECORDED: Final = msgspec.json.Decoder(dict[str, Any])


def answered(heard: Heard, *, request: str) -> Answer | Failure:
    """The answer to the request that was asked under this id. Raises `Refused`."""
    trouble = unanswered(heard)
    return _read(heard.body, request) if trouble is None else trouble


def answered_each(heard: Heard, *, requests: list[str]) -> list[Answer | Refused] | Failure:
    """The answers to requests that were asked together, in their order. Raises `Refused`."""
    trouble = unanswered(heard)
    if trouble is not None:
        return trouble
    try:
        members = _LIST.decode(heard.body)
    except (ValueError, RecursionError):
        return _lie("no list of answers")
    if len(members) != len(requests):
        return _lie(f"{len(members)} answers to {len(requests)} requests")
    found: list[Answer | Refused] = []
    for member, request in zip(members, requests, strict=True):
        read = _member(bytes(member), request)
        if isinstance(read, Failure):
            return read
        found.append(read)
    return found


def sent(heard: Heard) -> Sent | Failure:
    """What came of events. Raises `Refused`."""
    trouble = unanswered(heard)
    if trouble is not None:
        return trouble
    try:
        return _SENT.decode(heard.body)
    except (ValueError, RecursionError):
        return _lie("it does not say what came of the events")


def recorded(heard: Heard) -> bool | Failure:
    """Whether an outcome is durable. Raises `Refused`."""
    trouble = unanswered(heard, refusals=REFUSALS | {404})
    if trouble is not None:
        return trouble
    try:
        said = _RECORDED.decode(heard.body).get("recorded")
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, bool) else _lie("it does not say whether the outcome is recorded")


def unanswered(heard: Heard, *, refusals: frozenset[int] = REFUSALS) -> Failure | None:
    """Why a status is no answer; `None` for 200. Raises `Refused` where it says what is wrong with the request."""
    status = heard.status
    if status == OK:
        return None
    if status in BUSY:
        return Failure("busy", f"it answered {status}")
    if status >= LEAST_SERVER_ERROR:
        return Failure("broken", f"it answered {status}")
    problem = _problem(heard)
    if status in refusals:
        if problem is None:
            return _lie(f"it answered {status}, and not why")
        raise _refused(problem)
    said = f"it answered {status}" + (f": {problem.detail[:LONGEST_NAME]}" if problem is not None else "")
    return Failure("unauthorised" if status in UNAUTHORISED else "unexpected", said)


def _read(body: bytes, request: str) -> Answer | Failure:
    try:
        said = _SAID.decode(body)
    except (ValueError, RecursionError) as error:
        return _lie(f"it gave no answer: {str(error)[:LONGEST_NAME]}")
    if said.request not in {None, request}:
        return _lie("it answered another request")
    return Answer(
        verdict=said.verdict,
        source="sidecar",
        request=request,
        decision_id=said.decision_id,
        risk=said.risk,
        evidence=said.evidence,
        reasons=said.reasons,
        mode=said.mode,
        recorded=said.recorded,
        deny_rule=said.deny_rule,
        step_up=said.step_up,
        advice=said.advice,
    )


def _member(body: bytes, request: str) -> Answer | Refused | Failure:
    try:
        problem = _MEMBER.decode(body)["problem"]
    except (ValueError, KeyError, RecursionError):
        return _read(body, request)
    return _refused(problem)


def _problem(heard: Heard) -> _Problem | None:
    """The problem document that a refusal is, if it is one."""
    try:
        problem = _PROBLEM.decode(heard.body)
    except (ValueError, RecursionError):
        return None
    return problem if problem.status == heard.status else None


def _refused(problem: _Problem) -> Refused:
    errors = tuple((error.field, error.reason) for error in problem.errors)
    return Refused(problem.status, problem.detail or problem.title, errors)


def _lie(detail: str) -> Failure:
    return Failure("lying", detail)
