"""What policy documents did to requests, what others were told, and who read what is sensitive."""

from __future__ import annotations

from collections import Counter
from typing import Final

from detector.engine.records import Accessed, Announced, Weighed
from detector.report.shape import Announcements, PolicyUse, Readings

MOST_COUNTED: Final = 5_000
"""Intents and limits counted by name, and pairs of view and reader: past it they are counted together."""

REST: Final = "others"


class Doings:
    """Counts of the period."""

    def __init__(self) -> None:
        self._eased: Counter[str] = Counter()
        self._broken: Counter[str] = Counter()
        self._hardened = 0
        self._advised = 0
        self._kinds: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._views: Counter[str] = Counter()
        self._readers: Counter[str] = Counter()
        self._collapsed = 0

    def weighed(self, weighed: Weighed, *, advised: bool) -> None:
        """A request, or a mint that nobody asked for, was weighed under the policy document."""
        if weighed.eased and weighed.intent:
            _count(self._eased, weighed.intent)
        for limit in weighed.limits:
            _count(self._broken, limit)
        self._hardened += weighed.otherwise is not None
        self._advised += advised

    def announced(self, record: Announced) -> None:
        """Others are told of something."""
        self._kinds[record.kind] += 1
        self._codes[record.code] += 1

    def read(self, record: Accessed) -> None:
        """Somebody read; what was collapsed into the record was read too."""
        times = 1 + record.collapsed
        self._views[record.view] += times
        self._collapsed += record.collapsed
        _count(self._readers, record.by, times)

    def policy(self) -> PolicyUse:
        """What intents, limits and advice did."""
        return PolicyUse(
            eased_by_intent=dict(self._eased),
            broken_limits=dict(self._broken),
            hardened=self._hardened,
            advised=self._advised,
        )

    def announcements(self) -> Announcements:
        """What was announced."""
        return Announcements(by_kind=dict(self._kinds), by_code=dict(self._codes))

    def readings(self) -> Readings:
        """Who read."""
        return Readings(by_view=dict(self._views), by_reader=dict(self._readers), without_a_record=self._collapsed)


def _count(counter: Counter[str], name: str, times: int = 1) -> None:
    counter[name if name in counter or len(counter) < MOST_COUNTED else REST] += times
