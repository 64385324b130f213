"""Events as native JSON lines, for handing them on: what a decoder read from any dialect, in ours.

Decoding the line gives the event again. Names stay raw, times become RFC 3339
with microseconds, which is finer than any log we read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from detector.events import Event, GrantRequest, Issuance, Source, Usage

_ENCODER: Final = msgspec.json.Encoder()

_GRANT_PLAIN: Final = (
    "privilege",
    "ttl_seconds",
    "task",
    "consumer",
    "purpose",
    "sensitivity",
    "renewal_of",
)
_USAGE_PLAIN: Final = ("credential", "action", "resource", "requester", "issuer", "consumer")
_SOURCE: Final = ("ip", "network", "environment", "region", "user_agent", "workload")


def native_line(event: Event) -> bytes:
    """The event as one line of native JSON, without the line's end."""
    return _ENCODER.encode(native_record(event))


def native_record(event: Event) -> dict[str, Any]:
    """The event as a native record; what it does not say is left out, what no field of ours holds is kept."""
    if isinstance(event, GrantRequest):
        return {"kind": "grant_request", **_grant(event)}
    if isinstance(event, Issuance):
        own = {"credential": event.credential, "expires_at": _moment(event.expires_at), "decision": event.decision}
        return {"kind": "issuance", **_grant(event.grant), "outcome": event.outcome, **_said(own)}
    if isinstance(event, Usage):
        return _usage(event)
    own = {"until": _moment(event.until), "actor": event.actor}
    return {
        **event.unknown,
        "kind": "lifecycle",
        "id": event.id,
        "time": _moment(event.time),
        "change": event.change,
        "subject": event.subject,
        **_said(own),
    }


def _grant(grant: GrantRequest) -> dict[str, Any]:
    record: dict[str, Any] = {
        **grant.unknown,
        "id": grant.id,
        "time": _moment(grant.time),
        "issuer": grant.issuer,
        "requester": grant.requester,
        "resource": grant.resource,
        **_said({name: getattr(grant, name) for name in _GRANT_PLAIN}),
    }
    authentication = _said({"method": grant.authentication_method, "attested": grant.attested})
    found = {
        "actions": list(grant.actions),
        "source": _source(grant.source, grant.unknown),
        "on_behalf_of": list(grant.on_behalf_of),
        "break_glass": grant.break_glass,
        "authentication": authentication,
        "attributes": dict(grant.attributes),
    }
    return record | {name: value for name, value in found.items() if value}


def _usage(usage: Usage) -> dict[str, Any]:
    own = {
        name: getattr(usage, name) for name in ("credential", "action", "resource", "requester", "issuer", "consumer")
    }
    source = _source(usage.source, usage.unknown)
    return {
        **usage.unknown,
        "kind": "usage",
        "id": usage.id,
        "time": _moment(usage.time),
        "outcome": usage.outcome,
        **_said(own),
        **({"source": source} if source else {}),
    }


def _source(source: Source, unknown: Mapping[str, Any]) -> dict[str, Any]:
    """The source's fields, together with those that its decoder set aside beside the record's own."""
    aside = unknown.get("source")
    kept = aside if isinstance(aside, Mapping) else {}
    return {**kept, **_said({name: getattr(source, name) for name in _SOURCE})}


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
