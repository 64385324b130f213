"""Records as each log writes them, ready to be varied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::111122223333:role/deploy"
SESSION = "arn:aws:sts::111122223333:assumed-role/deploy/run-8842"
USER = "arn:aws:iam::111122223333:user/ci/robot"
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def call() -> Make:
    """A CloudTrail record of a call; keywords replace its fields, and `None` takes one away."""

    def make(name: str = "AssumeRole", source: str = "sts", **changes: Any) -> dict[str, Any]:
        record = {
            "eventVersion": "1.08",
            "eventID": "e1",
            "eventTime": "2026-03-02T00:00:06Z",
            "eventName": name,
            "eventSource": f"{source}.amazonaws.com",
            "awsRegion": "eu-central-1",
            "sourceIPAddress": "198.51.100.7",
            "userAgent": "aws-sdk-go/1.44",
            "recipientAccountId": "111122223333",
            "userIdentity": {
                "type": "IAMUser",
                "arn": USER,
                "accountId": "111122223333",
                "userName": "robot",
                "accessKeyId": "AKIAROBOT",
            },
            **changes,
        }
        return {field: value for field, value in record.items() if value is not None}

    return make


@pytest.fixture
def assume_role(call: Make) -> Make:
    """A granted AssumeRole."""

    def make(**changes: Any) -> dict[str, Any]:
        granted = {
            "requestParameters": {"roleArn": ROLE, "roleSessionName": "run-8842", "durationSeconds": 900},
            "responseElements": {
                "assumedRoleUser": {"arn": SESSION},
                "credentials": {"accessKeyId": "ASIANEW", "expiration": "Mar 2, 2026, 12:15:06 AM"},
            },
        }
        return call(**granted | changes)

    return make


@pytest.fixture
def vault() -> Make:
    """A Vault response entry; keywords replace its parts."""

    def make(path: str, *, operation: str = "read", mount: str = "", kind: str = "", **parts: Any) -> dict[str, Any]:
        request = {
            "id": "q1",
            "operation": operation,
            "path": path,
            "mount_point": mount or f"{path.split('/', maxsplit=1)[0]}/",
            "mount_type": kind,
            "namespace": {"id": "root"},
            "remote_address": "10.0.0.9",
            "remote_port": 40000,
            "client_token_accessor": "hmac-sha256:aa",
        } | parts.pop("request", {})
        auth = {
            "accessor": "hmac-sha256:aa",
            "display_name": "approle",
            "entity_id": "c67ec5d4",
            "policies": ["default", "app"],
        }
        return {"type": "response", "time": "2026-03-02T00:00:06.123456789Z", "auth": auth, "request": request} | parts

    return make


@pytest.fixture
def audit() -> Make:
    """A Kubernetes audit event at its last stage; keywords replace its fields, and `None` takes one away."""

    def make(verb: str = "get", resource: str = "secrets", **changes: Any) -> dict[str, Any]:
        record = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "auditID": "a1",
            "stage": "ResponseComplete",
            "verb": verb,
            "requestURI": "/api/v1/namespaces/shop/secrets/db",
            "user": {"username": "system:serviceaccount:shop:cart"},
            "sourceIPs": ["203.0.113.9", "10.0.0.4"],
            "userAgent": "kubectl/v1.29",
            "objectRef": {"resource": resource, "namespace": "shop", "name": "db"},
            "responseStatus": {"code": 200},
            "requestReceivedTimestamp": "2026-03-02T00:00:06.204000Z",
            "stageTimestamp": "2026-03-02T00:05:06.204000Z",
            **changes,
        }
        return {field: value for field, value in record.items() if value is not None}

    return make
