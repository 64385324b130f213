"""Judged rows on their way to a file: one JSON line each, and a summary of them all."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from detector.engine import Row

RISKIEST: Final = 10

_ENCODER: Final = msgspec.json.Encoder()


class Summary:
    """Counts the rows that pass, and keeps the riskiest."""

    def __init__(self) -> None:
        self.verdicts: Counter[tuple[str, str]] = Counter()
        self._count = 0
        self._riskiest: list[tuple[float, int, Row]] = []

    def see(self, row: Row) -> None:
        """One row, in order; of equal evidence the earlier counts as riskier, so that a summary never varies."""
        self.verdicts[row.kind, row.verdict] += 1
        self._count += 1
        if len(self._riskiest) < RISKIEST:
            heapq.heappush(self._riskiest, (row.evidence, -self._count, row))
        elif row.evidence > self._riskiest[0][0]:
            heapq.heapreplace(self._riskiest, (row.evidence, -self._count, row))

    def riskiest(self) -> list[Row]:
        """The rows with the most evidence, most first."""
        return [row for _, _, row in sorted(self._riskiest, key=lambda kept: (-kept[0], -kept[1]))]

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self._count


class Lines:
    """Rows as JSON Lines. Remembers the day it last wrote: neighbours in time share it."""

    def __init__(self) -> None:
        self._day = -1
        self._date = ""

    def encode(self, row: Row) -> bytes:
        """The row as one line: the contract's keys in the contract's order, `time` in RFC 3339."""
        line = _ENCODER.encode(
            {
                "id": row.id,
                "kind": row.kind,
                "time": self.moment(row.time),
                "requester": row.requester,
                "issuer": row.issuer,
                "credential": row.credential,
                "issuance": row.issuance,
                "verdict": row.verdict,
                "risk": row.risk,
                "evidence": row.evidence,
                "reasons": row.reasons,
            }
        )
        return line + b"\n"

    def moment(self, seconds: float) -> str:
        """Unix seconds as RFC 3339 in UTC: milliseconds where they say it all, else microseconds.

        >>> Lines().moment(1772409606.204)
        '2026-03-02T00:00:06.204Z'
        """
        whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
        day, second = divmod(whole, 86_400)
        if day != self._day:
            self._day = day
            self._date = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT")
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        millis, rest = divmod(micros, 1_000)
        fraction = f"{micros:06d}" if rest else f"{millis:03d}"
        return f"{self._date}{hour:02d}:{minute:02d}:{second:02d}.{fraction}Z"
