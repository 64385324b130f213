"""Targeted deny rules: who and what they match, how narrow, until when.

A rule is data. Its selector names values; a request matches when every value
named is the request's own. A selector that names nothing matches nothing, and
one without a requester cannot be made: denying a whole issuer or resource is
an outage, not a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from detector.events import Privilege
from detector.features.places import place

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


def by_hand(**named: str | None) -> Selector:
    """A selector as somebody wrote it. Raises `ValueError` for a value that no request can have.

    A network is compared as requests have it, folded: a wider or narrower one
    would be a rule that looks well and stops nothing.

    >>> by_hand(requester="ci/a", network="10.0.0.0/8")
    Traceback (most recent call last):
    ValueError: network: 10.0.0.0/8 would match nothing: write a /24 of IPv4 or a /56 of IPv6, like 10.0.0.0/24
    """
    selector = Selector(**named)  # type: ignore[arg-type]
    if selector.privilege not in (None, *get_args(Privilege)):
        message = f"privilege: must be {', '.join(get_args(Privilege))}"
        raise ValueError(message)
    if selector.network is not None:
        host = selector.network.partition("/")[0]
        folded = place(host).network
        if folded not in (host, selector.network):
            message = (
                f"network: {selector.network} would match nothing: write a /24 of IPv4 or a /56 of IPv6, like {folded}"
            )
            raise ValueError(message)
    return selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A deny rule: scope, mode, life and why. Times are Unix seconds.

    `expires` is mandatory; `taken_back` says by whom and why a rule was withdrawn.
    In shadow a rule only counts what it would have hit.
    """

    id: str
    selector: Selector
    mode: RuleMode
    created: float
    expires: float
    by: str
    because: str
    withdrawn: bool = False
    taken_back: str = ""

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


WHERE: Final = ("network", "environment", "consumer")
"""What tells a thief from his victim whatever he asks for, the surest first."""


def narrowest(requester: str, values: Mapping[str, str | None], odd: Sequence[str]) -> Selector:
    """The narrowest selector that goes on stopping what was odd about a request.

    `values` are the request's own, `odd` names those of them that the requester
    had never shown before, most telling first. One odd value is named: where the
    request came from, if that was odd, for a thief changes what he asks for more
    easily than where he sits; else the most telling of what it asked for, at its
    issuer. As the requester never showed the value, none of its habits is hit.

    Wrong when the abuse shares every selectable value with honest work: then the
    resource is named, and honest work on it stops too, which is why rules start
    in shadow.
    """
    shown = [name for name in odd if name in SELECTABLE and values.get(name)]
    for name in WHERE:
        if name in shown:
            return Selector(requester=requester, **{name: values[name]})
    told = next((name for name in shown if name != "issuer"), "issuer" if shown else "resource")
    return Selector(requester=requester, **{"issuer": values.get("issuer"), told: values.get(told)})
