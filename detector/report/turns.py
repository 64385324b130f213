"""What was changed about the system itself: configuration, thresholds, and whatever else somebody turned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from detector.engine.policy import Policy
from detector.engine.policy_records import IntentReauthorised, PolicyApplied, PolicyTried
from detector.engine.records import Compacted, Configured, KeyRotated, Recalibrated
from detector.report.shape import Changes, Configuration, FieldChange, ThresholdDraw, Turn
from detector.report.telling import moment

MOST_TURNS: Final = 10_000
"""Changes of one kind told one by one: a draw a day for twenty-seven years."""

LONGEST_VALUE: Final = 400
"""Characters of a setting that are shown; of a longer one its digest stands there, which tells that it changed."""

_DIGITS: Final = 16


Doing: TypeAlias = PolicyTried | PolicyApplied | IntentReauthorised | KeyRotated | Compacted
"""What somebody with a name did to the system itself."""


class Turns:
    """Every change, in order."""

    def __init__(self) -> None:
        self._policy: Mapping[str, Any] = {}
        self._configured: list[Configuration] = []
        self._drawn: list[ThresholdDraw] = []
        self._other: list[Turn] = []
        self._left_off = 0

    def configured(self, record: Configured, position: int, now: float, *, counted: bool) -> None:
        """A policy came into force."""
        before, self._policy = self._policy, _settings(record.policy)
        if not counted or self._full(self._configured):
            return
        changed = [
            FieldChange(field=name, before=_told(before[name]) if name in before else None, after=_told(value))
            for name, value in sorted(self._policy.items())
            if name not in before or before[name] != value
        ]
        digest = hashlib.sha256(msgspec.json.encode(record.policy, order="deterministic")).hexdigest()
        self._configured.append(
            Configuration(time=moment(now), position=position, digest=digest, changed=tuple(changed))
        )

    def recalibrated(self, record: Recalibrated, position: int, now: float, *, counted: bool) -> None:
        """Thresholds were drawn."""
        if counted and not self._full(self._drawn):
            drawn = record.drawn.thresholds
            self._drawn.append(
                ThresholdDraw(time=moment(now), position=position, step_up=drawn.step_up, deny=drawn.deny)
            )

    def begin(self, policy: Policy) -> None:
        """The policy that was in force before the first entry."""
        self._policy = _settings(policy)

    def turned(self, record: Doing, kind: str, position: int, now: float) -> None:
        """Somebody turned something else; `kind` is what the log calls it."""
        if not self._full(self._other):
            turn = Turn(time=moment(now), position=position, kind=kind, by=record.by, about=_about(record))
            self._other.append(turn)

    def _full(self, kept: list[Any]) -> bool:
        full = len(kept) >= MOST_TURNS
        self._left_off += full
        return full

    def view(self) -> Changes:
        """The period's."""
        return Changes(
            configured=tuple(self._configured),
            thresholds=tuple(self._drawn),
            other=tuple(self._other),
            left_off=self._left_off,
        )


def _about(record: Doing) -> str:
    if isinstance(record, PolicyApplied):
        why = f"{record.because} (without a dry-run: {record.overridden})" if record.overridden else record.because
        return f"version {record.document.version}, {record.digest[:_DIGITS]}: {why}"
    if isinstance(record, PolicyTried):
        return f"document {record.digest[:_DIGITS]}"
    if isinstance(record, IntentReauthorised):
        return f"intent {record.intent}: {record.because}"
    if isinstance(record, KeyRotated):
        return f"from the checkpoint over {record.size} entries on: {record.new}"
    return f"entries up to {record.before} are forgotten; they came to state {record.state_digest[:_DIGITS]}"


def _settings(policy: Policy) -> dict[str, Any]:
    found = msgspec.to_builtins(policy)
    return dict(found)


def _told(value: object) -> str:
    told = msgspec.json.encode(value, order="deterministic").decode()
    if len(told) <= LONGEST_VALUE:
        return told
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]}"
