"""What is true of an organisation's rows, worked out once for every detector that is judged by it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.events import Issuance, Usage
from detector.simulator import KINDS, Label, Organisation

DAY: Final = 86_400.0
YEAR: Final = 365.0 * DAY
ROW_KINDS: Final = ("issuance", "usage")

COLD: Final = 20
"""An identity of which fewer issuances than this are learnt is cold."""
QUARANTINE: Final = 3600.0
"""Seconds after which an issuance counts as learnt: the product's default, whatever a detector really learns from."""


class Step(NamedTuple):
    """One row of a campaign: of its how-manieth mint or credential it is."""

    id: str
    kind: str
    step: int
    time: float


@dataclass(slots=True)
class Cast:
    """One campaign as it was played."""

    name: str
    kind: str
    variant: str
    tell: str
    cold: bool
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Labels:
    """What is true of rows of one kind, in columns: why they came (`everyday`, or an upheaval), whose, whether cold."""

    ids: tuple[str, ...]
    because: tuple[str, ...]
    requester: tuple[str, ...]
    cold: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ground:
    """The truth of one organisation: campaigns, and the columns of what counts as `honest` and as `collateral`.

    `healthy` are the requesters that no campaign ever touched and that were seen
    after the warm-up, with the years from then, or from their first row, to the end.
    """

    organisation: str
    campaigns: tuple[Cast, ...]
    rows: Mapping[tuple[str, str], Labels]
    healthy: Mapping[str, float]
    every: tuple[tuple[str, str], ...]
    """Kind and id of all rows, those of the warm-up too."""


def ground(organisation: Organisation) -> Ground:
    """Work it out."""
    learnt, victims = Learnt(organisation), set[str]()
    campaigns: dict[str, Cast] = {}
    rows: dict[tuple[str, str], list[tuple[str, str, str, bool]]] = defaultdict(list)
    born: dict[str, float] = {}
    last: dict[str, float] = {}
    every = []
    for event, label, where in truth(organisation):
        kind = "issuance" if isinstance(event, Issuance) else "usage"
        every.append((kind, event.id))
        who = label.principal
        if label.campaign and label.kind:
            victims.add(who)
            variant, tell = label.variant or "", KINDS[label.kind].tell
            fresh = Cast(label.campaign, label.kind, variant, tell, learnt.cold(who, event.time))
            campaigns.setdefault(label.campaign, fresh).steps.append(Step(event.id, kind, label.step, event.time))
            continue
        born.setdefault(who, event.time)
        last[who] = event.time
        rows[where, kind].append((event.id, label.upheaval or "everyday", who, learnt.cold(who, event.time)))
    end, warm = organisation.start + organisation.days * DAY, organisation.warm_until
    return Ground(
        organisation=f"{organisation.style}-{organisation.seed}",
        campaigns=tuple(campaigns.values()),
        rows={(where, kind): _columns(rows[where, kind]) for where in ("honest", "collateral") for kind in ROW_KINDS},
        healthy={
            who: (end - max(warm, since)) / YEAR
            for who, since in born.items()
            if who not in victims and last[who] >= warm
        },
        every=tuple(every),
    )


def _columns(rows: list[tuple[str, str, str, bool]]) -> Labels:
    ids, because, requester, cold = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Labels(ids, because, requester, np.array(cold, dtype=np.bool_))


class Learnt:
    """How many issuances of an identity could be learnt by a time: from the stream alone, whoever had them issued."""

    __slots__ = ("_times",)

    def __init__(self, organisation: Organisation) -> None:
        self._times: dict[str, list[float]] = defaultdict(list)
        for event, label, _ in truth(organisation):
            if isinstance(event, Issuance) and event.outcome == "granted":
                self._times[label.principal].append(event.time)

    def cold(self, principal: str, now: float) -> bool:
        """Whether they are fewer than `COLD`."""
        return bisect_right(self._times[principal], now - QUARANTINE) < COLD


def truth(organisation: Organisation) -> Iterator[tuple[Issuance | Usage, Label, str]]:
    """Every issuance and usage once, with its label and where it counts.

    That is one of `abuse`, `honest`, `collateral` and `warm-up`.
    """
    tainted: dict[str, list[float]] = defaultdict(list)
    for row in organisation.rows:
        if row.label.abuse:
            tainted[row.label.principal].append(row.event.time)
    seen: set[tuple[str, str]] = set()
    for row in organisation.rows:
        event, label = row.event, row.label
        if not isinstance(event, Issuance | Usage) or (type(event).__name__, event.id) in seen:
            continue
        seen.add((type(event).__name__, event.id))
        if label.abuse:
            where = "abuse"
        elif event.time < organisation.warm_until:
            where = "warm-up"
        elif any(t <= event.time <= t + DAY for t in tainted.get(label.principal, ())):
            where = "collateral"
        else:
            where = "honest"
        yield event, label, where
