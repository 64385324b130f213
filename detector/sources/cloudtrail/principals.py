"""Who called: CloudTrail's `userIdentity` in its many kinds, as one stable raw name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from detector.sources.base import Record
from detector.sources.fields import mapping, text

_ARN: Final = re.compile(r"arn:(aws[a-z-]*):[a-z0-9-]*:[^:]*:([^:]*):.+", re.DOTALL)
_FEDERATED: Final = ("WebIdentityUser", "SAMLUser")
_PROVIDER: Final = re.compile(r".*(?:oidc-provider|saml-provider)/")
_ROLE_ID: Final = re.compile(r"A(?:ROA|IDA|GPA|IPA|NPA)[A-Z0-9]+(?::.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller: `name` is None where the record does not say who it was.

    `key` is the access key that it signed with; `role` the role whose session it
    is; `service` the AWS service that called, for itself or in its name.
    """

    name: str | None
    kind: str | None
    account: str | None
    partition: str
    key: str | None
    role: str | None
    service: str | None
    mfa: bool | None
    origin: str | None


def arn_account(arn: str | None) -> str | None:
    """The account in an ARN; None where there is none.

    >>> arn_account("arn:aws:iam::111122223333:role/deploy")
    '111122223333'
    """
    match = _ARN.fullmatch(arn or "")
    return (match[2] or None) if match else None


def principal(record: Record) -> Principal:
    """The caller of a record, from `userIdentity` or, in a lookup's answer, from what little stands beside it."""
    identity = mapping(record, "userIdentity")
    session = mapping(identity, "sessionContext")
    attributes = mapping(session, "attributes")
    arn = text(identity, "arn")
    match = _ARN.fullmatch(arn or "")
    account = text(identity, "accountId") or (match[2] if match else None) or text(record, "recipientAccountId")
    partition = match[1] if match else "aws"
    mfa = {"true": True, "false": False}.get(str(attributes.get("mfaAuthenticated")).lower())
    return Principal(
        name=_name(record, identity, arn if match else None, account, partition),
        kind=text(identity, "type"),
        account=account or None,
        partition=partition,
        key=text(identity, "accessKeyId") or text(record, "accessKeyId"),
        role=text(mapping(session, "sessionIssuer"), "arn"),
        service=text(identity, "invokedBy"),
        mfa=mfa,
        origin=text(session, "sourceIdentity"),
    )


def _name(record: Record, identity: Record, arn: str | None, account: str | None, partition: str) -> str | None:
    kind = text(identity, "type")
    if arn is not None:
        return arn
    if kind == "AWSService":
        return text(identity, "invokedBy")
    if kind in _FEDERATED:
        return _federated(identity)
    if kind == "Root" and account:
        return f"arn:{partition}:iam::{account}:root"
    user = text(identity, "userName") or text(record, "userName")
    if user is not None:
        return f"arn:{partition}:iam::{account}:user/{user}" if account else f"aws:user:{user}"
    found = text(identity, "principalId")
    if found is not None and _ROLE_ID.fullmatch(found):
        return found  # the id of a role or user is unique in all of AWS, and its session's name follows a colon
    if kind == "AWSAccount" and account:
        return f"aws:account:{account}"
    return text(identity, "invokedBy")


def _federated(identity: Record) -> str | None:
    """A web identity's or SAML user's issuer and subject: what stays from one run to the next."""
    subject = text(identity, "userName", "principalId")
    provider = _PROVIDER.sub("", text(identity, "identityProvider") or "")
    return ":".join(part for part in (provider, subject) if part) or None
