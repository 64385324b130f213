"""Native JSON Lines: every field of the contract that the event has a value for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from detector.events import Event, GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.simulator.writers.moments import milliseconds


class Native:
    """Writes any event as one native record."""

    def records(self, event: Event) -> Iterator[dict[str, Any]]:
        """The event's own record."""
        if isinstance(event, Issuance):
            yield _kept(
                kind="issuance",
                **_grant(event.grant),
                outcome=event.outcome,
                credential=event.credential,
                expires_at=None if event.expires_at is None else milliseconds(event.expires_at),
            )
        elif isinstance(event, GrantRequest):
            yield _kept(kind="grant_request", **_grant(event))
        elif isinstance(event, Usage):
            yield _usage(event)
        elif isinstance(event, Lifecycle):
            yield _kept(
                kind="lifecycle",
                id=event.id,
                time=milliseconds(event.time),
                change=event.change,
                subject=event.subject,
                until=None if event.until is None else milliseconds(event.until),
                actor=event.actor,
            )


def _grant(grant: GrantRequest) -> dict[str, Any]:
    method, attested = grant.authentication_method, grant.attested
    return {
        "id": grant.id,
        "time": milliseconds(grant.time),
        "issuer": grant.issuer,
        "requester": grant.requester,
        "resource": grant.resource,
        "actions": list(grant.actions) or None,
        "privilege": grant.privilege,
        "ttl_seconds": grant.ttl_seconds,
        "source": _source(grant.source),
        "task": grant.task,
        "on_behalf_of": list(grant.on_behalf_of) or None,
        "break_glass": grant.break_glass or None,
        "consumer": grant.consumer,
        "authentication": None if method is None else _kept(method=method, attested=attested),
        "purpose": grant.purpose,
        "sensitivity": grant.sensitivity,
        "renewal_of": grant.renewal_of,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return _kept(
        kind="usage",
        id=usage.id,
        time=milliseconds(usage.time),
        credential=usage.credential,
        source=_source(usage.source),
        action=usage.action,
        resource=usage.resource,
        outcome=usage.outcome,
    )


def _source(source: Source) -> dict[str, str] | None:
    said = _kept(
        ip=source.ip,
        network=source.network,
        environment=source.environment,
        region=source.region,
        user_agent=source.user_agent,
        workload=source.workload,
    )
    return said or None


def _kept(**fields: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}
