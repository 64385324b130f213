"""HashiCorp Vault and OpenBao audit entries: tokens, leases, certificates; who had them and what they did.

Every call is logged twice, as a request and as a response, under one
`request.id`. The response has everything and makes the events; a request makes
one only where it failed before it was answered (the engine counts two of one id
and kind once).

An issuance's issuer is the mount that minted, `vault:<namespace>/<mount>`, its
resource the path. The requester is the entity (`vault:entity:<id>`), where there
is none the mount and role, else the token's display name. A token is known by
its accessor, HMACed or not: uses join under one salt. Where an audit device
masks accessors (`****`), a token is known by its entity and the second it was
issued in, which every use repeats; then two tokens of one entity and one second
are one, and a login logged a second later than it was issued does not join.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detector.events import Event, GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.sources.base import Decoded, Record, Unreadable
from detector.sources.fields import Malformed, content_id, loose_moment, mapping, number, text
from detector.sources.vault.call import Call
from detector.sources.vault.effects import Minting, changed, minting, revoked
from detector.sources.vault.tokens import accessor, requester, shown

__all__ = ["decode", "recognises"]

_DENIED: Final = "permission denied"


def recognises(record: Record) -> bool:
    """Whether a record is an audit entry of Vault: a request or a response, also of its KMIP engine."""
    kind = record.get("type")
    if not isinstance(kind, str) or not isinstance(record.get("request"), dict):
        return False
    return kind.lower().endswith(("request", "response")) and ("time" in record or "auth" in record)


def decode(record: Record) -> Decoded:
    """The issuance, use or changes that one audit entry tells of, all under its `request.id`.

    >>> decode({"type": "request", "time": "2024-08-15T13:15:03Z", "request": {"path": "sys/health"}})
    ()
    """
    kind = text(record, "type")
    if kind is None or not isinstance(record.get("request"), dict):
        return Unreadable(f"{'type' if kind is None else 'request'}: is missing")
    if kind not in {"request", "response"}:
        return ()  # KMIP's entries: keys moved by a protocol whose clients hold certificates that are not Vault's
    error = text(record, "error")
    if kind == "request" and error is None:
        return ()  # the response will say the same and more
    try:
        return tuple(_events(_call(record, error)))
    except Malformed as found:
        return Unreadable(str(found))


def _call(record: Record, error: str | None) -> Call:
    if record.get("time") is None:
        raise Malformed("time: is missing")
    at = loose_moment(record["time"])
    if at is None:
        raise Malformed("time: is no time between 1990 and 2200")
    request = mapping(record, "request")
    path = text(request, "path")
    if path is None:
        raise Malformed("request.path: is missing")
    space = mapping(request, "namespace")
    return Call(
        id=shown(request, "id") or content_id(_telling(record)),
        time=at,
        path=path.strip("/"),
        mount=(text(request, "mount_point") or _mount(path)).strip("/"),
        engine=text(request, "mount_type") or "",
        namespace=(text(space, "path") or text(space, "id") or "root").strip("/"),
        operation=text(request, "operation") or "",
        request=request,
        response=mapping(record, "response"),
        auth=mapping(record, "auth"),
        error=error,
    )


def _events(call: Call) -> Iterator[Event]:
    minted = minting(call)
    if minted is not None:
        yield _issuance(call, minted)
    token = accessor(call.auth, call.request)
    known = token is not None or bool(call.auth)
    if (known or call.error) and not (minted is not None and minted.login):
        yield Usage(
            id=call.id,
            time=call.time,
            credential=token,
            action=f"vault:{call.operation}",
            resource=call.path,
            outcome="success" if call.error is None else "denied" if _DENIED in call.error else "error",
            source=_source(call),
            requester=requester(call),
        )
    if call.error is None:
        for ended in revoked(call):
            yield Lifecycle(id=call.id, time=call.time, change="revoked", subject=ended, actor=requester(call))
        for subject in changed(call):
            yield Lifecycle(id=call.id, time=call.time, change="policy_changed", subject=subject, actor=requester(call))


def _issuance(call: Call, minted: Minting) -> Issuance:
    refused = call.error is not None
    expires = call.time + minted.ttl if minted.ttl and not refused else None
    return Issuance(
        grant=GrantRequest(
            id=call.id,
            time=call.time,
            issuer=f"vault:{call.namespace}/{call.mount}",
            requester=requester(call, minted.auth),
            resource=minted.resource,
            ttl_seconds=minted.ttl,
            privilege="admin" if "root" in minted.policies else None,
            source=_source(call),
            authentication_method=minted.method,
            renewal_of=minted.renewal_of,
            attributes={"policies": list(minted.policies)} if minted.policies else {},
        ),
        outcome="refused" if refused else "granted",
        credential=None if refused else minted.credential,
        expires_at=expires,
    )


def _source(call: Call) -> Source:
    return Source(ip=shown(call.request, "remote_address"), workload=shown(mapping(call.auth, "metadata"), "pod_name"))


def _mount(path: str) -> str:
    """The mount of an entry too old to say it: the first part of the path, the first two of an `auth/` one."""
    parts = path.split("/")
    return "/".join(parts[:2] if parts[0] == "auth" else parts[:1])


def _telling(record: Record) -> Record:
    """What tells an entry without an id from others, the same for its request and its response but for the time."""
    request = mapping(record, "request")
    names = ("path", "operation", "remote_address", "client_token_accessor", "id")
    return {name: str(request.get(name)) for name in names} | {
        "port": number(request.get("remote_port")),
        "time": str(record.get("time")),
    }
