"""From judged rows to counts: who was stepped up, who was ever denied, and what was behind it.

Words. A *request* is an issuance row, granted or refused; a *requester* is an identity of the simulator's, whatever it
is called that day; it is *cold* under the name it goes by until that name has `COLD` requests, and lives from its first
row to its last. Everything before `warm_until` is counted apart, and nothing else is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

DAY: Final = 86_400.0
YEAR: Final = 365.0 * DAY
MONTH: Final = YEAR / 12.0
COLD: Final = 20
EVERYDAY: Final = "everyday"


class Judged(NamedTuple):
    """A legitimate row with its verdict. `because` is the upheaval behind it, `told` the verdict's first reason."""

    kind: str
    time: float
    principal: str
    requester: str
    verdict: str
    because: str = EVERYDAY
    told: str = ""


@dataclass(slots=True)
class Lived:
    """One requester's year. `first_deny` is in days after the warm-up."""

    principal: str
    years: float = 0.0
    requests: int = 0
    step_ups: int = 0
    denies: int = 0
    cold_requests: int = 0
    cold_step_ups: int = 0
    cold_denies: int = 0
    uses: int = 0
    looks: int = 0
    revokes: int = 0
    first_deny: float | None = None

    @property
    def denied(self) -> bool:
        """Whether it was ever denied: a request, or, by revoking it, a credential it had."""
        return self.first_deny is not None


@dataclass(slots=True)
class Tally:
    """One organisation's year, counted.

    `months` counts the `request`s of each month after the warm-up, and each
    verdict among them, as `warm_up` does before; `causes` counts false alarms by
    (kind of row, verdict, upheaval), `told` by (verdict, first reason).
    """

    requesters: list[Lived] = field(default_factory=list)
    months: dict[int, Counter[str]] = field(default_factory=dict)
    warm_up: Counter[str] = field(default_factory=Counter)
    warm_up_denied: int = 0
    causes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rows_by_cause: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)


def tally(rows: Iterable[Judged], warm_until: float) -> Tally:
    """Count legitimate rows, which come in the order in which they were judged."""
    out, lives = Tally(), dict[str, Lived]()
    asked: Counter[str] = Counter()
    seen: dict[str, tuple[float, float]] = {}
    early: set[str] = set()
    for row in rows:
        request = row.kind == "issuance"
        cold = request and asked[row.requester] < COLD
        asked[row.requester] += request
        if row.time < warm_until:
            out.warm_up.update(_words(row) if request else ())
            early.update([row.principal] if row.verdict == "deny" else ())
            continue
        life = lives.setdefault(row.principal, Lived(row.principal))
        first, last = seen.get(row.principal, (row.time, row.time))
        seen[row.principal] = min(first, row.time), max(last, row.time)
        out.rows_by_cause[row.kind, row.because] += 1
        if row.verdict != "allow":
            out.causes[row.kind, row.verdict, row.because] += 1
            out.told[row.verdict, row.told] += 1
        if row.verdict == "deny" and life.first_deny is None:
            life.first_deny = (row.time - warm_until) / DAY
        if request:
            _count_request(life, row.verdict, cold=cold)
            out.months.setdefault(int((row.time - warm_until) / MONTH), Counter()).update(_words(row))
        else:
            life.uses += 1
            life.looks += row.verdict == "step_up"
            life.revokes += row.verdict == "deny"
    for principal, (first, last) in seen.items():
        lives[principal].years = (last - first) / YEAR
    out.requesters = list(lives.values())
    out.warm_up_denied = len(early)
    return out


def _words(row: Judged) -> tuple[str, str]:
    return "request", row.verdict


def _count_request(life: Lived, verdict: str, *, cold: bool) -> None:
    stepped, denied = verdict == "step_up", verdict == "deny"
    life.requests += 1
    life.step_ups += stepped
    life.denies += denied
    if cold:
        life.cold_requests += 1
        life.cold_step_ups += stepped
        life.cold_denies += denied
