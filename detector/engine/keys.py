"""The keys under which events that belong together, or are one and the same, meet."""

from __future__ import annotations

from detector.events import GrantRequest, Issuance, Lifecycle, Usage


def asked_for(requester: str, issuer: str, resource: str) -> str:
    """The key under which a decision and its issuance meet when neither names the other."""
    return f"{requester}\x1f{issuer}\x1f{resource}"


def by_id(request: str) -> str:
    """The key of an ask by its id."""
    return f"id {request}"


def asked_as(request: GrantRequest) -> str:
    """The key under which the same ask is known again: presented with an approval it is another one."""
    return by_id(request.id) if request.approval is None else f"{by_id(request.id)}\x1f{request.approval}"


def event_keys(event: Issuance | Usage | Lifecycle) -> tuple[str, ...]:
    """The keys under which a duplicate is known.

    One log record may give several kinds of event under one id; and one mint
    across two accounts is logged in each, under two ids and one shared one.
    """
    if isinstance(event, Usage):
        return (f"U{event.id}",)
    if isinstance(event, Lifecycle):
        return (f"L{event.id}",)
    grant = event.grant
    if "shared_event" in grant.attributes:
        return f"I{grant.id}", f"twin {grant.attributes['shared_event']} {event.credential}"
    return (f"I{grant.id}",)
