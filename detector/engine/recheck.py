"""Decides again what a log says was decided: entries in, discrepancies out. Pure, as deciding is.

Each entry is compared with what the state before it comes to, then folded as it was recorded; so one that was decided
otherwise does not make others look wrong. Evidence must agree to the quantum, verdicts and the codes of reasons
altogether; what reasons say in words is not compared, nor which peer groups were found and which rules were raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from detector.engine.budgets import Drawn, draw
from detector.engine.decide import decide
from detector.engine.joins import HOLD_SECONDS
from detector.engine.note import note_issuance, note_use
from detector.engine.records import Decided, Entry, Observed, Recalibrated, Released, Weighed
from detector.engine.state import State
from detector.events import Issuance, Usage
from detector.evidence import quantise
from detector.features.facets import Facets
from detector.features.rhythm import DAY
from detector.proof import Discrepancy
from detector.verdict import told

RISK_DIGITS: Final = 6
"""`risk` is in millionths; another machine's exponential may round the last one otherwise."""

_DECIDED: Final = ("decision", "requester", "position", "answer", "mode", "rule", "rule_stage", "rule_bit", "learnt")
_CONTEXT: Final = ("issuer_known", "group", "fellows", "glass", "glass_refused", "presented")
_NOTED: Final = ("decision", "rule", "rule_stage", "rule_bit")
_WEIGHED: Final = ("own", "evidence", "step", "verdict", "step_up_at", "tightened", "deny_at", "odd")
_POLICED: Final = ("eased", "intent", "limits", "otherwise")


class Recheck:
    """Follows a log from a state on. `checked` counts what was decided again."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.checked = 0

    def see(self, entry: Entry) -> Iterator[Discrepancy]:
        """What is wrong about the next entry, which is folded then."""
        facets, differing = self._again(entry)
        for what in differing:
            yield Discrepancy(entry.position, f"comes to something else: {what}")
        self.state.apply(entry, facets)

    def _again(self, entry: Entry) -> tuple[Facets | None, list[str]]:
        """What a judged entry is weighed as, and how what it comes to differs from what was recorded."""
        state, record, now = self.state, entry.record, entry.stamp
        if isinstance(record, Decided):
            self.checked += 1
            return None, list(_decided(state, record, now))
        if isinstance(record, Released):
            self.checked += 1
            used, facets, _ = note_use(state, record.event, now, trusted=True, held=True)
            return facets, list(_weighed(record.weighed, used.weighed))
        if isinstance(record, Observed):
            return self._observed(record, now)
        if isinstance(record, Recalibrated):
            self.checked += 1
            return None, list(_drawn(record, draw(state.memory.reference, state.policy), now))
        return None, []

    def _observed(self, record: Observed, now: float) -> tuple[Facets | None, list[str]]:
        event = record.event
        if isinstance(event, Issuance):
            noted, facets, _ = note_issuance(self.state, event, now, trusted=record.teaches)
            differing = [*_fields(record, noted, _NOTED), *_weighed(record.weighed, noted.weighed)]
        elif isinstance(event, Usage) and record.weighed is not None:
            used, facets, _ = note_use(self.state, event, now, trusted=record.teaches, held=False)
            differing = list(_weighed(record.weighed, used.weighed))
        elif isinstance(event, Usage):
            return None, [] if record.deadline == now + HOLD_SECONDS else [f"deadline is {record.deadline}"]
        else:
            return None, []
        self.checked += 1
        return facets, differing


def _decided(state: State, record: Decided, now: float) -> Iterator[str]:
    again = decide(state, record.request, now, trusted=record.moves_risk).decided
    names: tuple[str, ...] = _DECIDED
    if record.mode == "kill_switch" and state.halted is None:
        # The switch was turned while the log took no more: that it was on is known of the answer alone.
        names = tuple(name for name in names if name not in {"mode", "answer"})
        if record.answer != told(again.weighed.verdict, "kill_switch"):
            yield f"answer was {record.answer} under a kill switch"
    yield from _fields(record, again, (*names, *_CONTEXT, "advice"))
    yield from _weighed(record.weighed, again.weighed)


def _weighed(recorded: Weighed | None, again: Weighed | None) -> Iterator[str]:
    if recorded is None or again is None:
        if recorded is not again:
            yield "it was not weighed"
        return
    yield from _fields(recorded, again, (*_WEIGHED, *_POLICED))
    if abs(recorded.risk - again.risk) > 1.5 * 10**-RISK_DIGITS:
        yield f"risk was {recorded.risk}, is {again.risk}"
    said, says = ([reason.code for reason in weighed.reasons] for weighed in (recorded, again))
    if said != says:
        yield f"reasons were {', '.join(said) or 'none'}, are {', '.join(says) or 'none'}"


def _fields(recorded: Any, again: Any, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        was, found = getattr(recorded, name), getattr(again, name)
        if was != found:
            yield f"{name} was {was}, is {found}"


def _drawn(record: Recalibrated, again: Drawn, now: float) -> Iterator[str]:
    """Thresholds are compared in quanta, as evidence is compared with them."""
    if record.day != int(now // DAY):
        yield f"day was {record.day}, is {int(now // DAY)}"
    for name in ("step_up", "deny"):
        was, found = getattr(record.drawn.thresholds, name), getattr(again.thresholds, name)
        if quantise(was) != quantise(found):
            yield f"the {name} threshold was {was}, is {found}"
    for name in ("shift", "odd_from"):
        was, found = getattr(record.drawn, name), getattr(again, name)
        if was != found and quantise(was) != quantise(found):
            yield f"{name} was {was}, is {found}"
