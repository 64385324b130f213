"""Ten thousand mutated log lines of every format leave no traceback: events, or a reason."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from detector.events import Event, GrantRequest, Issuance, Lifecycle, Usage
from detector.intake import Rejected, decode_body
from detector.sources import DIALECTS, Unreadable, recognise

LINES: Final = 10_000

SEEDS: Final[dict[str, list[dict[str, Any]]]] = {
    "native": [
        {
            "kind": "issuance", "id": "r1", "time": "2026-03-02T00:00:06.204Z", "issuer": "vault:prod/aws",
            "requester": "spiffe://prod/app/svc1", "resource": "aws/creds/app-write", "actions": ["write"],
            "privilege": "write", "ttl_seconds": 900, "source": {"ip": "10.10.4.61", "environment": "prod"},
            "on_behalf_of": ["agent:orchestrator"], "authentication": {"method": "jwt", "attested": True},
            "attributes": {"a": [1, {"b": None}]}, "outcome": "granted", "credential": "c1",
            "expires_at": "2026-03-02T00:15:06.204Z", "extra": {"x": 1},
        },
        {"kind": "usage", "time": "2026-03-02T00:00:06Z", "credential": "c1", "source": {"ip": "10.10.4.61"}},
        {"kind": "lifecycle", "time": "2026-03-02T00:00:06Z", "change": "revoked", "subject": "c1", "until": None},
    ],
    "cloudtrail": [
        {
            "eventID": "e1", "eventTime": "2026-03-02T00:00:06Z", "eventName": "AssumeRole",
            "eventSource": "sts.amazonaws.com", "sourceIPAddress": "198.51.100.7", "recipientAccountId": "1",
            "userIdentity": {
                "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/a/s", "accessKeyId": "ASIAOLD",
                "sessionContext": {"attributes": {"mfaAuthenticated": "true"}, "sessionIssuer": {"arn": "arn:a"}},
            },
            "requestParameters": {"roleArn": "arn:aws:iam::1:role/b", "roleSessionName": "s", "durationSeconds": 900},
            "responseElements": {"credentials": {"accessKeyId": "ASIANEW", "expiration": "Mar 2, 2026, 12:15:06 AM"}},
            "resources": [{"ARN": "arn:aws:iam::1:role/b", "type": "AWS::IAM::Role"}],
        },
        {
            "eventTime": "2026-03-02T00:00:06Z", "eventName": "AttachUserPolicy", "eventSource": "iam.amazonaws.com",
            "requestParameters": {"userName": "u", "policyArn": "p"}, "userIdentity": {"type": "IAMUser"},
        },
        {
            "EventId": "e2", "EventTime": "2026-03-02T00:00:06Z", "EventName": "CreateAccessKey",
            "EventSource": "iam.amazonaws.com", "Username": "u", "CloudTrailEvent": '{"eventName": "x"}',
            "Resources": [{"ResourceType": "AWS::IAM::AccessKey", "ResourceName": "AKIA"}],
        },
    ],
    "vault": [
        {
            "type": "response", "time": "2026-03-02T00:00:06.123456789Z", "error": "",
            "auth": {"accessor": "h:a", "entity_id": "e", "policies": ["p"], "token_issue_time": "2026-03-02T00:00Z"},
            "request": {
                "id": "q", "operation": "update", "path": "auth/token/create", "mount_point": "auth/token/",
                "mount_type": "token", "namespace": {"id": "root"}, "data": {"accessor": "h:b", "lease_id": "l"},
            },
            "response": {"auth": {"accessor": "h:c", "token_ttl": 60}, "secret": {"lease_id": "a/creds/b/c"}},
        },
        {
            "type": "request", "time": "2026-03-02T00:00:06Z", "error": "permission denied",
            "request": {"operation": "read", "path": "aws/creds/x", "remote_address": "10.0.0.1"},
        },
        {
            "type": "response", "time": "2026-03-02T00:00:06Z", "auth": {"display_name": "token"},
            "request": {"id": "q", "operation": "update", "path": "sys/leases/revoke/a/b", "data": {"lease_id": "x"}},
        },
    ],
    "kubernetes": [
        {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a", "stage": "ResponseComplete",
            "verb": "create", "requestURI": "/api/v1/namespaces/s/serviceaccounts/c/token", "user": {"username": "n"},
            "objectRef": {"resource": "serviceaccounts", "subresource": "token", "namespace": "s", "name": "c"},
            "requestObject": {"spec": {"expirationSeconds": 60, "audiences": ["x"], "boundObjectRef": {"kind": "Pod"}}},
            "responseObject": {"status": {"expirationTimestamp": "2026-03-02T01:00:06Z"}},
            "responseStatus": {"code": 201}, "requestReceivedTimestamp": "2026-03-02T00:00:06.204Z",
        },
        {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "verb": "create", "requestReceivedTimestamp": 1772409606,
            "user": {"username": "system:serviceaccount:s:c", "extra": {"a_slash_b": ["x"], "accessKeyId": ["k"]}},
            "objectRef": {"resource": "rolebindings", "namespace": "s", "name": "b"}, "sourceIPs": ["10.0.0.1"],
            "requestObject": {"subjects": [{"kind": "ServiceAccount", "name": "c"}]},
        },
        {
            "insertId": "i", "timestamp": "2026-03-02T00:00:06Z", "resource": {"labels": {"cluster_name": "p"}},
            "protoPayload": {
                "serviceName": "k8s.io", "methodName": "io.k8s.core.v1.secrets.get", "status": {"code": 7},
                "resourceName": "core/v1/namespaces/s/secrets/d", "requestMetadata": {"callerIp": "10.0.0.1"},
                "authenticationInfo": {"principalEmail": "system:serviceaccount:s:c"},
            },
        },
    ],
}  # fmt: skip

# What has broken decoders: other types, other extremes, other worlds.
NASTY: Final = [
    None, True, False, 0, -1, 2**63, 2**64, 2**70, -(2**70), 1e308, -1e308, 5e-324, "", " ", "****", "\0", "\u202e",
    "é" * 50, "x" * 5_000, [], {}, [[]], [{}], [None], {"": ""}, {"a": {"b": {"c": {}}}}, ["x"] * 300, "2026",
    "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999999-23:59", "Feb 31, 2026, 13:61:61 PM", "arn:aws:::", "arn:",
    "/", ":", "{", '{"a":', '{"eventName": 5}', "system:serviceaccount:", "auth//login", "nan", "inf", "1e999",
    "-0", "٣",
]  # fmt: skip


def mutated(value: Any, dice: random.Random) -> Any:
    """The value with something nasty somewhere in it, a field gone, doubled, renamed or moved."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        name = dice.choice(list(value))
        changed = dict(value)
        how = dice.random()
        if how < 0.15:
            del changed[name]
        elif how < 0.25:
            changed[dice.choice(list(value))] = changed[name]
        elif how < 0.3:
            changed[f"{name}\u0301"] = changed.pop(name)
        else:
            changed[name] = mutated(value[name], dice)
        return changed
    if isinstance(value, list) and value and dice.random() < 0.5:
        return [mutated(item, dice) for item in value] * dice.randint(1, 3)
    return dice.choice(NASTY)


def damaged(line: bytes, dice: random.Random) -> bytes:
    """The line with some of its bytes changed, dropped, doubled or cut off."""
    data = bytearray(line)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        data[at : at + dice.choice([0, 1, 1, 5])] = bytes(dice.choices(range(256), k=dice.choice([0, 1, 1, 3])))
    return bytes(data[: dice.randrange(len(data) + 1)] if dice.random() < 0.1 else data)


def records(dialect: str, count: int) -> Iterator[dict[str, Any]]:
    """Seeded mutations of the dialect's records, one to four in each."""
    dice = random.Random(dialect)
    for _ in range(count):
        record = dice.choice(SEEDS[dialect])
        for _ in range(dice.randint(1, 4)):
            record = mutated(record, dice) if isinstance(record, dict) else record
        yield record if isinstance(record, dict) else {"record": record}


def check(event: Event) -> None:
    """An event that came out of a mutated record is one that the log can hold and give back."""
    kind = type(event)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=kind) == event
    msgspec.json.encode(event)
    name = event.grant.requester if isinstance(event, Issuance) else event.id
    assert name
    assert len(name) <= 2_100
    assert 6e8 < event.time < 7.3e9


@pytest.mark.parametrize("dialect", SEEDS)
def test_mutated_records(dialect: str) -> None:
    """Every decoder, also the ones that the record is not for, gives events or a reason."""
    outcomes: Counter[str] = Counter()
    for record in records(dialect, LINES):
        recognise(record)
        decoded = DIALECTS[dialect](record)
        if isinstance(decoded, Unreadable):
            assert ": " in decoded.reason
            outcomes["unreadable"] += 1
            continue
        outcomes["events" if decoded else "nothing"] += 1
        for event in decoded:
            assert isinstance(event, GrantRequest | Issuance | Usage | Lifecycle)
            check(event)
    assert min(outcomes["unreadable"], outcomes["events"]) > LINES / 20, outcomes


@pytest.mark.parametrize("dialect", SEEDS)
def test_decoders_meet_records_of_others(dialect: str) -> None:
    """A record sent under the wrong dialect's name is no traceback either."""
    for other in SEEDS:
        for record in records(other, LINES // 20):
            assert isinstance(DIALECTS[dialect](record), tuple | Unreadable)


@pytest.mark.parametrize("named", ["auto", "by name"])
@pytest.mark.parametrize("dialect", SEEDS)
def test_damaged_lines(dialect: str, named: str) -> None:
    """Bytes changed anywhere in a stream of lines: whatever comes out is an event or a rejection with its line."""
    dice = random.Random(f"{dialect} {named}")
    whole = [json.dumps(record, ensure_ascii=False).encode() for record in SEEDS[dialect]]
    for _ in range(LINES // 100):
        lines = [damaged(dice.choice(whole), dice) if dice.random() < 0.7 else dice.choice(whole) for _ in range(100)]
        rejections: list[Rejected] = []
        name = "auto" if named == "auto" else dialect
        found = decode_body(b"\n".join(lines), dialect=name, on_rejected=rejections.append)
        for _, event in filter(None, found):
            check(event)
        assert all(rejected.line >= 1 and rejected.reason for rejected in rejections)
