"""What was answered, what became of it: step-ups and how they ended, mints past a decision, words on decisions."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from msgspec import Struct

from detector.engine.outcomes import CLEARED, RANK
from detector.engine.recent import Recent
from detector.engine.records import Decided, Outcome, OutcomeRecorded, Trust
from detector.report.credentials import SKEW_SECONDS
from detector.report.ledger import Row
from detector.report.shape import DecisionLine, Exceptions, Outcomes, StepUps
from detector.report.telling import Spread, moment
from detector.verdict import Verdict

REMEMBERED: Final = 50_000
"""Decisions remembered for their issuance and the words on them: more than the engine takes either for."""

MOST_OPEN: Final = 50_000
"""Step-ups of the period whose end may still come. The oldest are counted as they stand past it."""

MOST_LISTED: Final = 1_000
"""Decisions listed one by one: what an auditor samples from. All are counted; the log has each."""


class Told(Struct):
    """A decision as far as what follows needs it."""

    decision: str
    at: float
    row: Row
    requester: str
    resource: str
    verdict: Verdict
    answer: Verdict
    mode: str
    codes: tuple[str, ...]
    counted: bool
    outcome: Outcome | None = None
    by: str = ""
    trust: Trust | None = None
    minted: bool = False
    before: str = ""
    answered: float | None = None
    until: float | None = None

    def line(self) -> DecisionLine:
        """As the report lists it."""
        return DecisionLine(
            decision=self.decision,
            time=moment(self.at),
            requester=self.requester,
            issuer=self.row.issuer,
            resource=self.resource,
            privilege=self.row.privilege or None,
            verdict=self.verdict,
            told=self.answer,
            mode=self.mode,
            reasons=self.codes,
            outcome=self.outcome,
            by=self.by or None,
            trust=self.trust,
            minted=self.minted,
        )


class Answers:
    """Decisions of trusted callers and everything that refers to one."""

    def __init__(self) -> None:
        self._known: Recent[Told] = Recent(REMEMBERED)
        self._open: deque[Told] = deque()
        self._ended: Counter[str] = Counter()
        self._unanswered = 0
        self._minted: Counter[str] = Counter()
        self._took = Spread()
        self._stepped_up = 0
        self._listed: deque[Told] = deque(maxlen=MOST_LISTED)
        self._past: deque[Told] = deque(maxlen=MOST_LISTED)
        self._words: Counter[tuple[str, str]] = Counter()
        self._changed = 0
        self.askers: set[str] = set()
        self.modes: Counter[str] = Counter()

    def decided(self, record: Decided, row: Row, at: float, *, counted: bool) -> None:
        """A trusted ask was answered at `at` (the log's stamp)."""
        weighed, request = record.weighed, record.request
        told = Told(
            decision=record.decision,
            at=at,
            row=row,
            requester=record.requester,
            resource=request.resource,
            verdict=weighed.verdict,
            answer=record.answer,
            mode=record.mode,
            codes=tuple(reason.code for reason in weighed.reasons) if record.answer != "allow" else (),
            counted=counted,
            until=_until(record),
        )
        self._known.put(record.decision, told)
        self.askers.add(request.issuer)
        if not counted:
            return
        self.modes[record.mode] += 1
        if record.answer == "allow":
            return
        self._listed.append(told)
        if record.answer == "step_up":
            self._stepped_up += 1
            self._open.append(told)
            if len(self._open) > MOST_OPEN:
                self._end(self._open.popleft())

    def minted(self, decision: str, *, counted: bool) -> str:
        """An issuance belongs to a decision: what that had come to before it (a field of `Before`)."""
        told = self._known.get(decision)
        if told is None:
            return "forgotten"
        told.minted = True
        told.before = _before(told)
        if counted and told.before in {"against", "on_step_up"}:
            self._past.append(told)
        return told.before

    def outlives(self, decision: str, expires: float | None) -> bool:
        """Whether what is minted on a decision and ends then lives longer than the approval it passed on."""
        told = self._known.get(decision)
        return told is not None and told.until is not None and (expires is None or expires > told.until + SKEW_SECONDS)

    def said(self, record: OutcomeRecorded, at: float, *, counted: bool) -> None:
        """Somebody said how a decision ended. A lesser word never takes the place of a weightier one."""
        if counted:
            self._words[record.outcome, record.trust] += 1
        told = self._known.get(record.decision)
        if told is None:
            return
        if told.outcome is not None:
            if RANK[record.trust] < RANK[told.trust or "automatic"]:
                return
            self._changed += counted and told.outcome != record.outcome
        if told.answered is None:
            told.answered = at
            if told.counted and told.answer == "step_up":
                self._took.add(at - told.at)
        told.outcome, told.trust, told.by = record.outcome, record.trust, record.by

    def _end(self, told: Told) -> None:
        """Count a step-up as it stands."""
        if told.outcome is None:
            self._unanswered += 1
        else:
            self._ended[f"{told.outcome} by {told.trust}"] += 1
        if told.minted:
            self._minted[told.before] += 1

    def step_ups(self) -> StepUps:
        """The period's step-ups as they stand at its end."""
        while self._open:
            self._end(self._open.popleft())
        return StepUps(
            told=self._stepped_up,
            ended=dict(self._ended),
            unanswered=self._unanswered,
            minted_unanswered=self._minted["on_step_up"],
            minted_after_refusal=self._minted["against"],
            median_seconds=self._took.median(),
            listed=tuple(told.line() for told in reversed(self._listed)),
        )

    def exceptions(self, rows: list[Row], *, citing: int) -> Exceptions:
        """Mints past a decision; `citing` is how many named a decision that the log does not know."""
        return Exceptions(
            against=sum(row.before.against for row in rows),
            on_step_up=sum(row.before.on_step_up for row in rows),
            never_asked=sum(row.before.never_asked for row in rows),
            never_asked_where_others_do=sum(row.before.never_asked for row in rows if row.issuer in self.askers),
            citing_unknown_decisions=citing,
            listed=tuple(told.line() for told in reversed(self._past)),
        )

    def outcomes(self) -> Outcomes:
        """The words that came in the period."""
        outcomes: Counter[str] = Counter()
        trusts: Counter[str] = Counter()
        for (outcome, trust), count in self._words.items():
            outcomes[outcome] += count
            trusts[trust] += count
        return Outcomes(
            by_outcome=dict(outcomes),
            by_trust=dict(trusts),
            by_both={f"{outcome} by {trust}": count for (outcome, trust), count in self._words.items()},
            changed=self._changed,
        )


def _until(record: Decided) -> float | None:
    """Until when the approval lets live what is minted on a decision that passed on one."""
    given = record.presented
    return given.until if given is not None and given.until else None


def _before(told: Told) -> str:
    """What a decision had come to when its credential was minted."""
    if told.outcome is not None:
        return "approved" if told.outcome in CLEARED else "against"
    if told.answer == "allow":
        return "allowed" if told.until is None else "approved"
    return "on_step_up" if told.answer == "step_up" else "against"
