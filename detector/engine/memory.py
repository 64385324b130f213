"""What the fold remembers, as plain values that can leave the process. The baselines are kept beside it."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from detector.engine.budgets import Reference
from detector.engine.joins import DECISIONS, IDS, OVERHEARD, Joins
from detector.engine.policy import Policy
from detector.engine.policy_memory import Documents
from detector.engine.recalls import Recalls
from detector.engine.recent import Recent
from detector.engine.records import Decided, GlassFinding, Outcome, Trust
from detector.engine.tasks import Tasks
from detector.engine.wear import MOST_WORN, Worn
from detector.features.facets import Facets
from detector.features.pulse import Pulse
from detector.risk import Risk
from detector.risk.pressure import Pressure
from detector.risk.reach import Reach
from detector.risk.wealth import Days
from detector.rules import Abusive, Rule

UPTAKES: Final = 20_000
"""Oddities whose takers are remembered: the news of a few days in a large fleet."""


class Lesson(Struct):
    """What one event will teach once its quarantine ends at `release` (the log's clock).

    `issuance` is the one that the event is, or is a use of: where that is found
    to have been abuse, neither teaches. `nats` is the evidence that the event was found to have,
    where it counts for the thresholds.
    """

    release: float
    issuance: str
    use: bool
    facets: Facets
    nats: float | None


class Oddity(Struct):
    """What a requester was last found odd for: quanta, when, and when it was last flagged and not cleared (or 0)."""

    quanta: int
    at: float
    flagged: float


class Uptake(Struct):
    """Who showed one oddity lately, since when, and who of them was flagged for it: many at once are a roll-out."""

    requesters: list[str]
    at: float
    flagged: list[str]


class Standing(Struct):
    """What is held against one requester, and how busy it is."""

    pulse: Pulse = field(default_factory=Pulse)
    risk: Risk = field(default_factory=Risk)
    odd: dict[str, Oddity] = field(default_factory=dict)
    history: list[tuple[float, int]] = field(default_factory=list)
    days: Days = field(default_factory=Days)
    abuse: list[Abusive] = field(default_factory=list)


class Hits(Struct):
    """How often a rule matched: enforced, in canary (denied or not), and before it bit at all.

    `quiet` are those of them that nothing else spoke against.
    """

    enforced: int = 0
    canary: int = 0
    shadow: int = 0
    quiet: int = 0


class Halt(Struct):
    """The kill switch is on: since when (the log's clock), by whom, why."""

    since: float
    by: str
    because: str


class BrokenGlass(Struct):
    """A window in which a requester passes enforcement, and what came of looking at it afterwards.

    `decisions` is how many asks went through it; `finding` is `None` until somebody reviewed it.
    """

    requester: str
    opened: float
    until: float
    purpose: str
    decisions: int = 1
    finding: GlassFinding | None = None
    reviewer: str = ""


class Memory(Struct):
    """Everything folded but the baselines, in one value that can leave the process."""

    policy: Policy
    joins: Joins = field(default_factory=Joins)
    standings: dict[str, Standing] = field(default_factory=dict)
    decisions: Recent[Decided] = field(default_factory=lambda: Recent(DECISIONS))
    asked: Recent[str] = field(default_factory=lambda: Recent(2 * DECISIONS))
    refused: Recent[float] = field(default_factory=lambda: Recent(DECISIONS))
    minted: Recent[str] = field(default_factory=lambda: Recent(DECISIONS))
    outcomes: Recent[tuple[Outcome, Trust]] = field(default_factory=lambda: Recent(DECISIONS))
    overheard: Recent[Decided] = field(default_factory=lambda: Recent(OVERHEARD))
    condemned: Recent[float] = field(default_factory=lambda: Recent(IDS))
    askers: dict[str, list[str]] = field(default_factory=dict)
    uptakes: Recent[Uptake] = field(default_factory=lambda: Recent(UPTAKES))
    reference: Reference = field(default_factory=Reference)
    reach: Reach = field(default_factory=Reach)
    pressures: dict[str, Pressure] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    hits: dict[str, Hits] = field(default_factory=dict)
    halted: Halt | None = None
    glasses: dict[str, BrokenGlass] = field(default_factory=dict)
    documents: Documents = field(default_factory=Documents)
    worn: Recent[Worn] = field(default_factory=lambda: Recent(MOST_WORN))
    tasks: Tasks = field(default_factory=Tasks)
    untaught: Recent[float] = field(default_factory=lambda: Recent(IDS))
    recalls: Recalls = field(default_factory=Recalls)
    lessons: deque[Lesson] = field(default_factory=deque)
    flagged: dict[str, Lesson] = field(default_factory=dict)
    position: int = 0
    stamp: float = 0.0
    configured: bool = False
    rounds: int = 0
    round_due: float = 0.0


def saved(memory: Memory) -> bytes:
    """A memory as MessagePack; equal ones give equal bytes."""
    return msgspec.msgpack.encode(memory, enc_hook=_flattened)


def revived(data: bytes) -> Memory:
    """The memory that `saved` wrote. Raises `msgspec.DecodeError` for other bytes."""
    return msgspec.msgpack.decode(data, type=Memory, dec_hook=_restored)


def _flattened(value: object) -> object:
    if isinstance(value, deque):
        return list(value)
    message = f"cannot snapshot a {type(value).__name__}"
    raise NotImplementedError(message)


def _restored(kind: Any, value: object) -> object:
    if getattr(kind, "__origin__", None) is deque:
        return deque(msgspec.convert(value, list[Lesson]))
    message = f"cannot revive a {kind}"
    raise NotImplementedError(message)
