"""Kubernetes audit: tokens, stages, wrappers, and what a service account does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from detector.events import Issuance, Lifecycle, Usage
from detector.sources import Unreadable, kubernetes, recognise

Make = Callable[..., dict[str, Any]]
CART = "system:serviceaccount:shop:cart"
AT = 1772409606.204


def events(record: dict[str, Any]) -> tuple[Any, ...]:
    """What a readable record gives."""
    decoded = kubernetes.decode(record)
    assert isinstance(decoded, tuple), decoded
    return decoded


def token_request(audit: Make, **changes: Any) -> dict[str, Any]:
    """A TokenRequest by a node for the service account `shop/cart`."""
    asked = {
        "user": {"username": "system:node:ip-10-0-3-7"},
        "requestURI": "/api/v1/namespaces/shop/serviceaccounts/cart/token",
        "objectRef": {"resource": "serviceaccounts", "subresource": "token", "namespace": "shop", "name": "cart"},
        "responseStatus": {"code": 201},
    }
    return audit("create", **asked | changes)


def test_a_token_request(audit: Make) -> None:
    """`create` on `serviceaccounts/token` is an issuance: asked by a node, to be used by the service account."""
    spec = {"expirationSeconds": 3607, "audiences": ["vault"], "boundObjectRef": {"kind": "Pod", "name": "cart-0"}}
    (issuance,) = events(token_request(audit, requestObject={"spec": spec}))
    grant = issuance.grant
    assert (grant.id, grant.time, grant.issuer) == ("a1", AT, "kubernetes")
    assert (grant.requester, grant.consumer) == ("system:node:ip-10-0-3-7", CART)
    assert (grant.resource, grant.ttl_seconds) == ("serviceaccounts/shop/cart", 3607.0)
    assert grant.attributes == {"audiences": ["vault"], "bound_to": "Pod"}
    assert issuance.outcome == "granted"


def test_tokens_join_by_service_account(audit: Make) -> None:
    """The token is not logged: before 1.29 all tokens of a service account are one credential."""
    (minted,), (used,) = events(token_request(audit)), events(audit())
    assert minted.credential == used.credential == f"k8s:{CART}"
    assert used.requester == minted.grant.consumer


def test_tokens_join_by_credential_id(audit: Make) -> None:
    """From 1.29 on, the issued id stands in an annotation and in every user of the token."""
    noted = {"annotations": {"authentication.kubernetes.io/issued-credential-id": "JTI=7"}}
    (minted,) = events(token_request(audit, **noted))
    user = {"username": CART, "extra": {"authentication.kubernetes.io/credential-id": ["JTI=7"]}}
    (used,) = events(audit(user=user))
    assert minted.credential == used.credential == "JTI=7"


def test_names_that_an_exporter_escaped(audit: Make) -> None:
    """Some stores allow no dots and slashes in a field's name."""
    extra = {"authentication_kubernetes_io_slash_credential-id": ["JTI=7"]}
    (used,) = events(audit(user={"username": CART, "extra": extra}))
    assert used.credential == "JTI=7"


def test_a_token_refused(audit: Make) -> None:
    """A TokenRequest that was forbidden is a refused issuance without a credential."""
    (issuance,) = events(token_request(audit, responseStatus={"code": 403}))
    assert (issuance.outcome, issuance.credential) == ("refused", None)


def test_a_token_request_named_only_by_its_path(audit: Make) -> None:
    """`objectRef` without a name: the path has it; without a path, the record is unreadable."""
    bare = {"resource": "serviceaccounts", "subresource": "token"}
    (issuance,) = events(token_request(audit, objectRef=bare))
    assert issuance.grant.resource == "serviceaccounts/shop/cart"
    nameless = token_request(audit, objectRef=bare, requestURI="/")
    assert kubernetes.decode(nameless) == Unreadable("objectRef.name: is missing, and requestURI does not say it")


@pytest.mark.parametrize(
    ("stage", "counted"),
    [("RequestReceived", 0), ("ResponseStarted", 0), ("ResponseComplete", 1), ("Panic", 1), (None, 1)],
)
def test_each_call_counts_once(audit: Make, stage: str | None, counted: int) -> None:
    """A call is logged at several stages: only its last counts, and so does a record that has no stage."""
    assert len(events(audit(stage=stage))) == counted


def test_a_watch_happened_when_it_was_asked_for(audit: Make) -> None:
    """A watch ends minutes after it began: its time is when the request came in."""
    assert events(audit("watch"))[0].time == AT
    assert events(audit("watch", requestReceivedTimestamp=None))[0].time == AT + 300


def test_a_use(audit: Make) -> None:
    """What a service account does: verb, object, result, and the address that really connected."""
    (usage,) = events(audit())
    assert isinstance(usage, Usage)
    assert (usage.action, usage.resource, usage.outcome) == ("k8s:get", "secrets/shop/db", "success")
    assert usage.source.ip == "10.0.0.4"


@pytest.mark.parametrize(
    ("code", "outcome"), [(200, "success"), (401, "denied"), (403, "denied"), (404, "error"), (None, "success")]
)
def test_how_a_use_ended(audit: Make, code: int | None, outcome: str) -> None:
    """Forbidden is denied; other failures are errors; no status is success."""
    assert events(audit(responseStatus=None if code is None else {"code": code}))[0].outcome == outcome


def test_a_call_forbidden_by_annotation(audit: Make) -> None:
    """The authorizer's word counts where the status does not say it."""
    assert (
        events(audit(responseStatus=None, annotations={"authorization.k8s.io/decision": "forbid"}))[0].outcome
        == "denied"
    )


def test_paths_that_are_no_objects(audit: Make) -> None:
    """A health check or a metrics scrape is named by its path, without its query."""
    assert events(audit(objectRef=None, requestURI="/metrics?x=1"))[0].resource == "/metrics"


@pytest.mark.parametrize("user", ["system:node:n1", "kubernetes-admin", "system:kube-scheduler", None])
def test_others_are_none_of_our_business(audit: Make, user: str | None) -> None:
    """Nodes, people and the control plane use nothing that was minted here."""
    assert events(audit(user=None if user is None else {"username": user})) == ()


def test_a_key_of_aws_used_in_a_cluster(audit: Make) -> None:
    """EKS notes the access key that a caller came with: its use joins the AssumeRole that minted it."""
    extra = {"accessKeyId": ["ASIANEW"], "arn": ["arn:aws:sts::1:assumed-role/ops/s"]}
    (usage,) = events(audit(user={"username": "kubernetes-admin", "extra": extra}))
    assert (usage.credential, usage.requester) == ("ASIANEW", "arn:aws:sts::1:assumed-role/ops/s")


def test_impersonation_is_noted(audit: Make) -> None:
    """The one who calls is the one who holds the credential; whom it plays is kept beside."""
    played = {"impersonatedUser": {"username": "system:admin"}}
    assert events(audit(**played))[0].unknown == {"impersonated": "system:admin"}
    assert events(token_request(audit, **played))[0].grant.on_behalf_of == ("system:admin",)


@pytest.mark.parametrize("resource", ["roles", "rolebindings", "clusterroles", "clusterrolebindings"])
@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete"])
def test_rbac_written(audit: Make, resource: str, verb: str) -> None:
    """Every write to a role or binding is a change of policy, whoever made it."""
    written = {"resource": resource, "name": "edit", "apiGroup": "rbac.authorization.k8s.io"}
    (found,) = events(audit(verb, objectRef=written, user={"username": "ann"}))
    assert (found.change, found.subject, found.actor) == ("policy_changed", f"{resource}/edit", "ann")


def test_a_binding_names_the_service_accounts_it_widens(audit: Make) -> None:
    """Each is told of as its tokens are asked for, and each change has an id of its own."""
    subjects = [{"kind": "ServiceAccount", "name": "cart", "namespace": "shop"}, {"kind": "User", "name": "ann"}]
    written = {"resource": "rolebindings", "name": "edit", "namespace": "shop"}
    changed = audit("create", objectRef=written, user={"username": "ann"}, requestObject={"subjects": subjects})
    found = events(changed)
    assert [event.subject for event in found] == ["rolebindings/shop/edit", "serviceaccounts/shop/cart"]
    assert [event.id for event in found] == ["a1", "a1/1"]
    assert all(isinstance(event, Lifecycle) for event in found)


def test_a_write_that_failed_changed_nothing(audit: Make) -> None:
    """A forbidden binding is a denied use at most."""
    written = {"resource": "rolebindings", "name": "edit"}
    (usage,) = events(audit("create", objectRef=written, responseStatus={"code": 403}))
    assert usage.outcome == "denied"


def test_a_missing_audit_id_is_made_from_the_content(audit: Make) -> None:
    """The same event has the same id, another call another."""
    made = events(audit(auditID=None))[0].id
    assert made == events(audit(auditID=None))[0].id
    assert made != events(audit(auditID=None, requestURI="/other"))[0].id


def test_an_event_without_a_time_is_unreadable(audit: Make) -> None:
    """Named, never guessed."""
    timeless = audit(requestReceivedTimestamp=None, stageTimestamp=None)
    assert kubernetes.decode(timeless) == Unreadable("requestReceivedTimestamp: is missing")


def test_google_wraps_it() -> None:
    """GKE's log entries are brought back to audit events: token requests, uses, and refusals."""
    entry: dict[str, Any] = {
        "insertId": "i1",
        "timestamp": "2026-03-02T00:00:06.204Z",
        "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "prod"}},
        "protoPayload": {
            "serviceName": "k8s.io",
            "methodName": "io.k8s.core.v1.serviceaccounts.token.create",
            "resourceName": "core/v1/namespaces/shop/serviceaccounts/cart/token",
            "authenticationInfo": {"principalEmail": "system:node:gke-1"},
            "requestMetadata": {"callerIp": "10.0.0.4"},
        },
    }
    assert recognise(entry) == "kubernetes"
    (issuance,) = events(entry)
    assert isinstance(issuance, Issuance)
    assert (issuance.id, issuance.grant.issuer, issuance.grant.consumer) == ("i1", "kubernetes:prod", CART)
    entry["protoPayload"] |= {
        "methodName": "io.k8s.core.v1.secrets.get",
        "resourceName": "core/v1/namespaces/shop/secrets/db",
        "authenticationInfo": {"principalEmail": CART},
        "status": {"code": 7},
    }
    (usage,) = events(entry)
    assert (usage.action, usage.resource, usage.outcome) == ("k8s:get", "secrets/shop/db", "denied")
    assert usage.source.ip == "10.0.0.4"
    entry["protoPayload"] |= {"requestMetadata": "a text", "status": None}
    assert events(entry)[0].source.ip is None
