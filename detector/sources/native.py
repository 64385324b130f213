"""Our own events: one JSON object each, as the contract writes them.

`decode_line` reads a whole line at once, typed, without a dictionary between;
where a line has something that needs a second look (an unknown field, no id, a
mistake to name) it goes the way of `decode`, which says the same, slower.

>>> decode({"kind": "usage", "time": "2026-03-02T00:00:06Z", "action": "s3:GetObject"})
Unreadable(reason='credential: is missing, and so is requester')
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from detector.events import (
    NOWHERE,
    Change,
    Event,
    GrantRequest,
    Issuance,
    IssuanceOutcome,
    Lifecycle,
    Privilege,
    Sensitivity,
    Source,
    Usage,
    UsageOutcome,
)
from detector.sources.base import Decoded, Record, Unreadable
from detector.sources.fields import LIST_LENGTH, NAME_LENGTH, Malformed, bounded, content_id, moment

LONGEST_TTL: Final = 100 * 365.25 * 86_400
"""Seconds: a credential that outlives everyone is written without a lifetime, not with a larger number."""

CUT: Final = "(too large to keep)"
"""Stands for an unknown field beyond the limits of `fields`: its name is kept, what it held is not."""

_Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]
_Text = Annotated[str, Meta(max_length=NAME_LENGTH)]
_Names = Annotated[tuple[_Name, ...], Meta(max_length=LIST_LENGTH)]
_Seconds = Annotated[float, Meta(ge=0, le=LONGEST_TTL)]


class _Source(Struct, forbid_unknown_fields=True):
    ip: _Text | None = None
    network: _Text | None = None
    environment: _Text | None = None
    region: _Text | None = None
    user_agent: _Text | None = None
    workload: _Text | None = None


class _Authentication(Struct, forbid_unknown_fields=True):
    method: _Text | None = None
    attested: bool | None = None


class _Grant(Struct, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="grant_request"):
    time: str
    issuer: _Name
    requester: _Name
    resource: _Name
    id: _Text | None = None
    actions: _Names | None = None
    privilege: Privilege | None = None
    ttl_seconds: _Seconds | None = None
    source: _Source | None = None
    task: _Text | None = None
    on_behalf_of: _Names | None = None
    break_glass: bool | None = None
    consumer: _Text | None = None
    authentication: _Authentication | None = None
    purpose: _Text | None = None
    sensitivity: Sensitivity | None = None
    renewal_of: _Text | None = None
    attributes: dict[str, Any] | None = None


class _Issuance(_Grant, tag="issuance"):
    outcome: str | None = None
    credential: _Text | None = None
    expires_at: str | None = None
    decision: _Text | None = None


class _Usage(Struct, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="usage"):
    time: str
    credential: _Name | None = None
    id: _Text | None = None
    action: _Text | None = None
    resource: _Text | None = None
    outcome: _Text | None = None
    source: _Source | None = None
    requester: _Text | None = None
    issuer: _Text | None = None
    consumer: _Text | None = None


class _Lifecycle(Struct, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="lifecycle"):
    time: str
    change: Change
    subject: _Name
    id: _Text | None = None
    until: str | None = None
    actor: _Text | None = None


_Wire = _Grant | _Issuance | _Usage | _Lifecycle
_KINDS: Final[Mapping[str, type[_Wire]]] = {
    "grant_request": _Grant,
    "issuance": _Issuance,
    "usage": _Usage,
    "lifecycle": _Lifecycle,
}
_KNOWN: Final = {kind: frozenset({"kind", *wire.__struct_fields__}) for kind, wire in _KINDS.items()}
_INNER: Final = {
    "source": frozenset(_Source.__struct_fields__),
    "authentication": frozenset(_Authentication.__struct_fields__),
}
_LINE: Final = msgspec.json.Decoder(_Wire)
_ASKED: Final = msgspec.json.Decoder(_Grant)

_MINTED: Final[Mapping[str | None, IssuanceOutcome]] = {
    **dict.fromkeys((None, "granted", "success", "allowed", "issued", "minted", "renewed", "ok"), "granted"),
    **dict.fromkeys(("refused", "denied", "failed", "failure", "error", "rejected", "forbidden"), "refused"),
}
_USED: Final[Mapping[str | None, UsageOutcome]] = {
    **dict.fromkeys((None, "success", "succeeded", "allowed", "ok", "granted"), "success"),
    **dict.fromkeys(("denied", "refused", "rejected", "forbidden", "unauthorized", "access_denied"), "denied"),
}
"""How a use ended, in the words that logs have for it; whatever else they say did not succeed: `error`."""

_ENUMERATIONS: Final = {
    "privilege": "must be read, write or admin",
    "sensitivity": "must be low, medium, high or critical",
    "change": "must be task_completed, revoked, policy_changed, rotated, decommissioned or maintenance_declared",
}
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_EXPECTED: Final = re.compile(r"Expected `([^`]+)`(?:, got `([a-z]+)`| (.+?))? - at `\$\.?(.*)`")
_PLACE: Final = re.compile(r".* - at `\$\.?(.*)`")
_WORDS: Final = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}


def recognises(record: Record) -> bool:
    """Whether a record says that it is one of ours."""
    kind = record.get("kind")
    return isinstance(kind, str) and kind in _KINDS


def decode(record: Record) -> Decoded:
    """The one event that a native record is, or what is wrong with it."""
    kind = record.get("kind")
    wire = _KINDS.get(kind) if isinstance(kind, str) else None
    if wire is None:
        return Unreadable("kind: must be grant_request, issuance, usage or lifecycle")
    try:
        known, unknown = _parted(record, _KNOWN[str(kind)])
        found = msgspec.convert(known, wire)
        return (_event(found, found.id or _made_id(record), unknown),)
    except Malformed as error:
        return Unreadable(str(error))
    except msgspec.ValidationError as error:
        return Unreadable(_plain(str(error)))


def decode_line(line: bytes) -> Decoded | None:
    """The event on a line; None where the line needs `decode` and its slower look."""
    try:
        found = _LINE.decode(line)
        return (_event(found, found.id, {}),) if found.id else None
    except (ValueError, RecursionError):  # of any kind: broken JSON, a wrong field, a wrong time
        return None


def decode_request(body: bytes) -> GrantRequest | None:
    """The grant request that a body is, whether or not it says so; None where it needs `decode`, as `decode_line`."""
    try:
        found = _ASKED.decode(body)
        return _grant(found, found.id, _time(found.time, "time"), {}) if found.id else None
    except (ValueError, RecursionError):
        return None


def _parted(record: Record, known: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record's fields that we know, and those that we only keep."""
    ours, others = dict(record), {}
    if not ours.keys() <= known:
        others = {name: ours.pop(name) for name in sorted(ours.keys() - known)}
    for name, inside in _INNER.items():
        inner = ours.get(name)
        if isinstance(inner, Mapping) and not inner.keys() <= inside:
            ours[name] = {key: value for key, value in inner.items() if key in inside}
            others[name] = {key: value for key, value in inner.items() if key not in inside}
    return ours, {name: value if bounded(value) else CUT for name, value in others.items()} if others else others


def _made_id(record: Record) -> str:
    if not bounded(record):
        raise Malformed("id: is missing, and the record is too large to make one from")
    return content_id(record)


def _event(wire: _Wire, id: str, unknown: dict[str, Any]) -> Event:
    """What was read, as an event: the last checks are those that a type cannot make."""
    time = _time(wire.time, "time")
    if isinstance(wire, _Usage):
        if not wire.credential and not wire.requester:  # some logs name who used it, and never the credential
            raise Malformed("credential: is missing, and so is requester")
        return Usage(
            id=id,
            time=time,
            credential=wire.credential,
            action=wire.action,
            resource=wire.resource,
            outcome=_USED.get(wire.outcome, "error"),
            source=_source(wire.source),
            requester=wire.requester,
            issuer=wire.issuer,
            consumer=wire.consumer,
            unknown=unknown,
        )
    if isinstance(wire, _Lifecycle):
        until = None if wire.until is None else _time(wire.until, "until")
        return Lifecycle(
            id=id, time=time, change=wire.change, subject=wire.subject, until=until, actor=wire.actor, unknown=unknown
        )
    grant = _grant(wire, id, time, unknown)
    if not isinstance(wire, _Issuance):
        return grant
    outcome = _MINTED.get(wire.outcome)
    if outcome is None:
        raise Malformed("outcome: must be granted or refused")
    return Issuance(
        grant=grant,
        outcome=outcome,
        credential=wire.credential or None,
        expires_at=None if wire.expires_at is None else _time(wire.expires_at, "expires_at"),
        decision=wire.decision or None,
    )


def _grant(wire: _Grant, id: str, time: float, unknown: dict[str, Any]) -> GrantRequest:
    ttl, said = wire.ttl_seconds, wire.authentication
    if ttl is not None and math.isnan(ttl):  # JSON has no such number, but a caller's dictionary may
        raise Malformed("ttl_seconds: must be a number")
    if wire.attributes and not bounded(wire.attributes):
        raise Malformed("attributes: is too deep or too large")
    return GrantRequest(
        id=id,
        time=time,
        issuer=wire.issuer,
        requester=wire.requester,
        resource=wire.resource,
        actions=wire.actions or (),
        privilege=wire.privilege,
        ttl_seconds=ttl,
        source=_source(wire.source),
        task=wire.task,
        on_behalf_of=wire.on_behalf_of or (),
        break_glass=wire.break_glass or False,
        consumer=wire.consumer,
        authentication_method=said.method if said else None,
        attested=said.attested if said else None,
        purpose=wire.purpose,
        sensitivity=wire.sensitivity,
        renewal_of=wire.renewal_of,
        attributes=wire.attributes or {},
        unknown=unknown,
    )


def _source(wire: _Source | None) -> Source:
    if wire is None:
        return NOWHERE
    return Source(
        ip=wire.ip,
        network=wire.network,
        environment=wire.environment,
        region=wire.region,
        user_agent=wire.user_agent,
        workload=wire.workload,
    )


def _time(value: str, name: str) -> float:
    try:
        return moment(value)
    except (ValueError, OverflowError):
        raise Malformed(f"{name}: must be an RFC 3339 time with an offset, between 1990 and 2200") from None


def _plain(message: str) -> str:
    """msgspec's complaint as ours: the field first, and nothing of what stood in it.

    >>> _plain("Expected `str | null`, got `int` - at `$.source.ip`")
    'source.ip: must be a text, not a number'
    >>> _plain("Object missing required field `issuer`")
    'issuer: is missing'
    """
    if missing := _MISSING.match(message):
        return f"{missing[1]}: is missing"
    if expected := _EXPECTED.fullmatch(message):
        wanted, got, limit, field = expected.groups()
        kinds = " or ".join(_WORDS.get(kind, kind) for kind in wanted.split(" | ") if kind != "null")
        more = f", not {_WORDS.get(got, got)}" if got else f" {limit}" if limit else ""
        return f"{field or 'record'}: must be {kinds}{more}"
    place = _PLACE.fullmatch(message)
    field = place[1] if place else "record"
    return f"{field}: {_ENUMERATIONS.get(field, 'is not as the contract writes it')}"
