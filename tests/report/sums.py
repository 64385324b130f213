"""The log counted plainly, and the report's sums in the same words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from detector.engine.records import Decided, Entry, Observed, OutcomeRecorded, Released, RuleChanged
from detector.events import Issuance, Lifecycle, Usage
from detector.report import Report


def plainly(entries: Iterable[Entry]) -> Counter[str]:
    """What the log holds, counted one record at a time by somebody who knows nothing of reports."""
    seen: Counter[str] = Counter()
    for entry in entries:
        record = entry.record
        seen["entries"] += 1
        if isinstance(record, Decided):
            word = "asked" if record.moves_risk else "untrusted asks"
            seen[word] += 1
            if record.moves_risk:
                seen[f"asked {record.weighed.verdict}"] += 1
                seen[f"told {record.answer}"] += 1
                seen[f"mode {record.mode}"] += 1
        elif isinstance(record, Observed) and not record.teaches:
            seen["untrusted events"] += 1
        elif isinstance(record, Observed) and isinstance(record.event, Issuance):
            granted = record.event.outcome == "granted"
            seen["minted" if granted else "refused"] += 1
            seen["minted after asking"] += granted and record.decision is not None
        elif isinstance(record, Observed) and isinstance(record.event, Lifecycle):
            seen[f"life {record.event.change}"] += 1
        elif isinstance(record, Released) or (isinstance(record, Observed) and record.weighed is not None):
            seen["used"] += 1
        elif isinstance(record, Observed) and isinstance(record.event, Usage):
            seen["held"] += 1
        elif isinstance(record, OutcomeRecorded):
            seen["words"] += 1
        elif isinstance(record, RuleChanged):
            seen["rule changes"] += 1
    return seen


def summed(of: Report) -> Counter[str]:
    """The same words, taken from the report's parts."""
    totals, rows = of.totals, [*of.mints.rows, *([of.mints.rest] if of.mints.rest else [])]
    seen = Counter(
        {
            "entries": sum(of.log.entries_in_period.values()),
            "asked": sum(row.requests.total for row in rows),
            "untrusted asks": totals.untrusted_requests,
            "untrusted events": totals.untrusted_events,
            "minted": sum(row.mints.total for row in rows),
            "refused": sum(row.refused for row in rows),
            "minted after asking": sum(row.before.asked for row in rows),
            "used": totals.usages.total,
            "words": sum(of.outcomes.by_both.values()),
            "rule changes": sum(of.rules.changes.values()),
        }
    )
    for verdict in ("allow", "step_up", "deny"):
        seen[f"asked {verdict}"] = getattr(totals.requests, verdict)
        seen[f"told {verdict}"] = getattr(totals.told, verdict)
    seen.update({f"mode {mode}": count for mode, count in totals.modes.items()})
    seen.update({f"life {change}": count for change, count in totals.lifecycle.items()})
    return +seen


def assert_adds_up(of: Report, entries: Iterable[Entry]) -> None:
    """The report's sums are the log's, and its parts agree with one another."""
    plain = plainly(entries)
    plain.pop("held", 0)
    assert summed(of) == +plain
    totals = of.totals
    assert totals.mints_before.total == totals.mints.total
    assert of.step_ups.told == totals.told.step_up == sum(of.step_ups.ended.values()) + of.step_ups.unanswered
    if of.mints.rest is None:
        assert sum(view.mints for view in of.requesters) == totals.mints.total
    assert sum(view.mints for view in of.issuers) + (of.mints.rest.mints.total if of.mints.rest else 0) == (
        totals.mints.total
    )
    assert of.exceptions.never_asked == totals.mints_before.never_asked
