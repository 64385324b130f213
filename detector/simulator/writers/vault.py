"""HashiCorp Vault's audit log: every call twice, as a request and as a response, accessors hashed.

An issuance is a login at the issuer's mount under the resource's name, whose answer holds a token;
a renewal renews that token, and a use is a call made with it.
What Vault does not know is lost: privilege, tasks, chains, purposes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from detector.events import Event, Issuance, Usage
from detector.simulator.writers.moments import milliseconds

_OPERATIONS: Final = {"Read": "read", "List": "list", "Select": "read", "get": "read", "list": "list", "GET": "read"}


@dataclass(slots=True)
class Vault:
    """Writes the events of Vault's mounts; remembers whose token a credential is, through its renewals."""

    _tokens: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def records(self, event: Event) -> Iterator[dict[str, Any]]:
        """The request and the response of a login, a renewal or a use; nothing for anything else."""
        if isinstance(event, Issuance):
            yield from self._issuance(event)
        elif isinstance(event, Usage):
            yield from self._usage(event)

    def _issuance(self, event: Issuance) -> Iterator[dict[str, Any]]:
        grant = event.grant
        namespace, _, mount = grant.issuer.partition(":")[2].partition("/")
        before = self._tokens.get(grant.renewal_of or "")
        renewed = before is not None and event.outcome == "granted"
        path = "auth/token/renew-self" if renewed else f"auth/{mount}/login/{grant.resource}"
        request = {
            "id": event.id,
            "operation": "update",
            "mount_point": "auth/token/" if renewed else f"auth/{mount}/",
            "mount_type": "token" if renewed else grant.authentication_method or "jwt",
            "path": path,
            "namespace": {"path": f"{namespace}/"},
            "remote_address": grant.source.ip,
        }
        auth: dict[str, Any] = {}
        if event.outcome == "granted":
            root = before[0] if before is not None else event.credential or event.id
            auth = _auth(root, grant.requester, grant.authentication_method or "jwt")
            auth["token_ttl"] = int(grant.ttl_seconds or 0)
            self._tokens[event.credential or event.id] = root, auth
        outer = {} if before is None else {"auth": before[1]}
        if renewed and before is not None:
            request["client_token_accessor"] = before[1]["accessor"]
        refused = "permission denied" if event.outcome == "refused" else None
        answer = {"response": {"auth": auth}} if auth else {}
        yield from _pair(event.time, {**outer, "request": request}, answer, refused)

    def _usage(self, event: Usage) -> Iterator[dict[str, Any]]:
        credential = event.credential or event.id
        _, auth = self._tokens.get(credential, (credential, _auth(credential, "unknown", "token")))
        verb = (event.action or "kv:Read").rpartition(":")[2]
        request = {
            "id": event.id,
            "operation": _OPERATIONS.get(verb, "update"),
            "mount_point": "secret/",
            "mount_type": "kv",
            "path": f"secret/data/{event.resource or 'unknown'}",
            "namespace": {"path": "root/"},
            "remote_address": event.source.ip,
            "client_token_accessor": auth["accessor"],
        }
        error = {"denied": "1 error occurred: permission denied", "error": "internal error"}.get(event.outcome)
        yield from _pair(event.time, {"auth": auth, "request": request}, {}, error)


def _pair(time: float, said: dict[str, Any], answer: dict[str, Any], error: str | None) -> Iterator[dict[str, Any]]:
    """A call's request and its response, both under the call's id."""
    moment = milliseconds(time)
    yield {"type": "request", "time": moment, **said}
    response = {"type": "response", "time": moment, **said, **answer}
    yield response if error is None else {**response, "error": error}


def _auth(token: str, requester: str, method: str) -> dict[str, Any]:
    accessor = "hmac-sha256:" + hashlib.sha256(f"salt/{token}".encode()).hexdigest()
    return {
        "accessor": accessor,
        "display_name": f"{method}-{requester.rsplit('/', 1)[-1]}",
        "policies": ["default", requester.rsplit("/", 1)[-1]],
        "metadata": {"role": requester},
        "token_type": "service",
    }
