"""What is known of logged events, malicious or legitimate: from a file of labels, or from the log's own outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from detector.engine.records import Decided, Entry, Observed, OutcomeRecorded
from detector.events import Event, Issuance

MALICIOUS = frozenset({"malicious", "refused"})
"""Outcomes that speak against a decision's request; the other two speak for it."""


class Truth(NamedTuple):
    """Labels by the event's own id (true where it was malicious), and which issuance (by id) belongs to a request's id.

    A decision and its issuance are one event, and are counted once.
    """

    malicious: Mapping[str, bool]
    issued: Mapping[str, str]


class _Line(msgspec.Struct):
    id: str
    label: Literal["malicious", "legitimate"]


def read_labels(lines: Iterable[bytes], rejected: Callable[[int, str], None]) -> Truth:
    """The labels in JSON Lines: `{"id": …, "label": "malicious" | "legitimate"}`, the last one of an id.

    A line that says something else goes to `rejected`, with its number and the reason.
    """
    decoder = msgspec.json.Decoder(_Line)
    found: dict[str, bool] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            told = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            rejected(number, str(error))
        else:
            found[told.id] = told.label == "malicious"
    return Truth(found, {})


def logged_labels(entries: Iterable[Entry]) -> Truth:
    """How the log's own decisions ended: step-ups approved or refused, and what analysts said. The last word counts.

    Wrong where only step-ups were looked at: what was allowed has no label then, and what such labels teach is to tell
    step-ups apart.
    """
    asked: dict[str, str] = {}
    issued: dict[str, str] = {}
    outcomes: dict[str, bool] = {}
    for entry in entries:
        record = entry.record
        if isinstance(record, Decided) and record.moves_risk:
            asked[record.decision] = record.request.id
        elif isinstance(record, Observed) and isinstance(record.event, Issuance) and record.decision:
            issued[record.decision] = record.event.id
        elif isinstance(record, OutcomeRecorded):
            outcomes[record.decision] = record.outcome in MALICIOUS
    known = {decision: malicious for decision, malicious in outcomes.items() if decision in asked}
    labels = {asked[decision]: malicious for decision, malicious in known.items()}
    labels.update({issued[decision]: malicious for decision, malicious in known.items() if decision in issued})
    return Truth(labels, {asked[decision]: issuance for decision, issuance in issued.items() if decision in asked})


def logged_events(entries: Iterable[Entry]) -> Iterator[Event]:
    """What trusted callers asked and observed, as the log has it."""
    for entry in entries:
        record = entry.record
        if isinstance(record, Decided) and record.moves_risk:
            yield record.request
        elif isinstance(record, Observed) and record.teaches:
            yield record.event
