"""Kubernetes audit events (`audit.k8s.io`): service account tokens asked for, and what service accounts then do.

An issuance is a `create` on `serviceaccounts/token`. The token is not logged: an
API server of 1.29 or later notes the credential's id at issuance and at every
use, and by it they join; before that, all tokens of one service account are one
credential, `k8s:<service account>`, as far as the log can tell.

A call is logged at several stages; only the last one counts (`ResponseComplete`,
`Panic`, or no stage at all), so that nothing counts twice. Time is when the
request came in, not when a watch of five minutes ended. Calls by nodes, people
and the control plane are not uses of anything that was minted here, unless they
carry a key that AWS minted (EKS notes it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from detector.events import Event, GrantRequest, Issuance, Lifecycle, Source, Usage, UsageOutcome
from detector.sources import gke
from detector.sources.base import Decoded, Record, Unreadable
from detector.sources.fields import (
    NAME_LENGTH,
    TEXT_LENGTH,
    Malformed,
    content_id,
    listing,
    loose_moment,
    mapping,
    number,
    seconds,
    text,
    texts,
)

SERVICE_ACCOUNT: Final = "system:serviceaccount:"
SUBJECTS: Final = 50
"""Subjects of one binding that are told of: a binding for more than these is told by its own name."""

_UNFINISHED: Final = frozenset({"RequestReceived", "ResponseStarted"})
_RBAC: Final = frozenset({"roles", "rolebindings", "clusterroles", "clusterrolebindings"})
_WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_ISSUED: Final = "authentication.kubernetes.io/issued-credential-id"
_CREDENTIAL: Final = "authentication.kubernetes.io/credential-id"
_POD: Final = "authentication.kubernetes.io/pod-name"
_TOKEN_PATH: Final = re.compile(r"/namespaces/([^/]+)/serviceaccounts/([^/]+)/token")
_REFUSED: Final = 400
_FORBIDDEN: Final = (401, 403)


def recognises(record: Record) -> bool:
    """Whether a record is an audit event of Kubernetes."""
    version = record.get("apiVersion")
    if isinstance(version, str) and version.startswith("audit.k8s.io/"):
        return record.get("kind") != "EventList"  # which holds events, and is none
    return "auditID" in record and ("verb" in record or "stage" in record)


def decode(record: Record) -> Decoded:
    """The issuance, use or changes that one audit event tells of, all under its `auditID`.

    >>> decode({"auditID": "a", "stage": "ResponseStarted", "verb": "watch"})
    ()
    """
    entry = gke.audit_event(record) if gke.recognises(record) else record
    if text(entry, "stage") in _UNFINISHED:
        return ()
    try:
        return tuple(_events(entry))
    except Malformed as error:
        return Unreadable(str(error))


def _events(entry: Record) -> Iterator[Event]:
    at = _time(entry)
    verb = text(entry, "verb")
    if verb is None:
        raise Malformed("verb: is missing")
    user = text(mapping(entry, "user"), "username")
    found = mapping(entry, "objectRef")
    made = text(entry, "auditID") or content_id(_telling(entry))
    if verb == "create" and found.get("resource") == "serviceaccounts" and found.get("subresource") == "token":
        yield _issuance(entry, made, at, user)
        return
    usage = _usage(entry, made, at, verb=verb, user=user)
    if usage is not None:
        yield usage
    if verb in _WRITES and _code(entry) < _REFUSED:
        yield from _changes(entry, made, at, user)


def _time(entry: Record) -> float:
    names = ("requestReceivedTimestamp", "stageTimestamp", "timestamp")
    given = [entry[name] for name in names if entry.get(name) is not None]
    if not given:
        raise Malformed("requestReceivedTimestamp: is missing")
    at = next((at for value in given if (at := loose_moment(value)) is not None), None)
    if at is None:
        raise Malformed("requestReceivedTimestamp: is no time between 1990 and 2200")
    return at


def _issuance(entry: Record, made: str, at: float, user: str | None) -> Issuance:
    found, asked = mapping(entry, "objectRef"), mapping(mapping(entry, "requestObject"), "spec")
    in_path = _TOKEN_PATH.search(text(entry, "requestURI") or "")
    namespace = text(found, "namespace") or (in_path[1] if in_path else None)
    name = text(found, "name") or (in_path[2] if in_path else None)
    if namespace is None or name is None:
        raise Malformed("objectRef.name: is missing, and requestURI does not say it")
    account = f"{SERVICE_ACCOUNT}{namespace}:{name}"
    refused = _code(entry) >= _REFUSED
    expires = loose_moment(mapping(mapping(entry, "responseObject"), "status").get("expirationTimestamp"))
    ttl = seconds(asked.get("expirationSeconds"))
    bound = mapping(asked, "boundObjectRef")
    attributes: dict[str, Any] = {"audiences": list(texts(asked, "audiences"))} if asked.get("audiences") else {}
    if kind := text(bound, "kind"):
        attributes["bound_to"] = kind
    return Issuance(
        grant=GrantRequest(
            id=made,
            time=at,
            issuer=_issuer(entry),
            requester=user or "system:unnamed",
            resource=f"serviceaccounts/{namespace}/{name}",
            ttl_seconds=ttl if ttl is not None or expires is None or expires < at else expires - at,
            source=_source(entry),
            on_behalf_of=_impersonated(entry),
            consumer=account if account != user else None,
            attributes=attributes,
        ),
        outcome="refused" if refused else "granted",
        credential=None if refused else _issued(entry) or f"k8s:{account}",
        expires_at=None if refused else expires,
    )


def _usage(entry: Record, made: str, at: float, *, verb: str, user: str | None) -> Usage | None:
    key = _extra(entry, "accessKeyId")
    account = user if user is not None and user.startswith(SERVICE_ACCOUNT) else None
    if account is None and key is None:
        return None
    impersonated = _impersonated(entry)
    return Usage(
        id=made,
        time=at,
        credential=key or _extra(entry, _CREDENTIAL) or f"k8s:{account}",
        action=f"k8s:{verb}",
        resource=_resource(entry),
        outcome=_outcome(entry),
        source=_source(entry),
        requester=_extra(entry, "arn") if account is None else account,
        issuer=_issuer(entry),
        unknown={"impersonated": impersonated[0]} if impersonated else {},
    )


def _changes(entry: Record, made: str, at: float, user: str | None) -> Iterator[Lifecycle]:
    """A role or binding written: told of itself, and of each service account that a binding names."""
    found = mapping(entry, "objectRef")
    kind, name, namespace = text(found, "resource"), text(found, "name"), text(found, "namespace")
    body = mapping(entry, "requestObject")
    name = name or text(mapping(body, "metadata"), "name")
    if kind == "serviceaccounts" and entry.get("verb") == "delete" and name and found.get("subresource") is None:
        account = f"{SERVICE_ACCOUNT}{namespace or 'default'}:{name}"
        yield Lifecycle(id=made, time=at, change="decommissioned", subject=account, actor=user)
    if kind not in _RBAC or text(found, "apiGroup") not in {None, "rbac.authorization.k8s.io"}:
        return
    subjects = ["/".join(part for part in (kind, namespace, name) if part)]
    for subject in listing(body, "subjects")[:SUBJECTS]:
        if isinstance(subject, Mapping) and subject.get("kind") == "ServiceAccount" and text(subject, "name"):
            home = text(subject, "namespace") or namespace or "default"
            subjects.append(f"serviceaccounts/{home}/{subject['name']}")
    for count, subject in enumerate(dict.fromkeys(subjects)):
        # One audit event, several changes: each needs an id of its own, and the first keeps the log's.
        yield Lifecycle(
            id=f"{made}/{count}" if count else made,
            time=at,
            change="policy_changed",
            subject=subject[:NAME_LENGTH],
            actor=user,
        )


def _resource(entry: Record) -> str | None:
    """What was called, coarse to fine: `secrets/shop/db`, `pods/log/shop/cart-0`; a path where it is no object."""
    found = mapping(entry, "objectRef")
    parts = [text(found, name) for name in ("resource", "subresource", "namespace", "name")]
    if parts[0] is None:
        path = text(entry, "requestURI")
        return path.partition("?")[0] if path else None
    return "/".join(part for part in parts if part)[:NAME_LENGTH]


def _source(entry: Record) -> Source:
    """The last address is the one that connected; those before it are what the caller claims (X-Forwarded-For)."""
    addresses, agent = texts(entry, "sourceIPs"), text(entry, "userAgent")
    return Source(
        ip=addresses[-1] if addresses else None,
        user_agent=agent[:TEXT_LENGTH] if agent else None,
        workload=_extra(entry, _POD),
    )


def _issuer(entry: Record) -> str:
    cluster = text(entry, "cluster")
    return f"kubernetes:{cluster}" if cluster else "kubernetes"


def _issued(entry: Record) -> str | None:
    annotations = mapping(entry, "annotations")
    return text(annotations, _ISSUED) or text({_plain(name): value for name, value in annotations.items()}, _ISSUED)


def _extra(entry: Record, name: str) -> str | None:
    """The first value of one of the user's extra fields, whose names some exporters escape."""
    extra = mapping(mapping(entry, "user"), "extra")
    values = extra.get(name)
    if values is None:
        values = next((value for key, value in extra.items() if _plain(key) == name), None)
    first = values[0] if isinstance(values, list) and values else values
    return first[:NAME_LENGTH] if isinstance(first, str) and first else None


def _plain(name: object) -> str:
    """A name as Kubernetes wrote it, from an exporter that may not write "." and "/".

    >>> _plain("authentication_kubernetes_io_slash_pod-name")
    'authentication.kubernetes.io/pod-name'
    """
    head, slash, tail = str(name).partition("_slash_")
    return f"{head.replace('_', '.')}/{tail}" if slash else str(name)


def _impersonated(entry: Record) -> tuple[str, ...]:
    name = text(mapping(entry, "impersonatedUser"), "username")
    return (name,) if name else ()


def _code(entry: Record) -> int:
    return int(number(mapping(entry, "responseStatus").get("code")) or 0)


def _outcome(entry: Record) -> UsageOutcome:
    code = _code(entry)
    if code in _FORBIDDEN or mapping(entry, "annotations").get("authorization.k8s.io/decision") == "forbid":
        return "denied"
    return "error" if code >= _REFUSED else "success"


def _telling(entry: Record) -> Record:
    """What tells an event without an `auditID` from others."""
    names = ("requestURI", "verb", "requestReceivedTimestamp", "stageTimestamp", "timestamp")
    return {name: str(entry.get(name)) for name in names} | {"user": text(mapping(entry, "user"), "username")}
