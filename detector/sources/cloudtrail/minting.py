"""Calls that mint: roles taken, session tokens, access keys and passwords made; or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from detector.events import GrantRequest, Issuance, Source
from detector.sources.cloudtrail.principals import arn_account
from detector.sources.cloudtrail.shapes import Call
from detector.sources.fields import NAME_LENGTH, TEXT_LENGTH, loose_moment, mapping, seconds, text

_TAKEN: Final = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})
_SESSIONS: Final = frozenset({"GetSessionToken", "GetFederationToken", "AssumeRoot"})
_LASTING: Final = frozenset({"CreateAccessKey", "CreateLoginProfile"})
_IN_ERROR: Final = re.compile(r"on resource:? (arn:[^\s\"']+)")
_HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
_SERVICE_ROLE: Final = re.compile(r"arn:[^:]+:iam::[^:]*:role/aws-service-role/([^/]+)/.+")
UNKNOWN: Final = "unknown"
_UNNAMED_ROLE: Final = "aws:role:unnamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Minted:
    """What came of a minting call."""

    resource: str
    issuer: str
    key: str | None
    consumer: str | None
    expires: float | None = None


def issuances(call: Call) -> Iterator[Issuance]:
    """The issuance that the call is, where it is one."""
    if call.name in _TAKEN and call.service in {"sts", "signin"}:
        minted = _role_taken(call)
    elif call.name in _SESSIONS and call.service == "sts":
        minted = _session(call)
    elif call.name in _LASTING and call.service == "iam":
        minted = _lasting(call)
    else:
        return
    # An excerpt drops the error, but lists the key of whatever was minted: no key, no mint.
    refused = call.error is not None or (call.excerpt and minted.key is None)
    yield Issuance(
        grant=_grant(call, minted),
        outcome="refused" if refused else "granted",
        credential=None if refused else minted.key,
        expires_at=minted.expires,
    )


def source(call: Call) -> Source:
    """Where a call came from; an AWS service that calls in somebody's name is the workload."""
    agent = text(call.record, "userAgent")
    return Source(
        ip=text(call.record, "sourceIPAddress"),
        network=text(call.record, "vpcEndpointId"),
        region=text(call.record, "awsRegion"),
        user_agent=agent[:TEXT_LENGTH] if agent else None,
        workload=call.caller.service if call.caller.service != call.caller.name else None,
    )


def password_of(user: str) -> str:
    """The name by which a user's console password and its sign-ins join: the password has no id of its own."""
    return f"aws:password:{user}"


def user_arn(call: Call) -> str | None:
    """The user that an IAM call is about: the named one, else the caller itself."""
    user = text(call.asked, "userName")
    if user is None:
        return call.caller.name
    caller = call.caller.name or ""
    if caller.endswith(f"/{user}") and ":user/" in caller:
        return caller  # a user's own ARN has its path, which the call does not repeat
    if call.account is None:
        return f"aws:user:{user}"
    return f"arn:{call.caller.partition}:iam::{call.account}:user/{user}"[:NAME_LENGTH]


def requester(call: Call, role: str | None = None) -> str:
    """Who asked. A service-linked role can be taken by its service only: it names a caller that nothing else names."""
    if call.caller.name is not None:
        return call.caller.name
    match = _SERVICE_ROLE.fullmatch(role or "")
    return match[1] if match else f"aws:unnamed:{arn_account(role) or call.account or UNKNOWN}"


def _grant(call: Call, minted: _Minted) -> GrantRequest:
    caller = call.caller
    ttl = seconds(call.asked.get("durationSeconds"))
    if ttl is None and minted.expires is not None and minted.expires >= call.time:
        ttl = minted.expires - call.time
    # A session that takes its own role again renews itself: role chaining onto the same role.
    renews = caller.key if caller.role is not None and caller.role == minted.resource else None
    attributes: dict[str, Any] = {"call": call.name}
    if caller.mfa is not None:
        attributes["mfa"] = caller.mfa
    if call.error:
        attributes["error"] = call.error
    if shared := text(call.record, "sharedEventID"):
        attributes["shared_event"] = shared
    asker = requester(call, minted.resource)
    return GrantRequest(
        id=call.id,
        time=call.time,
        issuer=minted.issuer,
        requester=asker,
        resource=minted.resource,
        ttl_seconds=ttl,
        source=source(call),
        on_behalf_of=(caller.origin,) if caller.origin else (),
        consumer=minted.consumer if minted.consumer != asker else None,
        authentication_method=caller.kind,
        renewal_of=renews,
        attributes=attributes,
    )


def _role_taken(call: Call) -> _Minted:
    role = text(call.asked, "roleArn") or _listed_role(call) or _role_in_error(call) or _UNNAMED_ROLE
    given = mapping(call.answered, "credentials")
    return _Minted(
        resource=role,
        issuer=f"aws:sts:{arn_account(role) or call.account or UNKNOWN}",
        key=_key(given) or _listed_key(call),
        # The key is used under the session's name, whoever took the role.
        consumer=text(mapping(call.answered, "assumedRoleUser"), "arn") or _session_name(call, role),
        expires=loose_moment(given.get("expiration")),
    )


def _session(call: Call) -> _Minted:
    given = mapping(call.answered, "credentials")
    federated = text(mapping(call.answered, "federatedUser"), "arn")
    target = text(call.asked, "targetPrincipal")
    return _Minted(
        resource=target or federated or requester(call),
        issuer=f"aws:sts:{call.account or UNKNOWN}",
        key=_key(given) or _listed_key(call),
        consumer=federated,
        expires=loose_moment(given.get("expiration")),
    )


def _lasting(call: Call) -> _Minted:
    user = user_arn(call) or requester(call)
    key = _key(mapping(call.answered, "accessKey")) or _listed_key(call)
    return _Minted(
        resource=user,
        issuer=f"aws:iam:{call.account or UNKNOWN}",
        key=key if call.name == "CreateAccessKey" else password_of(user),
        consumer=user,
    )


def _key(given: Any) -> str | None:
    found = text(given, "accessKeyId")
    return found if found != _HIDDEN else None


def _listed_role(call: Call) -> str | None:
    roles = [name for kind, name in call.resources if kind == "AWS::IAM::Role" or ":role/" in name]
    return next((name for name in roles if name.startswith("arn:")), roles[0] if roles else None)


def _listed_key(call: Call) -> str | None:
    return next((name for kind, name in call.resources if kind == "AWS::IAM::AccessKey"), None)


def _session_name(call: Call, role: str) -> str | None:
    """The session's ARN, put together where the record only has its parts."""
    listed = [name for kind, name in call.resources if kind == "AWS::STS::AssumedRole"]
    whole = next((name for name in listed if ":assumed-role/" in name), None)
    session = text(call.asked, "roleSessionName") or next((name for name in listed if ":" not in name), None)
    head, _, path = role.partition(":role/")
    if whole is not None or session is None or not path:
        return whole
    return f"{head.replace(':iam:', ':sts:')}:assumed-role/{path.rpartition('/')[2]}/{session}"[:NAME_LENGTH]


def _role_in_error(call: Call) -> str | None:
    """The role of a refusal, whose request parameters are null: only the sentence names it."""
    match = _IN_ERROR.search(text(call.record, "errorMessage") or "")
    return match[1].rstrip(".,;") if match else None
