"""What was changed about the system itself: configuration, thresholds, and whatever else somebody turned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from detector.engine.policy import Policy
from detector.engine.records import Configured, Recalibrated
from detector.report.shape import Changes, Configuration, FieldChange, ThresholdDraw, Turn
from detector.report.telling import moment

MOST_TURNS: Final = 10_000
"""Changes of one kind told one by one: a draw a day for twenty-seven years."""

LONGEST_VALUE: Final = 400
"""Characters of a setting that are shown; of a longer one its digest stands there, which tells that it changed."""

_DIGITS: Final = 16


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

    def turned(self, kind: str, position: int, now: float, *, by: str | None, about: str) -> None:
        """Somebody turned something else."""
        if not self._full(self._other):
            self._other.append(Turn(time=moment(now), position=position, kind=kind, by=by, about=about))

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


def _settings(policy: Policy) -> dict[str, Any]:
    found = msgspec.to_builtins(policy)
    return dict(found)


def _told(value: object) -> str:
    told = msgspec.json.encode(value, order="deterministic").decode()
    if len(told) <= LONGEST_VALUE:
        return told
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]}"
