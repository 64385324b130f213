"""The truth about each simulated event, kept beside it and never inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from detector.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What an event really was.

    `principal` is the identity behind the raw name. `campaign` is `None` for
    everything legitimate; `upheaval` names the honest change that a legitimate
    row is a consequence of. `step` counts the campaign's mints from 1 (a usage
    carries its mint's); where a campaign steals credentials instead of minting,
    it counts the credentials. `first_mint` marks step 1's issuance row.
    `late_tell` marks kinds whose first mint looks exactly as the victim's do.
    """

    principal: str
    campaign: str | None = None
    kind: str | None = None
    variant: str | None = None
    step: int = 0
    first_mint: bool = False
    late_tell: bool = False
    upheaval: str | None = None

    @property
    def abuse(self) -> bool:
        """Whether somebody malicious caused it."""
        return self.campaign is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """An event, its label, and when the log's reader got to see it (Unix seconds)."""

    event: Event
    label: Label
    arrived: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One simulated organisation's whole log.

    `rows` are in time order, as `replay` would read them; `arrivals()` is the
    order in which they were delivered. `dialects` says in whose log each
    issuer's events stand.
    """

    style: str
    seed: int
    start: float
    days: int
    warm_up_days: int
    rows: tuple[Labelled, ...]
    campaigns: Mapping[str, str] = field(default_factory=dict)
    dialects: Mapping[str, str] = field(default_factory=dict)

    @property
    def warm_until(self) -> float:
        """When the warm-up ends and campaigns may begin, Unix seconds."""
        return self.start + self.warm_up_days * 86_400.0

    def arrivals(self) -> list[Labelled]:
        """The rows as they were delivered: late ones late."""
        return sorted(self.rows, key=lambda row: row.arrived)
