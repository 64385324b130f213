"""Targeted deny rules: who and what they match, how narrow, until when.

A rule is data. Its selector names values; a request matches when every value
named is the request's own. A selector that names nothing matches nothing, and
one without a requester cannot be made: denying a whole issuer or resource is
an outage, not a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

RuleMode: TypeAlias = Literal["shadow", "enforced"]
RuleChange: TypeAlias = Literal["raised", "enforced", "shadowed", "withdrawn"]
RuleState: TypeAlias = Literal["shadow", "enforced", "expired", "withdrawn"]

SELECTABLE: Final = (
    "issuer",
    "resource",
    "privilege",
    "network",
    "environment",
    "consumer",
    "actions",
)
"""What a selector may name beside the requester, in the order a rule reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """What a rule matches: the requester, and every other value that is not `None`."""

    requester: str
    issuer: str | None = None
    resource: str | None = None
    privilege: str | None = None
    network: str | None = None
    environment: str | None = None
    consumer: str | None = None
    actions: str | None = None

    def __post_init__(self) -> None:
        """Empty matches nothing, so an empty requester is a mistake."""
        if not self.requester:
            message = "requester: a rule must name the requester it stops"
            raise ValueError(message)

    def matches(self, requester: str, values: Mapping[str, str | None]) -> bool:
        """Whether a request by `requester` with these facet `values` is one that the rule stops."""
        if requester != self.requester:
            return False
        for name in SELECTABLE:
            wanted = getattr(self, name)
            if wanted is not None and values.get(name) != wanted:
                return False
        return True

    def words(self) -> str:
        """The scope in words, for tables and answers."""
        named = [f"{name} {getattr(self, name)}" for name in SELECTABLE if getattr(self, name)]
        return " · ".join([f"requester {self.requester}", *named])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A deny rule: scope, mode, life and why. Times are Unix seconds.

    `expires` is mandatory. In shadow a rule only counts what it would have hit.
    """

    id: str
    selector: Selector
    mode: RuleMode
    created: float
    expires: float
    by: str
    because: str
    withdrawn: bool = False

    def __post_init__(self) -> None:
        """A rule that never ends, or ended before it began, is a mistake."""
        if not self.created < self.expires < float("inf"):
            message = "expires: must lie after the rule's creation"
            raise ValueError(message)

    def state(self, now: float) -> RuleState:
        """Where the rule is in its life at `now` (Unix seconds)."""
        if self.withdrawn:
            return "withdrawn"
        return "expired" if now >= self.expires else self.mode


def narrowest(
    requester: str, values: Mapping[str, str | None], odd: Sequence[str]
) -> Selector:
    """The narrowest selector that stops what was odd about a request.

    `values` are the request's own, `odd` names those of them that the requester
    had never shown before, most telling first. The issuer always stands in the
    rule; where nothing selectable was odd (a rhythm, a rate), the resource does.
    Wrong when the abuse shares every selectable value with honest work: the rule
    then stops that work too, which is why rules start in shadow.
    """
    named = {name: values.get(name) for name in odd if name in SELECTABLE and values.get(name)}
    if not named:
        named = {"resource": values.get("resource")}
    return Selector(requester=requester, **{"issuer": values.get("issuer"), **named})
