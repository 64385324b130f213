"""One disaster's course: a server under load, calm first, then what happens to it, then the reckoning."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from bench.chaos.audit import Audit, audit
from bench.chaos.ground import Ground
from bench.chaos.load import PER_SECOND, Answer, Load
from bench.chaos.site import DEADLINE, OWN, Site, ended

CALM, DURING, AFTER = "calm", "during", "after"

MARGIN = 1.0
"""Seconds past the deadline that the machine may take, which the load shares with the server: what waits for a lock or
a disk waits longer than that."""

DOCUMENTED = frozenset({200, 429, 503})
"""What an honest ask may be answered with."""

Disaster: TypeAlias = Callable[[Ground, Path, "Scale"], "Figures"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything: seconds of each stretch, and how many of what comes in numbers."""

    seconds: float
    garbage: int
    rules: int
    rules_of_one: int
    step_ups: int
    kills: int


WHOLE = Scale(seconds=8.0, garbage=50_000, rules=10_000, rules_of_one=1_000, step_ups=100_000, kills=100)
SHORT = Scale(seconds=1.0, garbage=1_200, rules=200, rules_of_one=50, step_ups=400, kills=4)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a disaster did. `counted` is how many answers the server says it gave unrecorded; `told` is more to say."""

    name: str
    answers: Sequence[Answer]
    events: Mapping[int, int]
    counted: float
    resident: float
    peak: float
    audit: Audit
    told: Mapping[str, str] = field(default_factory=dict)

    def telling(self, what: str, figure: str) -> Figures:
        """The same, with more to say."""
        return replace(self, told={**self.told, what: figure})

    def of(self, *phases: str) -> list[Answer]:
        """The answers to what was asked in these phases; all of them, where none is named."""
        return [answer for answer in self.answers if not phases or answer.phase in phases]

    def verdicts(self, verdict: str, *phases: str) -> int:
        """How many of them were told so."""
        return sum(answer.told.get("verdict") == verdict for answer in self.of(*phases))

    def statuses(self, *phases: str) -> Counter[int]:
        """How often which status."""
        return Counter(answer.status for answer in self.of(*phases))

    def unrecorded(self, *phases: str) -> int:
        """How many said that they were not durable."""
        return sum(answer.status == 200 and not answer.recorded for answer in self.of(*phases))

    def late(self, margin: float = MARGIN) -> int:
        """How many came past the deadline, and did not say that they were not durable."""
        return sum(answer.recorded and answer.seconds > DEADLINE + margin for answer in self.answers)

    def quantile(self, share: float, *phases: str) -> float:
        """Milliseconds that this share of the answers did not exceed; 0 where there are none."""
        taken = sorted(answer.seconds for answer in self.of(*phases) if answer.status)
        return taken[min(len(taken) - 1, int(share * len(taken)))] * 1e3 if taken else 0.0

    def wrong(self, *, killed: bool = False) -> dict[str, Any]:
        """What may not be; empty when the server kept its word. One that was `killed` left asks unanswered."""
        found = self.audit.wrong() | {
            "honest requests denied": self.verdicts("deny"),
            "late without a word": self.late(),
            "undocumented statuses": set(self.statuses()) - DOCUMENTED - ({0} if killed else set()),
            "more unrecorded answers than were counted": not killed and self.unrecorded() > self.counted,
            "never recorded, though the server lived": not killed and self.audit.never,
        }
        return {name: value for name, value in found.items() if value}


class Scene:
    """A server on its own copy of the ground, under load while the block runs; `figures` once it has ended."""

    def __init__(
        self,
        ground: Ground,
        folder: Path,
        name: str,
        *,
        command: Sequence[str] = OWN,
        data: Path | None = None,
        seen_as: Path | None = None,
        per_second: float = PER_SECOND,
    ) -> None:
        """`data` is where the server finds its directory if that is not a copy made here, `seen_as` where we do.

        SQLite follows links by itself, so that what lies behind another process's root is copied before it is read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.ground, self.folder = name, ground, folder
        self.data = data if data is not None else ground.copy(folder / name / "data")
        self._seen_as = seen_as
        self._command, self._per_second = command, per_second
        self._told: dict[str, str] = {}
        self._figures: Figures | None = None

    def __enter__(self) -> Self:
        """Start the server, then the load."""
        errors = self.folder / f"{self.name}.log"
        self.site = Site(self.data, secrets=self.ground.secrets, errors=errors, command=self._command)
        self._ended = ended(self.site)
        self._ended.__enter__()
        self.load = Load(self.site.port, self.ground, prefix=self.name, per_second=self._per_second)
        self.load.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the load end, then the server, then look into the log."""
        try:
            self.load.__exit__(kind, error, trace)
            if kind is None:
                counted = self.site.metric("assayer_unrecorded_answers_total")
                peak = self.site.peak()
                status = self.site.stop()
                if status != 0:
                    raise RuntimeError(f"{self.name}: the server ended with {status}")
                self._figures = Figures(
                    name=self.name,
                    answers=self.load.answers,
                    events=self.load.event_statuses,
                    counted=counted,
                    resident=self._resident,
                    peak=peak,
                    audit=audit(self._left(), self.load.answers, self.load.events),
                    told=self._told,
                )
        finally:
            self._ended.__exit__(kind, error, trace)

    def _left(self) -> Path:
        """The data directory that the server left, where SQLite finds it."""
        return self.data if self._seen_as is None else shutil.copytree(self._seen_as, self.folder / "left")

    def calm(self, seconds: float) -> None:
        """So long as things are well; memory is counted from the end of it."""
        self.load.live(CALM, seconds)
        self._resident = self.site.resident()
        self.site.forget_peak()

    def tell(self, what: str, figure: str) -> None:
        """Something else that was measured."""
        self._told[what] = figure

    @property
    def figures(self) -> Figures:
        """What came of it."""
        assert self._figures is not None
        return self._figures
