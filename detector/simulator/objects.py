"""What a credential does once minted: actions on objects, by the kind of surface it opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detector.events import Privilege
from detector.simulator.dice import Dice
from detector.simulator.model import Access, Surface

ACTIONS: Final[Mapping[Surface, Mapping[Privilege, tuple[str, ...]]]] = {
    "bucket": {
        "read": ("s3:GetObject", "s3:ListBucket", "s3:HeadObject"),
        "write": ("s3:PutObject", "s3:GetObject", "s3:DeleteObject", "dynamodb:PutItem"),
        "admin": ("s3:PutBucketPolicy", "ec2:RunInstances", "iam:PassRole", "cloudformation:UpdateStack"),
    },
    "sql": {
        "read": ("sql:Select", "sql:Connect"),
        "write": ("sql:Insert", "sql:Update", "sql:Select"),
        "admin": ("sql:Alter", "sql:Grant", "sql:CreateIndex"),
    },
    "secret": {
        "read": ("kv:Read", "kv:List"),
        "write": ("kv:Write", "kv:Read"),
        "admin": ("kv:Destroy", "kv:Metadata", "sys:Mounts"),
    },
    "cluster": {
        "read": ("get", "list", "watch"),
        "write": ("patch", "create", "update", "get"),
        "admin": ("delete", "bind", "create", "escalate"),
    },
    "queue": {
        "read": ("sqs:ReceiveMessage", "sqs:GetQueueAttributes"),
        "write": ("sqs:SendMessage", "sns:Publish"),
        "admin": ("sqs:SetQueueAttributes", "sqs:PurgeQueue"),
    },
    "api": {
        "read": ("GET", "HEAD"),
        "write": ("POST", "PATCH", "GET"),
        "admin": ("DELETE", "PUT", "POST"),
    },
}
GRASPING: Final[Mapping[Surface, tuple[str, ...]]] = {
    # What thieves do beyond what the credential was asked for.
    "bucket": (
        "iam:CreateAccessKey",
        "iam:AttachRolePolicy",
        "s3:ListAllMyBuckets",
        "sts:GetCallerIdentity",
        "secretsmanager:GetSecretValue",
    ),
    "sql": ("sql:CopyTo", "sql:Grant", "sql:CreateRole"),
    "secret": ("kv:List", "sys:Policies", "kv:Destroy"),
    "cluster": ("exec", "impersonate", "list", "bind"),
    "queue": ("sqs:PurgeQueue", "iam:ListRoles"),
    "api": ("DELETE", "PUT", "OPTIONS"),
}
_NOUNS: Final = (
    "orders",
    "users",
    "events",
    "sessions",
    "exports",
    "daily",
    "models",
    "config",
    "tokens",
    "images",
    "invoices",
    "audit",
    "index",
    "cache",
    "jobs",
    "metrics",
    "reports",
    "raw",
    "tmp",
    "archive",
)


def usual_action(access: Access, dice: Dice) -> str:
    """An action that such a credential is for; the first ones are the usual ones."""
    actions = ACTIONS[access.surface][access.privilege]
    return dice.weighted(actions, [1.0 / (k + 1.0) ** 1.3 for k in range(len(actions))])


def asked_actions(access: Access) -> tuple[str, ...]:
    """What the request says it wants to do."""
    return (access.privilege,) if access.privilege != "admin" else ("write", "admin")


def new_object(access: Access, dice: Dice) -> str:
    """Something of that application which nobody may have touched yet."""
    return f"{access.application}/{dice.pick(_NOUNS)}" + (f"/{dice.below(400)}" if dice.chance(0.7) else "")
