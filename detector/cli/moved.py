"""Events moved in time, so that a sample history can end now."""

from __future__ import annotations

from msgspec.structs import replace

from detector.events import Event, GrantRequest, Issuance, Lifecycle


def moved(event: Event, seconds: float) -> Event:
    """The same event, with everything about it that is a time `seconds` later."""
    if isinstance(event, Issuance):
        ends = None if event.expires_at is None else event.expires_at + seconds
        return replace(event, grant=_grant(event.grant, seconds), expires_at=ends)
    if isinstance(event, GrantRequest):
        return _grant(event, seconds)
    if isinstance(event, Lifecycle):
        until = None if event.until is None else event.until + seconds
        return replace(event, time=event.time + seconds, until=until)
    return replace(event, time=event.time + seconds)


def _grant(grant: GrantRequest, seconds: float) -> GrantRequest:
    return replace(grant, time=grant.time + seconds)
