"""A cluster's audit log: TokenRequests, and what service accounts then did with the tokens.

Every TokenRequest also leaves its `RequestReceived` stage, which counts for nothing.
What the cluster does not know is lost: privilege, tasks, chains, purposes.
A resource `namespace/name` is a service account; any other is one in `default`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from detector.events import Event, Issuance, Usage
from detector.simulator.dice import hash_of
from detector.simulator.writers.moments import milliseconds

_ISSUED: Final = "authentication.kubernetes.io/issued-credential-id"
_CREDENTIAL: Final = "authentication.kubernetes.io/credential-id"
_VERBS: Final = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})
_KINDS: Final = ("configmaps", "secrets", "pods", "deployments", "jobs", "services")
_ODD: Final = re.compile(r"[^a-z0-9-]+")


@dataclass(slots=True)
class Kubernetes:
    """Writes the events of TokenRequest APIs; remembers which account a token is of."""

    _tokens: dict[str, tuple[str, str]] = field(default_factory=dict)

    def records(self, event: Event) -> Iterator[dict[str, Any]]:
        """The audit events of a TokenRequest, or of a call made with a token; nothing for anything else."""
        if isinstance(event, Issuance):
            yield from self._requested(event)
        elif isinstance(event, Usage):
            yield self._called(event)

    def _requested(self, event: Issuance) -> Iterator[dict[str, Any]]:
        grant = event.grant
        cluster = grant.issuer.partition(":")[2]
        namespace, name = _account(grant.resource)
        common = {
            **_entry(event.id, cluster, grant.source.ip, grant.source.user_agent),
            "verb": "create",
            "requestURI": f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
            "user": {"username": grant.requester, "groups": ["system:authenticated"]},
            "objectRef": {
                "resource": "serviceaccounts",
                "subresource": "token",
                "namespace": namespace,
                "name": name,
                "apiVersion": "v1",
            },
            "requestReceivedTimestamp": milliseconds(event.time),
        }
        yield {**common, "stage": "RequestReceived", "stageTimestamp": milliseconds(event.time)}
        done: dict[str, Any] = {
            **common,
            "stage": "ResponseComplete",
            "stageTimestamp": milliseconds(event.time + 0.004),
        }
        if grant.ttl_seconds is not None:
            done["requestObject"] = {"kind": "TokenRequest", "spec": {"expirationSeconds": int(grant.ttl_seconds)}}
        if event.outcome == "refused":
            done["responseStatus"] = {"status": "Failure", "reason": "Forbidden", "code": 403}
            done["annotations"] = {"authorization.k8s.io/decision": "forbid"}
        else:
            credential = event.credential or event.id
            self._tokens[credential] = f"system:serviceaccount:{namespace}:{name}", cluster
            done["responseStatus"] = {"code": 201}
            done["annotations"] = {"authorization.k8s.io/decision": "allow", _ISSUED: _jti(credential)}
            if event.expires_at is not None:
                done["responseObject"] = {"status": {"expirationTimestamp": milliseconds(event.expires_at)}}
        yield done

    def _called(self, event: Usage) -> dict[str, Any]:
        credential = event.credential or event.id
        account, cluster = self._tokens.get(credential, ("system:serviceaccount:default:unseen", ""))
        place, _, name = (event.resource or "unknown").partition("/")
        verb = (event.action or "get").rpartition(":")[2].lower()
        kind, name = _KINDS[hash_of(event.resource or "") % len(_KINDS)], _ODD.sub("-", name.lower()) or "main"
        namespace = _ODD.sub("-", place.lower())
        forbidden = event.outcome == "denied"
        return {
            **_entry(event.id, cluster, event.source.ip, event.source.user_agent),
            "stage": "ResponseComplete",
            "verb": verb if verb in _VERBS else "get",
            "requestURI": f"/api/v1/namespaces/{namespace}/{kind}/{name}",
            "user": {
                "username": account,
                "groups": ["system:serviceaccounts"],
                "extra": {_CREDENTIAL: [_jti(credential)]},
            },
            "objectRef": {"resource": kind, "namespace": namespace, "name": name, "apiVersion": "v1"},
            "responseStatus": {"code": 403 if forbidden else 500 if event.outcome == "error" else 200},
            "requestReceivedTimestamp": milliseconds(event.time),
            "stageTimestamp": milliseconds(event.time + 0.003),
            "annotations": {"authorization.k8s.io/decision": "forbid" if forbidden else "allow"},
        }


def _entry(identity: str, cluster: str, address: str | None, agent: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Request",
        "auditID": identity,
        "sourceIPs": [address] if address else [],
        "userAgent": agent or "Go-http-client/2.0",
    }
    return {**entry, "cluster": cluster} if cluster else entry


def _account(resource: str) -> tuple[str, str]:
    namespace, slash, name = resource.partition("/")
    return (namespace, _ODD.sub("-", name)) if slash else ("default", _ODD.sub("-", namespace))


def _jti(credential: str) -> str:
    digits = f"{hash_of(credential):016x}{hash_of(credential[::-1]):016x}"
    return f"JTI={digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
