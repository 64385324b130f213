"""What the log holds: every record that can change an answer.

A record is written once, durably, and never edited; state is a fold over
records in the order of the log. A record that judged something carries the
evidence it found, and folding applies that: it never weighs again.
Records hold nothing that could refer back to them, so what is remembered of them
by the thousand is nothing for the garbage collector to walk.
Evidence is in quanta of 1/1024 nat (`detector.evidence.QUANTUM`), so that it
compares and hashes alike on every machine.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from detector.baselines.peers import Grouping
from detector.engine import tasks
from detector.engine.asking_records import AccessRequested, AccessSettled, Presented
from detector.engine.budgets import Drawn
from detector.engine.policy import Policy, Thresholds
from detector.engine.policy_records import IntentReauthorised, PolicyApplied, PolicyTried
from detector.events import GrantRequest, Issuance, Lifecycle, Usage
from detector.evidence import quantise
from detector.policies import Advice
from detector.rules import Rule, RuleChange, Stage
from detector.verdict import AnswerMode, Reason, Verdict

Outcome: TypeAlias = Literal["approved", "refused", "legitimate", "malicious"]
Trust: TypeAlias = tasks.Trust
GlassFinding: TypeAlias = Literal["justified", "unjustified"]
View: TypeAlias = Literal["decision", "requester", "issuer", "entries", "proof", "report"]
"""What is sensitive to read."""
RiskLevel: TypeAlias = Literal["LOW", "MEDIUM", "HIGH"]
Announcement: TypeAlias = Literal["session_revoked", "credential_change", "risk_level_change"]
AnnouncementCode: TypeAlias = Literal[
    "usage_denied", "minted_denied", "denied", "rule", "labelled", "task_ended", "task_timed_out", "risk"
]
"""Why something is announced: the credential's use, or its mint, was denied; its requester was, or a rule about it was
enforced, or a judge found it out; its task ended, or ran too long; risk crossed a level."""


class Weighed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What weighing one event found.

    `own` is the event's own evidence, `evidence` that together with what its
    requester had accumulated. `step_up_at` is the evidence at which this row was
    stepped up, lower by `tightened` for what was at stake; `deny_at` the accumulated
    risk at which an odd row was denied (all in quanta). `step` is what it adds to the
    requester's risk: what `own` is worth past the allowance, 0 for a request that is repeated. `odd` names
    the oddities, as `facet=value`, with their shares. `risk` is the calibrated
    probability of abuse. `intent` is what raised `step_up_at` by `eased` quanta, because it was agreed on. `limits`
    are the hard limits that were broken, `otherwise` the verdict without them where they made it a harder one.
    Raises `ValueError` for a refusal without a reason.
    """

    own: int
    evidence: int
    step: int
    risk: float
    verdict: Verdict
    step_up_at: int = quantise(Thresholds().step_up)
    tightened: int = 0
    deny_at: int = quantise(Thresholds().deny)
    reasons: tuple[Reason, ...] = ()
    odd: dict[str, int] = {}
    eased: int = 0
    intent: str = ""
    limits: tuple[str, ...] = ()
    otherwise: Verdict | None = None

    def __post_init__(self) -> None:
        """Refuse to refuse without saying why."""
        if self.verdict != "allow" and not self.reasons:
            message = f"a {self.verdict} needs a reason"
            raise ValueError(message)

    @property
    def without_limits(self) -> Verdict:
        """What evidence and rules alone came to."""
        return self.otherwise or self.verdict

    @property
    def flagged(self) -> bool:
        """Whether evidence or a rule spoke against it. That it breaks a limit is no sign of abuse."""
        return self.without_limits != "allow"


class Glass(Struct, frozen=True):
    """A broken glass that a decision passed through: since which decision it is open, and until when."""

    opened_by: str
    until: float


class Configured(Struct, frozen=True, tag="configured"):
    """The operator's policy came into force."""

    policy: Policy


class Recalibrated(Struct, frozen=True, tag="recalibrated"):
    """The thresholds were drawn anew from the reference, for that day (counted from 1970)."""

    day: int
    drawn: Drawn


class Decided(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="decided"):
    """A grant request was answered.

    `position` is the log position the decision was made at, `requester` the
    canonical name, `moves_risk` whether a trusted broker asked, `answer` what
    the broker was told (the mode may soften `weighed.verdict`). `rule` is the deny
    rule that matched, `rule_stage` where in its life it was, `rule_bit` whether it
    denied. `learnt` is how many issuances of the requester were known,
    `issuer_known` whether any of the issuer's was. `group` is the peer group it was held
    against (`None` where none was found), `sure` how surely it belongs there, `fellows` how many do.
    `glass` is the broken glass it passed through, `glass_refused` why it did not. `advice` is what to ask for instead,
    `presented` the approval it came with.
    """

    decision: str
    request: GrantRequest
    requester: str
    position: int
    weighed: Weighed
    answer: Verdict
    mode: AnswerMode
    moves_risk: bool
    rule: str | None = None
    rule_stage: Stage | None = None
    rule_bit: bool = False
    learnt: int = 0
    issuer_known: bool = False
    group: str | None = None
    sure: float = 0.0
    fellows: int = 0
    glass: Glass | None = None
    glass_refused: str = ""
    advice: Advice | None = None
    presented: Presented | None = None


class Observed(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="observed"):
    """A log told us of an issuance, a usage or a lifecycle change.

    `weighed` is `None` for what is not judged: a lifecycle change, and a usage
    that waits for its issuance until `deadline`. `decision` is the decision that
    an issuance was found to belong to. `teaches` is false for what an untrusted
    caller sent: it changes nothing but that it was said. `rule` is the deny rule
    that an issuance matched, as in `Decided`.
    """

    event: Issuance | Usage | Lifecycle
    weighed: Weighed | None = None
    deadline: float | None = None
    decision: str | None = None
    rule: str | None = None
    rule_stage: Stage | None = None
    rule_bit: bool = False
    teaches: bool = True


class Released(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="released"):
    """A usage that had waited for its issuance was judged, with it or without."""

    event: Usage
    weighed: Weighed


class RuleChanged(Struct, frozen=True, kw_only=True, tag="rule_changed"):
    """A deny rule entered a stage of its life, or was lengthened, shortened or withdrawn."""

    rule: Rule
    change: RuleChange
    by: str
    reason: str = ""


class OutcomeRecorded(Struct, frozen=True, kw_only=True, tag="outcome_recorded"):
    """How a step-up ended, or what an analyst said of a decision."""

    decision: str
    outcome: Outcome
    by: str
    trust: Trust = "analyst"


class KillSwitchTurned(Struct, frozen=True, kw_only=True, tag="kill_switch_turned"):
    """Enforcement was halted everywhere, or taken up again."""

    engaged: bool
    by: str
    because: str


class BreakGlassReviewed(Struct, frozen=True, kw_only=True, tag="break_glass_reviewed"):
    """Somebody looked at what was done through a broken glass; `glass` is the decision that it opened with."""

    glass: str
    finding: GlassFinding
    by: str
    note: str = ""


class Announced(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="announced"):
    """Others are told that a credential should work no more, or that a requester's risk is at another level.

    `cause` is the decision, event, rule or task that brought it about. Of a credential: which, by which issuance,
    for which resource and task, and until when it would have worked (Unix seconds). Of a risk:
    the level `before` and `after`. Who is told, and how, is no matter of the log's.
    """

    kind: Announcement
    code: AnnouncementCode
    requester: str
    issuer: str
    cause: str
    because: str
    codes: tuple[str, ...] = ()
    credential: str | None = None
    issuance: str | None = None
    resource: str | None = None
    task: str | None = None
    expires: float | None = None
    before: RiskLevel | None = None
    after: RiskLevel | None = None


class PeersAssigned(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="peers_assigned"):
    """Peer groups were found: what they are like, and who belongs elsewhere than before.

    The whole value, so that folding finds nothing again. A large fleet's placements go on in
    further records, which are not `whole`: those change placements only. A whole one without groups
    says that requesters are too few; groups are then made from names.
    """

    grouping: Grouping
    whole: bool = True


class Accessed(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="accessed"):
    """Somebody read a sensitive view of a subject; it changes nothing but that it was said.

    `collapsed` is how many readings of the same, since the record before, have none of their own.
    """

    view: View
    subject: str
    by: str
    collapsed: int = 0


class KeyRotated(Struct, frozen=True, kw_only=True, tag="key_rotated"):
    """Another key signs the log's checkpoints, from the one over `size` entries on, which both signed."""

    size: int
    old: str
    new: str
    by: str


class Compacted(Struct, frozen=True, kw_only=True, tag="compacted"):
    """What entries up to `before` said is forgotten; what they came to is kept.

    `state_digest` is the SHA-256 of the state that they fold to, `root` the root over them (both hexadecimal).
    """

    before: int
    state_digest: str
    root: str
    by: str


Record: TypeAlias = (
    Configured
    | Recalibrated
    | Decided
    | Observed
    | Released
    | RuleChanged
    | OutcomeRecorded
    | KillSwitchTurned
    | BreakGlassReviewed
    | Announced
    | PolicyTried
    | PolicyApplied
    | IntentReauthorised
    | AccessRequested
    | AccessSettled
    | PeersAssigned
    | Accessed
    | KeyRotated
    | Compacted
)
HOUSEKEEPING: Final = frozenset({Accessed, KeyRotated, Compacted})
"""Records about the log itself: folding them changes nothing but the position."""


class Entry(Struct, frozen=True):
    """One record at its place in the log: positions start at 1 and have no gaps.

    `stamp` is the writer's clock when it appended (Unix seconds), which is what
    "now" means to the fold; it never goes back.
    """

    position: int
    stamp: float
    record: Record
