"""The parts of the report that are about identities: rights, requesters, issuers, and what checks find of them."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from detector.report.counts import Before, Uses, Verdicts

Figure: TypeAlias = int | float | str | None


class Named(Struct, frozen=True, kw_only=True):
    """The first few different names of something; `more` says that there are others."""

    shown: tuple[str, ...] = ()
    more: bool = False


class MintRow(Struct, frozen=True, kw_only=True):
    """One right: who may mint what where, as far as the log saw it done. See `detector.report.ledger.Row`."""

    issuer: str
    requester: str
    resource: str
    privilege: str | None
    sensitivity: str | None
    requests: Verdicts
    told: Verdicts
    mints: Verdicts
    before: Before
    refused: int
    renewals: int
    used_for: Uses
    first: str
    last: str


class Mints(Struct, frozen=True, kw_only=True):
    """Every row with anything in the period; `rest` is all that is past the limit of rows, together."""

    rows: tuple[MintRow, ...]
    rest: MintRow | None


class RequesterView(Struct, frozen=True, kw_only=True):
    """An identity that can mint privilege, or asked to, and how far it reaches: its blast radius.

    `reach_points` is the sum over all rights that it was ever minted, privilege times sensitivity.
    `live_credentials` are those that work at the end of the period, as far as the log tells.
    """

    requester: str
    raw_names: Named
    issuers: tuple[str, ...]
    resources: Named
    resource_count: int
    privileges: tuple[str, ...]
    sensitivities: tuple[str, ...]
    reach_points: float
    live_credentials: int
    live_without_end: int
    consumers: Named
    delegation_chains: Named
    environments: Named
    networks: Named
    authentication: Named
    attested: int
    unattested: int
    attestation_unstated: int
    requests: int
    mints: int
    mints_ever: int
    refused: int
    break_glass: int
    first_seen: str
    last_seen: str
    decommissioned: str | None
    findings: tuple[str, ...]


class IssuerView(Struct, frozen=True, kw_only=True):
    """What can mint: for whom, how far that reaches, whether its broker asks first, how long its credentials live."""

    issuer: str
    requesters: int
    resources: int
    privileges: tuple[str, ...]
    sensitivities: tuple[str, ...]
    reach_points: float
    asks_before_minting: bool
    mints: int
    mints_before: Before
    refused: int
    live_credentials: int
    live_without_end: int
    oldest_live_seconds: float | None
    lifetime_median_seconds: float | None
    lifetime_max_seconds: float | None
    without_end: int
    renewals: int
    unnamed_credentials: int
    usage_seen: bool
    last_seen: str


class Item(Struct, frozen=True, kw_only=True):
    """One finding of a check: whom or what it is about, a sentence, and the figures behind it."""

    requester: str | None = None
    issuer: str | None = None
    resource: str | None = None
    privilege: str | None = None
    because: str
    figures: dict[str, Figure]
    names: tuple[str, ...] = ()


class Check(Struct, frozen=True, kw_only=True):
    """One question that is asked of every identity: what it means, from what on it speaks, when it is wrong."""

    name: str
    title: str
    means: str
    threshold: str
    wrong_when: str
    found: int
    items: tuple[Item, ...]
