"""AWS CloudTrail: roles taken, and what their keys did. Times to the second, refusals without parameters.

What CloudTrail does not know is lost: privilege, tasks, chains, purposes. A name that is no ARN takes its role as a
web identity; a resource that is no ARN becomes a role of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from detector.events import Event, Issuance, Source, Usage
from detector.simulator.dice import hash_of
from detector.simulator.writers.moments import seconds

_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ODD: Final = re.compile(r"[^A-Za-z0-9+=,.@-]+")
_ACCOUNT: Final = re.compile(r"\d{12}")


def access_key(credential: str, prefix: str = "ASIA") -> str:
    """The access key id that stands for a credential: always the same one.

    >>> access_key("c-1") == access_key("c-1"), len(access_key("c-1"))
    (True, 20)
    """
    value = hash_of(credential) << 16 | hash_of(credential[::-1]) & 0xFFFF
    return prefix + "".join(_DIGITS[value >> 5 * k & 31] for k in range(16))


@dataclass(slots=True)
class CloudTrail:
    """Writes the events of STS issuers; remembers which role a key is a session of."""

    _sessions: dict[str, tuple[str, str]] = field(default_factory=dict)

    def records(self, event: Event) -> Iterator[dict[str, Any]]:
        """The record of a role taken, or of a call made with its key; nothing for anything else."""
        if isinstance(event, Issuance):
            yield self._assumed(event)
        elif isinstance(event, Usage):
            yield self._called(event)

    def _assumed(self, event: Issuance) -> dict[str, Any]:
        grant = event.grant
        account = (_ACCOUNT.findall(grant.issuer) or ["100000000001"])[0]
        role = _role(grant.resource, account)
        session = _ODD.sub("-", grant.requester.rsplit("/", 1)[-1])[:60] or "session"
        identity = _identity(grant.requester, account)
        record = {
            **_call(event.id, event.time, "sts:AssumeRole", grant.source, account),
            "userIdentity": identity,
        }
        if identity["type"] == "WebIdentityUser":
            record["eventName"] = "AssumeRoleWithWebIdentity"
        if event.outcome == "refused":
            asker = identity.get("arn") or identity["userName"]
            sentence = f"User: {asker} is not authorized to perform: sts:{record['eventName']} on resource: {role}"
            return {**record, "errorCode": "AccessDenied", "errorMessage": sentence, "requestParameters": None}
        arn = f"{role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/{session}"
        key = access_key(event.credential or event.id)
        self._sessions[event.credential or event.id] = role, arn
        asked: dict[str, Any] = {"roleArn": role, "roleSessionName": session}
        if grant.ttl_seconds is not None:
            asked["durationSeconds"] = int(grant.ttl_seconds)
        credentials: dict[str, Any] = {"accessKeyId": key, "sessionToken": "(masked)"}
        if event.expires_at is not None:
            moment = datetime.fromtimestamp(int(event.expires_at), UTC)
            hour, half = (moment.hour + 11) % 12 + 1, "AM" if moment.hour < 12 else "PM"  # noqa: PLR2004 - noon
            credentials["expiration"] = f"{moment:%b} {moment.day}, {moment.year}, {hour}:{moment:%M:%S} {half}"
        answered = {"credentials": credentials, "assumedRoleUser": {"assumedRoleId": f"AROA:{session}", "arn": arn}}
        return {**record, "requestParameters": asked, "responseElements": answered}

    def _called(self, event: Usage) -> dict[str, Any]:
        credential = event.credential or event.id
        role, arn = self._sessions.get(credential, ("", ""))
        account = (_ACCOUNT.findall(role) or ["100000000001"])[0]
        bucket, _, key = (event.resource or "unknown").partition("/")
        record = {
            **_call(event.id, event.time, event.action or "s3:GetObject", event.source, account),
            "userIdentity": {
                "type": "AssumedRole",
                "arn": arn or f"arn:aws:sts::{account}:assumed-role/unseen/{credential}",
                "accountId": account,
                "accessKeyId": access_key(credential),
                "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}} if role else {},
            },
            "requestParameters": {"bucketName": bucket, **({"key": key} if key else {})},
            "responseElements": None,
        }
        if event.outcome != "success":
            record["errorCode"] = "AccessDenied" if event.outcome == "denied" else "InternalFailure"
            record["errorMessage"] = "Access Denied" if event.outcome == "denied" else "Internal failure"
        return record


def _call(identity: str, time: float, action: str, source: Source, account: str) -> dict[str, Any]:
    """What every record has."""
    service, _, name = action.partition(":") if ":" in action else ("s3", "", action)
    return {
        "eventVersion": "1.09",
        "eventID": identity,
        "eventTime": seconds(time),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": source.region or "eu-west-1",
        "sourceIPAddress": source.ip or "AWS Internal",
        "userAgent": source.user_agent or "aws-sdk",
        "eventType": "AwsApiCall",
        "recipientAccountId": account,
    }


def _identity(requester: str, account: str) -> dict[str, Any]:
    if ":assumed-role/" in requester:
        name = requester.split(":assumed-role/", 1)[1].split("/", 1)[0]
        own = requester.split(":")[4] or account
        issuer = {"type": "Role", "arn": f"arn:aws:iam::{own}:role/{name}", "accountId": own, "userName": name}
        return {"type": "AssumedRole", "arn": requester, "accountId": own, "sessionContext": {"sessionIssuer": issuer}}
    if ":user/" in requester:
        name = requester.rsplit("/", 1)[-1]
        return {"type": "IAMUser", "arn": requester, "accountId": requester.split(":")[4], "userName": name}
    return {"type": "WebIdentityUser", "userName": requester, "identityProvider": "id.example"}


def _role(resource: str, account: str) -> str:
    return resource if resource.startswith("arn:") else f"arn:aws:iam::{account}:role/{_ODD.sub('-', resource)}"
