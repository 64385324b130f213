"""The log's own history, for backtests and dry-runs: read where it lies, on whichever thread has the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from detector.engine.backtest import History
from detector.engine.policy import Policy
from detector.engine.records import Entry
from detector.engine.rehearsal import Rehearsal
from detector.policies import Document, DryRun
from detector.rules import Backtest, Rule


@runtime_checkable
class Past(Protocol):
    """A log that can be read from a point in time on, leaving out what no backtest looks at."""

    def grants_since(self, stamp: float) -> Iterator[Entry]:
        """Decisions, issuances and outcomes that were logged at `stamp` (Unix seconds) or later, in order."""


def backtests(past: Past, rules: Sequence[Rule], policy: Policy, *, now: float) -> list[list[Backtest]]:
    """What each rule's scope and its candidates would have hit, in one pass over the history they look back on."""
    scopes = [(rule.selector, *rule.candidates) for rule in rules]
    since = now - policy.rules.backtest_seconds
    history = History([scope for several in scopes for scope in several], policy=policy, since=since)
    history.see(past.grants_since(since))
    found = iter(history.results())
    return [[next(found) for _ in several] for several in scopes]


def dry_run(past: Past, document: Document, policy: Policy, *, since: float) -> DryRun:
    """What a policy document would have done to the grants that were logged at `since` (Unix seconds) or later."""
    rehearsal = Rehearsal(document, policy=policy, since=since)
    rehearsal.see(past.grants_since(since))
    return rehearsal.result()
