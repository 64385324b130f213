"""Broken glasses with their reviews, and the times that the kill switch was on."""

from __future__ import annotations

from collections import Counter
from typing import Final

from msgspec import Struct

from detector.engine.records import BreakGlassReviewed, Decided, KillSwitchTurned
from detector.report.period import Period
from detector.report.shape import BreakGlass, GlassView, Halt, KillSwitch
from detector.report.telling import moment

MOST_GLASSES: Final = 10_000
"""Windows remembered one by one, ten times what the engine lets lie unreviewed; the reviewed ones go first."""

MOST_HALTS: Final = 1_000
"""Times that the switch was on, one by one; all of them are summed."""


class Window(Struct):
    """One broken glass; `counted` is whether it was broken in the period."""

    requester: str
    purpose: str
    opened: float
    until: float
    counted: bool
    decisions: int = 1
    finding: str | None = None
    reviewer: str | None = None
    reviewed: float | None = None
    note: str | None = None


class Glasses:
    """Every window by the decision that opened it."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}
        self._opened = 0
        self._decisions = 0
        self._reviews: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self.left_off = 0

    def begin(self, name: str, window: Window) -> None:
        """A window that was opened before the first entry."""
        self._windows[name] = window

    def decided(self, record: Decided, now: float, *, counted: bool) -> None:
        """A decision passed through a glass, or was not let through one."""
        if counted and record.glass_refused:
            self._refused[record.glass_refused] += 1
        if record.glass is None:
            return
        self._decisions += counted
        known = self._windows.get(record.glass.opened_by)
        if known is not None:
            known.decisions += 1
            return
        self._opened += counted
        self._windows[record.glass.opened_by] = Window(
            requester=record.requester,
            purpose=record.request.purpose or "",
            opened=now,
            until=record.glass.until,
            counted=counted,
        )
        if len(self._windows) > MOST_GLASSES:
            self._forget()

    def reviewed(self, record: BreakGlassReviewed, now: float, *, counted: bool) -> None:
        """Somebody looked at one."""
        if counted:
            self._reviews[record.finding] += 1
        window = self._windows.get(record.glass)
        if window is not None:
            window.finding, window.reviewer, window.reviewed = record.finding, record.by, now
            window.note = record.note or None

    def _forget(self) -> None:
        done = (name for name, window in self._windows.items() if window.finding is not None)
        del self._windows[next(done, next(iter(self._windows)))]
        self.left_off += 1

    def view(self, period: Period) -> BreakGlass:
        """Those of the period, and what is still unreviewed of those before."""
        shown = [
            (name, window)
            for name, window in self._windows.items()
            if window.counted
            or window.finding is None
            or (window.reviewed is not None and period.begun(window.reviewed))
        ]
        return BreakGlass(
            opened=self._opened,
            decisions=self._decisions,
            reviewed=self._reviews.total(),
            unjustified=self._reviews["unjustified"],
            unreviewed=sum(1 for _, window in shown if window.finding is None),
            refused=dict(self._refused),
            windows=tuple(_glass(name, window) for name, window in shown),
        )


def _glass(name: str, window: Window) -> GlassView:
    return GlassView(
        glass=name,
        requester=window.requester,
        purpose=window.purpose,
        opened=moment(window.opened),
        until=moment(window.until),
        decisions=window.decisions,
        finding=window.finding,
        reviewer=window.reviewer,
        reviewed=None if window.reviewed is None else moment(window.reviewed),
        note=window.note,
    )


class Switch:
    """The kill switch, turned on and off."""

    def __init__(self) -> None:
        self._on: tuple[float, KillSwitchTurned] | None = None
        self._answers = 0
        self._all_answers = 0
        self._seconds = 0.0
        self._halts: list[Halt] = []
        self.left_off = 0

    def turned(self, record: KillSwitchTurned, now: float, period: Period) -> None:
        """It was turned. Turned on while on, only the first counts."""
        if record.engaged and self._on is None:
            self._on, self._answers = (now, record), 0
        elif not record.engaged and self._on is not None:
            self._end(now, period, still=False)
            self._on = None

    def answered(self) -> None:
        """A request of the period was answered under it."""
        self._answers += 1
        self._all_answers += 1

    def _end(self, now: float, period: Period, *, still: bool) -> None:
        if self._on is None or not (still or period.begun(now)):
            return
        since, record = self._on
        lasted = now - max(since, period.since if period.since is not None else since)
        self._seconds += lasted
        if len(self._halts) >= MOST_HALTS:
            self.left_off += 1
            return
        halt = Halt(
            since=moment(since),
            until=None if still else moment(now),
            by=record.by,
            because=record.because,
            seconds=round(lasted, 3),
            answers=self._answers,
        )
        self._halts.append(halt)

    def view(self, now: float, period: Period) -> KillSwitch:
        """As it was in the period, which ends at `now`. To be asked once."""
        self._end(now, period, still=True)
        return KillSwitch(
            seconds=round(self._seconds, 3),
            answers=self._all_answers,
            engaged_at_end=self._on is not None,
            periods=tuple(self._halts),
        )
