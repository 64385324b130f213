"""A deny rule and its life: proposed → backtested → shadow → canary → enforced → expired, or withdrawn at any time.

It denies in its last two stages only: in canary a fixed share of what it matches, enforced all of it. It gets there
with a backtest against the log's own history that stays within its limit, or on the word of somebody with a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from detector.rules.selector import Selector

Stage: TypeAlias = Literal["proposed", "backtested", "shadow", "canary", "enforced"]
RuleState: TypeAlias = Literal["proposed", "backtested", "shadow", "canary", "enforced", "expired", "withdrawn"]
RuleChange: TypeAlias = Literal[
    "proposed", "backtested", "shadowed", "canaried", "enforced", "lengthened", "shortened", "demoted", "withdrawn"
]
Goal: TypeAlias = Literal["shadow", "enforced"]
"""How far a rule goes by itself."""

ENTERED: Final[dict[Stage, RuleChange]] = {
    "proposed": "proposed",
    "backtested": "backtested",
    "shadow": "shadowed",
    "canary": "canaried",
    "enforced": "enforced",
}
"""What it is called when a rule enters a stage."""

ENDED: Final = frozenset({"expired", "withdrawn"})

CANARY_BITS: Final = 32


class Backtest(Struct, frozen=True, kw_only=True):
    """What a rule would have hit in the log's own history, from `since` until `until` (Unix seconds).

    `asked` is how many grants of the rule's requester that history holds, `hits` how many of them the
    rule matches: `abusive` of them were labelled so, `flagged` were odd in what the rule names and nobody has
    answered for them, and `honest` is the rest, its collateral. `names` and `resources` say who was
    hit and for what, `examples` are ids of honest hits. `limit` is the share of `asked` that may be.
    """

    since: float
    until: float
    position: int
    asked: int
    hits: int
    honest: int
    flagged: int
    abusive: int
    limit: float
    names: tuple[tuple[str, int], ...] = ()
    resources: tuple[tuple[str, int], ...] = ()
    examples: tuple[str, ...] = ()

    @property
    def collateral(self) -> float:
        """The share of the requester's grants that the rule would have stopped without need."""
        return self.honest / self.asked if self.asked else 0.0

    @property
    def within(self) -> bool:
        """Whether that is within the limit."""
        return self.collateral <= self.limit

    def words(self) -> str:
        """In a sentence."""
        return (
            f"{self.hits} of {self.asked} grants matched: {self.abusive} labelled abuse, {self.flagged} flagged, "
            f"{self.honest} honest ({self.collateral:.2%}, limit {self.limit:.2%})"
        )


class Override(Struct, frozen=True):
    """Somebody let a rule bite all the same: who, and why."""

    by: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A deny rule: scope, stage, life and why. Times are Unix seconds.

    `expires` is mandatory; `since` is when its stage began, `goal` how far it goes by itself.
    `candidates` are other scopes that would stop the same abuse, for the backtest to choose from, the best
    first. `recurrence` counts earlier rules about the same thing. `taken_back` says by whom and why it was withdrawn.
    """

    id: str
    selector: Selector
    stage: Stage
    created: float
    since: float
    expires: float
    by: str
    because: str
    goal: Goal = "shadow"
    canary_share: float = 0.0
    candidates: tuple[Selector, ...] = ()
    backtest: Backtest | None = None
    override: Override | None = None
    recurrence: int = 0
    withdrawn: bool = False
    taken_back: str = ""

    def __post_init__(self) -> None:
        """A rule that never ends, or ended before it began, is a mistake; so is one that bites unproven."""
        if not self.created < self.expires < float("inf"):
            message = "expires: must lie after the rule's creation"
            raise ValueError(message)
        if self.stage in {"canary", "enforced"} and not self.proven:
            message = "stage: a rule bites with a backtest within its limit, or when somebody overrides that by name"
            raise ValueError(message)

    @property
    def proven(self) -> bool:
        """Whether it may bite."""
        return self.override is not None or (self.backtest is not None and self.backtest.within)

    def state(self, now: float) -> RuleState:
        """Where the rule is in its life at `now` (Unix seconds)."""
        if self.withdrawn:
            return "withdrawn"
        return "expired" if now >= self.expires else self.stage

    def bites(self, request: str) -> bool:
        """Whether it denies a request that it matches, told by the request's id: in canary always the same share."""
        if self.stage == "enforced":
            return True
        return self.stage == "canary" and drawn(self.id, request) < self.canary_share


def drawn(rule: str, request: str) -> float:
    """A number in [0, 1) that a rule's id and a request's determine, evenly spread over requests.

    >>> drawn("r-1", "a") == drawn("r-1", "a") != drawn("r-2", "a")
    True
    """
    digest = sha256(f"{rule}\x1f{request}".encode()).digest()
    return int.from_bytes(digest[: CANARY_BITS // 8], "big") / float(1 << CANARY_BITS)
