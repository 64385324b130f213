"""Who and what a deny rule matches.

A selector names values; a request matches when every value named is the
request's own. A selector that names nothing matches nothing, and one without a
requester cannot be made: denying a whole issuer or resource is an outage, not a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, get_args

from detector.events import Privilege
from detector.features.facets import NAMED
from detector.features.places import place

SELECTABLE: Final = NAMED
"""What a selector may name beside the requester, in the order a rule reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """What a rule matches: the requester, and every other value that is not `None`."""

    requester: str
    issuer: str | None = None
    resource: str | None = None
    area: str | None = None
    privilege: str | None = None
    actions: str | None = None
    network: str | None = None
    environment: str | None = None
    region: str | None = None
    client: str | None = None
    workload: str | None = None
    consumer: str | None = None

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

    def names(self) -> tuple[str, ...]:
        """What it names beside the requester."""
        return tuple(name for name in SELECTABLE if getattr(self, name) is not None)

    def words(self) -> str:
        """The scope in words, for tables and answers."""
        named = [f"{name} {getattr(self, name)}" for name in self.names()]
        return " · ".join([f"requester {self.requester}", *named])


RAW: Final = ("requester", "resource", "consumer")
"""What requests have under a canonical name."""


def folded(selector: Selector, fold: Callable[[str], str]) -> Selector:
    """A selector whose names may be raw, as it is compared: canonical. `fold` canonicalises."""
    written = {name: getattr(selector, name) for name in RAW}
    return replace(selector, **{name: fold(raw) if raw else raw for name, raw in written.items()})


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
