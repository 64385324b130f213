"""A request's names and places as rules name them: folded as the server folds them.

The server says by which patterns names fold; how places, clients and workloads do is the same for everybody. Wrong
where client and server are of different versions: a test holds the two of one version together.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Final

from msgspec import Meta, Struct

from detector.client.requests import GrantRequest, Source

MOST_FOLDS: Final = 500
LONGEST_PATTERN: Final = 4_096
"""Patterns, and characters of one: a configuration has a dozen, of a line each."""

PASSES: Final = 8
"""As often as the server: a name that has not settled by then stays as it was."""

MEMO: Final = 16_384
"""Names remembered: those of one broker's requesters."""

ABSENT: Final = "-"
"""What the server writes for a field that was left out; who sends it sends nothing."""

SELECTABLE: Final = (
    "issuer",
    "resource",
    "area",
    "privilege",
    "actions",
    "network",
    "environment",
    "region",
    "client",
    "workload",
    "consumer",
)
"""What a rule may name beside the requester."""

_VERSION: Final = re.compile(r"[/ ]?v?\d[\w.+-]*")
_NUMBERS: Final = re.compile(r"[0-9a-f]{8,}|\d+")
_KEPT: Final = 80
_IPV4: Final = 4
_IPV4_PREFIX, _IPV6_PREFIX = 24, 56


class Fold(Struct, frozen=True):
    """One way in which names fold: every match of the regular expression becomes the replacement."""

    pattern: Annotated[str, Meta(max_length=LONGEST_PATTERN)]
    replacement: Annotated[str, Meta(max_length=LONGEST_PATTERN)]


class Folding:
    """The patterns, compiled, in their order."""

    name: Callable[[str], str]
    """The canonical name of a raw one, remembered."""

    def __init__(self, folds: Sequence[Fold]) -> None:
        """Raises `ValueError` for what is no regular expression, or too many."""
        if len(folds) > MOST_FOLDS:
            raise ValueError(f"fold: more than {MOST_FOLDS} patterns")
        self.folds = tuple(folds)
        self._compiled = tuple((_compiled(fold), fold.replacement) for fold in folds)
        self.name = lru_cache(MEMO)(self._canonical)

    def _canonical(self, raw: str) -> str:
        name = raw
        for _ in range(PASSES):
            for pattern, replacement in self._compiled:
                folded = pattern.sub(replacement, name)
                if folded != name:
                    name = folded
                    break
            else:
                return name
            if not name:
                break
        return raw

    def values(self, grant: GrantRequest) -> Mapping[str, str | None]:
        """What a rule may name of a request; `None` for what it leaves out."""
        source, resource = grant.source or Source(), self.name(grant.resource)
        found = {
            "issuer": grant.issuer,
            "resource": resource,
            "area": _area(resource),
            "privilege": grant.privilege,
            "actions": ",".join(sorted(grant.actions)) if grant.actions else None,
            "network": _network(source),
            "environment": source.environment or None,
            "region": source.region or None,
            "client": _VERSION.sub("", source.user_agent)[:_KEPT] if source.user_agent else None,
            "workload": _NUMBERS.sub("#", source.workload.lower())[:_KEPT] if source.workload else None,
            "consumer": self.name(grant.consumer) if grant.consumer else None,
        }
        return {name: None if value == ABSENT else value for name, value in found.items()}


def _compiled(fold: Fold) -> re.Pattern[str]:
    try:
        pattern = re.compile(fold.pattern)
        re.compile(f"{fold.pattern}|").sub(fold.replacement, "")  # a replacement is looked at when it is used only
    except (re.error, IndexError, RecursionError, OverflowError) as error:
        raise ValueError(f"fold: {error}") from None
    return pattern


def _area(resource: str) -> str:
    """All but a resource's last segment."""
    head, _, tail = resource.rstrip("/").rpartition("/")
    if head and tail:
        return head
    head, _, tail = resource.rpartition(":")
    return head or resource


def _network(source: Source) -> str | None:
    """The /24 of IPv4 or /56 of IPv6; what the request says itself goes over it; an address that is none is its own."""
    if source.ip is None or source.network is not None:
        return source.network if source.ip is not None else None
    try:
        address = ipaddress.ip_address(source.ip)
    except ValueError:
        return source.ip
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    prefix = _IPV4_PREFIX if address.version == _IPV4 else _IPV6_PREFIX
    return str(ipaddress.ip_network((address, prefix), strict=False))
