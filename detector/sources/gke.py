"""Kubernetes audit as Google Cloud logs it: a `LogEntry` about `k8s.io`, brought back to an audit event.

Wrong where the method's name has more parts than resource, subresource and verb:
such a call keeps its first and last part. Google logs neither stages nor the
credential's id, so tokens join by service account.
"""

from __future__ import annotations

import re
from typing import Any, Final

from detector.sources.base import Record
from detector.sources.fields import mapping, number, text

_METHOD: Final = re.compile(r"io\.k8s\.(?:[a-z0-9-]+\.)+?v\d\w*\.([a-z0-9]+)(?:\.([a-z0-9.]+))?\.([a-zA-Z]+)")
_NAMESPACE: Final = re.compile(r"(?:^|/)namespaces/([^/]+)/")
_DENIED: Final = {7: 403, 16: 401}  # google.rpc.Code: PERMISSION_DENIED, UNAUTHENTICATED
_FAILED: Final = 500


def recognises(record: Record) -> bool:
    """Whether a record is a cluster's audit entry of Google Cloud."""
    return mapping(record, "protoPayload").get("serviceName") == "k8s.io"


def audit_event(record: Record) -> dict[str, Any]:
    """The audit event that a log entry was made from, as far as the entry still has it."""
    payload = mapping(record, "protoPayload")
    who, where = mapping(payload, "authenticationInfo"), mapping(payload, "requestMetadata")
    method = _METHOD.fullmatch(text(payload, "methodName") or "")
    name = text(payload, "resourceName") or ""
    code = number(mapping(payload, "status").get("code"))
    status = 0 if not code else _DENIED.get(int(code), _FAILED)
    event: dict[str, Any] = {
        "auditID": text(record, "insertId"),
        "verb": method[3] if method else (text(payload, "methodName") or "").rpartition(".")[2] or None,
        "requestURI": name,
        "requestReceivedTimestamp": record.get("timestamp"),
        "user": {"username": text(who, "principalEmail", "principalSubject", "authoritySelector")},
        "sourceIPs": [text(where, "callerIp", "callerIP")],
        "userAgent": text(where, "callerSuppliedUserAgent"),
        "responseStatus": {"code": status},
        "requestObject": payload.get("request"),
        "responseObject": payload.get("response"),
        "cluster": text(mapping(mapping(record, "resource"), "labels"), "cluster_name"),
    }
    if method:
        event["objectRef"] = _object(name, resource=method[1], subresource=method[2])
    return event


def _object(name: str, *, resource: str, subresource: str | None) -> dict[str, Any]:
    """`objectRef` from a name such as `core/v1/namespaces/shop/serviceaccounts/cart/token`."""
    namespace = _NAMESPACE.search(name)
    _, found, tail = name.partition(f"/{resource}/")
    return {
        "apiGroup": "rbac.authorization.k8s.io" if name.startswith("rbac.authorization.k8s.io/") else None,
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace[1] if namespace else None,
        "name": tail.partition("/")[0] if found and tail else None,
    }
