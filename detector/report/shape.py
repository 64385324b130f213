"""The report as a value: what its JSON holds, key for key. `schema()` is the same as JSON Schema.

Times are RFC 3339 in UTC, durations seconds, names as the log has them. A list that is
cut says beside it how many there were. Keys are only ever added.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from detector.report.counts import Before, Uses, Verdicts
from detector.report.views import Check, Figure, IssuerView, Mints, RequesterView

FORMAT: Final = "assayer-report/1"


class LogCovered(Struct, frozen=True, kw_only=True):
    """Which log was read, how far, and what of it: entries by kind, in the whole and in the period.

    `identity` is the log's own random name, `null` where it has none. `forgotten` is the
    last entry that was compacted away before: of those up to it only what they came to is told. `root` is the Merkle
    root over all entries up to `last_position` (hexadecimal), once a signed checkpoint is over them: `assayer verify`
    proves it.
    """

    identity: str | None
    first_position: int
    last_position: int
    forgotten: int
    entries: dict[str, int]
    entries_in_period: dict[str, int]
    root: str | None = None


class PeriodCovered(Struct, frozen=True, kw_only=True):
    """The period, by the log's own clock, and the stamp of the last entry that was read: what was known then.

    `ended` is whether the log has gone on past it: then the same report comes of it ever after.
    """

    since: str | None
    until: str | None
    as_of: str | None
    ended: bool


class Totals(Struct, frozen=True, kw_only=True):
    """Everything in the period, counted once. What untrusted callers sent is counted apart and nowhere else."""

    requests: Verdicts
    told: Verdicts
    modes: dict[str, int]
    mints: Verdicts
    mints_before: Before
    refused: int
    renewals: int
    usages: Verdicts
    usages_waiting: int
    used_for: Uses
    uses_of_unknown_credentials: int
    uses_after_expiry: int
    uses_after_revocation: int
    lifecycle: dict[str, int]
    mints_citing_unknown_decisions: int
    untrusted_requests: int
    untrusted_events: int
    late_events: int


class DecisionLine(Struct, frozen=True, kw_only=True):
    """One decision that an auditor may want to look at: what was told, how it ended, whether it was minted."""

    decision: str
    time: str
    requester: str
    issuer: str
    resource: str
    privilege: str | None
    verdict: str
    told: str
    mode: str
    reasons: tuple[str, ...]
    outcome: str | None
    by: str | None
    trust: str | None
    minted: bool


class StepUps(Struct, frozen=True, kw_only=True):
    """Requests that the broker was told to step up, and how that ended by the end of the period.

    `ended` counts the last word on each, as `outcome by trust`; `median_seconds` is from the decision to its
    first word. `listed` are the latest step-ups and denies told, `told` in all.
    """

    told: int
    ended: dict[str, int]
    unanswered: int
    minted_unanswered: int
    minted_after_refusal: int
    median_seconds: float | None
    listed: tuple[DecisionLine, ...]


class AccessRequests(Struct, frozen=True, kw_only=True):
    """Requests for somebody's answer to a step-up: how they ended, in which way they were answered, how fast.

    `presented` counts requests that came with an approval, by what it came to: `passed`, `not needed`, or why it
    was refused. `minted_beyond_approval` are mints that live longer than the approval they were minted on.
    """

    requested: int
    emergencies: int
    settled: dict[str, int]
    expired: int
    waiting: int
    by_method: dict[str, int]
    median_seconds: float | None
    presented: dict[str, int]
    minted_beyond_approval: int


class Exceptions(Struct, frozen=True, kw_only=True):
    """Mints that went past a decision: against it, on a step-up nobody had answered, or without having asked.

    `never_asked_where_others_do` counts those at issuers whose broker asks otherwise. `listed` are the latest
    of those against a decision or on an open step-up.
    """

    against: int
    on_step_up: int
    never_asked: int
    never_asked_where_others_do: int
    citing_unknown_decisions: int
    listed: tuple[DecisionLine, ...]


class Outcomes(Struct, frozen=True, kw_only=True):
    """Every word on a decision that came in the period, by what it said and by whose it was."""

    by_outcome: dict[str, int]
    by_trust: dict[str, int]
    by_both: dict[str, int]
    changed: int


class GlassView(Struct, frozen=True, kw_only=True):
    """One broken glass: a window in which enforcement was passed."""

    glass: str
    requester: str
    purpose: str
    opened: str
    until: str
    decisions: int
    finding: str | None
    reviewer: str | None
    reviewed: str | None
    note: str | None


class BreakGlass(Struct, frozen=True, kw_only=True):
    """Glasses broken in the period or still unreviewed at its end; `refused` counts those not let through, by why."""

    opened: int
    decisions: int
    reviewed: int
    unjustified: int
    unreviewed: int
    refused: dict[str, int]
    windows: tuple[GlassView, ...]


class Halt(Struct, frozen=True, kw_only=True):
    """One time that the kill switch was on, as far as it lies in the period; `until` is `null` while it still is."""

    since: str
    until: str | None
    by: str
    because: str
    seconds: float
    answers: int


class KillSwitch(Struct, frozen=True, kw_only=True):
    """When enforcement was halted everywhere, how long in all, and what was answered meanwhile."""

    seconds: float
    answers: int
    engaged_at_end: bool
    periods: tuple[Halt, ...]


class RuleStep(Struct, frozen=True, kw_only=True):
    """One change in a rule's life."""

    time: str
    change: str
    by: str
    reason: str


class RuleView(Struct, frozen=True, kw_only=True):
    """A deny rule that lived in the period: scope, life, what its backtest foretold and what it really hit."""

    rule: str
    scope: str
    state: str
    by: str
    because: str
    created: str
    expires: str
    backtest: str | None
    within_limit: bool | None
    override: str | None
    denied: int
    matched_enforced: int
    matched_canary: int
    matched_before: int
    steps: tuple[RuleStep, ...]


class Rules(Struct, frozen=True, kw_only=True):
    """Deny rules: how many changes of each kind, and each rule's life, the newest first."""

    changes: dict[str, int]
    denied: int
    enforced_by_override: int
    lived: int
    rules: tuple[RuleView, ...]


class PolicyUse(Struct, frozen=True, kw_only=True):
    """What policy documents did to requests, and to mints nobody asked for: eased by which intent, limits broken.

    `hardened` had a harder verdict because of a limit, `advised` were told to ask for less.
    """

    eased_by_intent: dict[str, int]
    broken_limits: dict[str, int]
    hardened: int
    advised: int


class Announcements(Struct, frozen=True, kw_only=True):
    """What others were told of credentials and risk: by what is announced, and by why."""

    by_kind: dict[str, int]
    by_code: dict[str, int]


class Readings(Struct, frozen=True, kw_only=True):
    """Who read sensitive views over the API; `without_a_record` of them were only counted, being repetitions."""

    by_view: dict[str, int]
    by_reader: dict[str, int]
    without_a_record: int


class FieldChange(Struct, frozen=True, kw_only=True):
    """One setting: before and after, as JSON, or as its digest where that is long."""

    field: str
    before: str | None
    after: str


class Configuration(Struct, frozen=True, kw_only=True):
    """A configuration that came into force. The log does not say who wrote the file."""

    time: str
    position: int
    digest: str
    changed: tuple[FieldChange, ...]


class ThresholdDraw(Struct, frozen=True, kw_only=True):
    """Thresholds drawn anew from the reference, in nats."""

    time: str
    position: int
    step_up: float
    deny: float


class Turn(Struct, frozen=True, kw_only=True):
    """Anything else that somebody did to the system itself: what, by whom, and what it was about."""

    time: str
    position: int
    kind: str
    by: str | None
    about: str


class Changes(Struct, frozen=True, kw_only=True):
    """What was changed about the system itself."""

    configured: tuple[Configuration, ...]
    thresholds: tuple[ThresholdDraw, ...]
    other: tuple[Turn, ...]
    left_off: int


class Control(Struct, frozen=True, kw_only=True):
    """One requirement of a framework: what the log shows of it, where in this report, and what it cannot show."""

    framework: str
    id: str
    title: str
    shows: str
    figures: dict[str, Figure]
    where: tuple[str, ...]
    cannot_show: str


class Report(Struct, frozen=True, kw_only=True):
    """The evidence of a period. `limits` says what was left off anywhere because a limit was reached."""

    format: Literal["assayer-report/1"]
    log: LogCovered
    period: PeriodCovered
    totals: Totals
    frameworks: tuple[Control, ...]
    mints: Mints
    requesters: tuple[RequesterView, ...]
    issuers: tuple[IssuerView, ...]
    checks: tuple[Check, ...]
    exceptions: Exceptions
    step_ups: StepUps
    access_requests: AccessRequests
    outcomes: Outcomes
    break_glass: BreakGlass
    kill_switch: KillSwitch
    rules: Rules
    policy: PolicyUse
    announced: Announcements
    readings: Readings
    changes: Changes
    limits: dict[str, int]


def as_json(report: Report) -> bytes:
    """The report as JSON; equal reports give equal bytes."""
    return msgspec.json.encode(report, order="deterministic") + b"\n"


def components() -> dict[str, Any]:
    """The shapes for an OpenAPI document: the whole is `Report`, each of its parts `Report.` and its name."""
    made, parts = msgspec.json.schema_components([Report], ref_template="#/components/schemas/Report.{name}")
    del made
    named = {f"Report.{name}": part for name, part in parts.items()}
    return {"Report": named.pop("Report.Report"), **named}


def schema() -> dict[str, Any]:
    """The report's JSON Schema (2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Report)}
