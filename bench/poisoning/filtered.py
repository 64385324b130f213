"""River's protected filter on the facets that all peers get: what it refuses it does not learn from.

One detector an organisation, of its issuances. The facets remember what each
requester did within fourteen days, and that memory can be poisoned like any
other: `guarded`, it too takes in only what the filter let through.
"""

from __future__ import annotations

import copy
from collections import defaultdict

from river.anomaly import LODA, HalfSpaceTrees, QuantileFilter
from river.base import AnomalyDetector

from bench.detection.peers.facets import ISSUANCE, Counts, Facets
from bench.poisoning.attackers import Answer
from bench.poisoning.cases import Told
from detector.events import GrantRequest, Issuance

SEED = 7


class _Counts(Counts):
    """Counts that can take back what was counted last."""

    def forget(self) -> None:
        """As if the last value had not been shown."""
        _, value = self._rows.pop()
        self._counts[value] -= 1


class _Facets(Facets):
    """The peers' facets, of one issuance at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: defaultdict[tuple[str, str], _Counts] = defaultdict(_Counts)

    def show(self, event: Issuance, who: str) -> dict[str, float]:
        """The facets of an issuance, which is then remembered."""
        return self._issuance(event, who)[0]

    def forget(self, who: str) -> None:
        """Take back the requester's last issuance."""
        for name in ISSUANCE:
            self._counts[who, name].forget()
        self._recent[who].pop()


class Filtered:
    """`QuantileFilter` around LODA or half-space trees; alarms are scores at or above the quantile `q`."""

    def __init__(self, kind: str, *, q: float, guarded: bool) -> None:
        """Nothing learnt yet."""
        inner: AnomalyDetector = (
            LODA(n_random_cuts=50, seed=SEED)
            if kind == "LODA"
            else HalfSpaceTrees(n_trees=25, height=8, window_size=500, seed=SEED)
        )
        self._filter = QuantileFilter(inner, q=q, protect_anomaly_detector=True)
        self._facets, self._guarded = _Facets(), guarded

    def copy(self) -> Filtered:
        """Another one in the same state."""
        return copy.deepcopy(self)

    def take(self, told: Told) -> bool | None:
        """Whether an issuance was flagged; `None` for what is none."""
        if not isinstance(told.event, Issuance):
            return None
        shown = self._facets.show(told.event, told.principal)
        score = self._filter.score_one(shown)
        flagged = bool(self._filter.classify(score))
        # What `learn_one` of the filter does, without scoring the same row a second time.
        self._filter.quantile.update(score)
        if not flagged:
            self._filter.anomaly_detector.learn_one(shown)
        elif self._guarded:
            self._facets.forget(told.principal)
        return flagged

    def ask(self, grant: GrantRequest, principal: str) -> Answer:
        """What an ask would be told; nothing of it stays."""
        shown = self._facets.show(Issuance(grant=grant), principal)
        self._facets.forget(principal)
        score = float(self._filter.score_one(shown))
        return Answer(not self._filter.classify(score), score)
