"""What rules would have hit: the log's own history, folded under them. Pure; entries in, counts out.

A decision and its issuance count once. What a rule hits is its collateral, unless it was labelled abuse, or was
odd in something that the rule names and nobody has answered for it since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from detector.engine.policy import Policy
from detector.engine.records import Decided, Entry, Observed, OutcomeRecorded, Weighed
from detector.engine.ruleset import told_of
from detector.events import GrantRequest, Issuance
from detector.features.facets import named_in
from detector.features.identity import Identities
from detector.rules import Backtest, Selector

MOST_SHOWN: Final = 10
"""Names, resources and examples that a backtest keeps: who looks further has the log."""

ABUSIVE: Final = frozenset({"refused", "malicious"})
"""Outcomes that say that a hit was abuse; the other two say that it was not."""


class _Count:
    """What one selector hit. `decided` are hits that somebody may still answer for, by decision."""

    def __init__(self, selector: Selector) -> None:
        self.selector = selector
        self.names: Counter[str] = Counter()
        self.resources: Counter[str] = Counter()
        self.honest: dict[str, None] = {}
        self.flagged: set[str] = set()
        self.abusive: set[str] = set()

    def hit(self, key: str, grant: GrantRequest, *, flagged: bool) -> None:
        self.names[grant.requester] += 1
        self.resources[grant.resource] += 1
        if flagged:
            self.flagged.add(key)
        else:
            self.honest[key] = None

    def answered(self, key: str, *, abusive: bool) -> None:
        self.flagged.discard(key)
        self.abusive.discard(key)
        self.honest.pop(key, None)
        if abusive:
            self.abusive.add(key)
        else:
            self.honest[key] = None


class History:
    """Counts, for any number of selectors at once, what each would have hit in the entries it is shown, in order.

    `since` is the stamp (Unix seconds) before which grants are not counted.
    """

    def __init__(self, selectors: Sequence[Selector], *, policy: Policy, since: float) -> None:
        self._identities = Identities(policy.identity)
        self._limit, self._since = policy.rules.collateral_limit, since
        self._until, self._position = max(since, 0.0), 0
        self._of: dict[str, list[_Count]] = {}
        self._counts = [_Count(selector) for selector in selectors]
        for count in self._counts:
            self._of.setdefault(count.selector.requester, []).append(count)
        self._asked: Counter[str] = Counter()
        self._hit: dict[str, list[_Count]] = {}
        self._seen: set[str] = set()

    def see(self, entries: Iterable[Entry]) -> None:
        """Take in entries of the log."""
        for entry in entries:
            self._until, self._position = entry.stamp, entry.position
            record = entry.record
            if isinstance(record, Decided):
                if record.moves_risk:
                    self._grant(record.decision, record.requester, record.request, record.weighed)
            elif isinstance(record, Observed):
                if isinstance(record.event, Issuance) and record.teaches and record.decision is None:
                    grant = record.event.grant
                    self._grant(grant.id, self._identities.fold(grant.requester), grant, record.weighed)
            elif isinstance(record, OutcomeRecorded):
                for count in self._hit.get(record.decision, ()):
                    count.answered(record.decision, abusive=record.outcome in ABUSIVE)

    def grant(self, grant: GrantRequest) -> None:
        """Take in a grant of a log that nothing was weighed in; asked and minted under one id, it counts once."""
        self._until = max(self._until, grant.time)
        requester = self._identities.fold(grant.requester)
        if requester in self._of and grant.id not in self._seen:
            self._seen.add(grant.id)
            self._grant(grant.id, requester, grant, None)

    def _grant(self, key: str, requester: str, grant: GrantRequest, weighed: Weighed | None) -> None:
        counts = self._of.get(requester)
        if counts is None or self._until < self._since:
            return
        self._asked[requester] += 1
        values = named_in(grant, self._identities.fold)
        for count in counts:
            if count.selector.matches(requester, values):
                count.hit(key, grant, flagged=weighed is not None and told_of(weighed, count.selector))
                self._hit.setdefault(key, []).append(count)

    def results(self) -> list[Backtest]:
        """What each selector came to, in their order."""
        return [
            Backtest(
                since=self._since,
                until=self._until,
                position=self._position,
                asked=self._asked[count.selector.requester],
                hits=len(count.honest) + len(count.flagged) + len(count.abusive),
                honest=len(count.honest),
                flagged=len(count.flagged),
                abusive=len(count.abusive),
                limit=self._limit,
                names=tuple(count.names.most_common(MOST_SHOWN)),
                resources=tuple(count.resources.most_common(MOST_SHOWN)),
                examples=tuple(count.honest)[:MOST_SHOWN],
            )
            for count in self._counts
        ]
