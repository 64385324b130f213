"""The log held against every answer that was given: what was acknowledged stands there, as it was told, once."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.chaos.load import Answer
from detector.api.wire import answer
from detector.engine import judge
from detector.engine.policy import Policy
from detector.engine.records import Decided, Entry, Observed
from detector.engine.state import State
from detector.store import FileSnapshots, LogReader
from detector.wiring.verification import verify


@dataclass(frozen=True, slots=True)
class Audit:
    """What the log says of the answers.

    `lost` were acknowledged and are not in the log, `altered` are there otherwise than told, `late_but_kept` were not
    acknowledged and are there all the same, `never` neither. `same_state` is whether folding the log from nothing gives
    the state that the server itself held at its last snapshot; `steps_back` counts stamps below the one before.
    `findings` is what `assayer verify` finds: the log proven whole, each decision decided again.
    """

    acknowledged: int
    lost: tuple[str, ...]
    altered: tuple[str, ...]
    lost_events: tuple[str, ...]
    late_but_kept: int
    never: int
    twice: tuple[str, ...]
    steps_back: int
    same_state: bool | None
    entries: int
    findings: tuple[str, ...]

    def wrong(self) -> dict[str, Any]:
        """What may not be; empty when all is well."""
        found = {
            "lost": self.lost,
            "altered": self.altered,
            "lost events": self.lost_events,
            "decided twice": self.twice,
            "stamps stepped back": self.steps_back,
            "state is not the log's fold": self.same_state is False,
            "found by verify": self.findings,
        }
        return {name: value for name, value in found.items() if value}


def audit(data: Path, answers: Sequence[Answer], events: Iterable[str], *, folding: bool = True) -> Audit:
    """Read a data directory's log and hold it against what a load was told. The server has ended.

    Without `folding` nothing is said of its state, nor of its proof.
    """
    told: dict[str, Decided] = {}
    asked: Counter[str] = Counter()
    observed: set[str] = set()
    steps_back, before, entries = 0, 0.0, 0
    fold = _Fold(data) if folding else None
    for entry in LogReader(data).read():
        entries += 1
        steps_back += entry.stamp < before
        before = entry.stamp
        record = entry.record
        if isinstance(record, Decided):
            told[record.request.id] = record
            asked[record.request.id] += record.moves_risk
        elif isinstance(record, Observed):
            observed.add(record.event.id)
        if fold is not None:
            fold.take(entry)
    acknowledged = [one for one in answers if one.recorded]
    unsaid = [one for one in answers if one.status == 200 and not one.recorded]
    given = [one for one in answers if one.status == 200 and one.asked["id"] in told]
    return Audit(
        acknowledged=len(acknowledged),
        lost=tuple(one.asked["id"] for one in acknowledged if one.asked["id"] not in told),
        altered=tuple(one.asked["id"] for one in given if not _as_told(one, told[one.asked["id"]])),
        lost_events=tuple(sorted(set(events) - observed)),
        late_but_kept=sum(one.asked["id"] in told for one in unsaid),
        never=sum(one.asked["id"] not in told for one in unsaid),
        twice=tuple(name for name, times in asked.items() if times > 1),
        steps_back=steps_back,
        same_state=fold.same() if fold is not None else None,
        entries=entries,
        findings=tuple(found.words() for found in verify(data).found) if folding else (),
    )


def _as_told(given: Answer, record: Decided) -> bool:
    """Whether the record answers as the broker was answered, to the last bit."""
    return bool(json.loads(msgspec.json.encode(answer(record, recorded=given.recorded))) == given.told)


class _Fold:
    """The log folded from nothing as it is read, up to where the server's last snapshot was taken."""

    def __init__(self, data: Path) -> None:
        snapshots = FileSnapshots(data, anchor=LogReader(data).anchor, warn=_refuse)
        self._saved = snapshots.load()
        self._state = State(Policy())

    def take(self, entry: Entry) -> None:
        """Fold one entry, if the snapshot has it."""
        if self._saved is not None and entry.position <= self._saved[0]:
            self._state.fold(entry, judge.prepare)

    def same(self) -> bool | None:
        """Whether it came to the snapshot's state; `None` where there is none."""
        if self._saved is None:
            return None
        return self._state.digest() == hashlib.sha256(self._saved[1]).hexdigest()


def _refuse(words: str) -> None:
    raise AssertionError(words)
