"""Calls that change what a key may do, or end it: policies written, keys and identities taken away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detector.events import Change, Lifecycle
from detector.sources.cloudtrail.minting import password_of, requester, user_arn
from detector.sources.cloudtrail.shapes import Call
from detector.sources.fields import NAME_LENGTH, text

_ON_ROLES: Final = frozenset(
    [
        "AttachRolePolicy",
        "DetachRolePolicy",
        "PutRolePolicy",
        "DeleteRolePolicy",
        "UpdateAssumeRolePolicy",
        "PutRolePermissionsBoundary",
        "DeleteRolePermissionsBoundary",
    ]
)
_ON_USERS: Final = frozenset(
    [
        "AttachUserPolicy",
        "DetachUserPolicy",
        "PutUserPolicy",
        "DeleteUserPolicy",
        "PutUserPermissionsBoundary",
        "DeleteUserPermissionsBoundary",
        "AddUserToGroup",
        "RemoveUserFromGroup",
    ]
)
_ON_GROUPS: Final = frozenset(["AttachGroupPolicy", "DetachGroupPolicy", "PutGroupPolicy", "DeleteGroupPolicy"])
_ON_POLICIES: Final = frozenset(
    ["CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion", "DeletePolicy"]
)
# Policies that lie with the resource: (service, call) → the parameter that names it.
_ON_RESOURCES: Final = {
    ("s3", "PutBucketPolicy"): "bucketName",
    ("s3", "DeleteBucketPolicy"): "bucketName",
    ("kms", "PutKeyPolicy"): "keyId",
    ("kms", "CreateGrant"): "keyId",
    ("secretsmanager", "PutResourcePolicy"): "secretId",
    ("secretsmanager", "DeleteResourcePolicy"): "secretId",
    ("ecr", "SetRepositoryPolicy"): "repositoryName",
    ("organizations", "AttachPolicy"): "targetId",
    ("organizations", "DetachPolicy"): "targetId",
}


def lifecycles(call: Call) -> Iterator[Lifecycle]:
    """The change that the call made; a call that failed made none."""
    if call.error:
        return
    found = _in_iam(call) if call.service == "iam" else _elsewhere(call)
    if found is not None:
        change, subject = found
        yield Lifecycle(id=call.id, time=call.time, change=change, subject=subject[:NAME_LENGTH], actor=requester(call))


def _in_iam(call: Call) -> tuple[Change, str] | None:
    name = call.name
    if name in _ON_ROLES:
        return _policy(_named(call, "role", "roleName"))
    if name in _ON_USERS:
        return _policy(user_arn(call))
    if name in _ON_GROUPS:
        return _policy(_named(call, "group", "groupName"))
    if name in _ON_POLICIES:
        return _policy(text(call.asked, "policyArn") or _listed(call, "AWS::IAM::Policy"))
    return _ended(call)


def _ended(call: Call) -> tuple[Change, str] | None:
    """Keys, passwords and identities that are no more."""
    name, user = call.name, user_arn(call)
    key = text(call.asked, "accessKeyId") or _listed(call, "AWS::IAM::AccessKey")
    inactive = name == "UpdateAccessKey" and text(call.asked, "status") == "Inactive"
    if key is not None and (inactive or name == "DeleteAccessKey"):
        return "revoked", key
    if name == "DeleteLoginProfile" and user is not None:
        return "revoked", password_of(user)
    if name == "DeleteRole" and (role := _named(call, "role", "roleName")) is not None:
        return "decommissioned", role.replace(":iam::", ":sts::").replace(":role/", ":assumed-role/")
    if name == "DeleteUser" and user is not None and "userName" in call.asked:
        return "decommissioned", user
    return None


def _elsewhere(call: Call) -> tuple[Change, str] | None:
    parameter = _ON_RESOURCES.get((call.service, call.name))
    if parameter is not None:
        subject = text(call.asked, parameter)
        return _policy(f"arn:aws:s3:::{subject}" if subject and call.service == "s3" else subject)
    if call.service == "lambda" and call.name.startswith(("AddPermission", "RemovePermission")):
        return _policy(text(call.asked, "functionName"))
    return None


def _policy(subject: str | None) -> tuple[Change, str] | None:
    return ("policy_changed", subject) if subject else None


def _named(call: Call, kind: str, parameter: str) -> str | None:
    """The ARN of a role or group that a call names; without its path, which the call does not say."""
    name = text(call.asked, parameter) or _listed(call, f"AWS::IAM::{kind.title()}")
    if name is None or name.startswith("arn:") or call.account is None:
        return name
    return f"arn:{call.caller.partition}:iam::{call.account}:{kind}/{name}"


def _listed(call: Call, kind: str) -> str | None:
    names = [name for found, name in call.resources if found == kind]
    return next((name for name in names if name.startswith("arn:")), names[0] if names else None)
