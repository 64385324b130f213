"""Every call is a use of the key that signed it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from detector.events import Usage, UsageOutcome
from detector.sources.cloudtrail.minting import password_of, source
from detector.sources.cloudtrail.shapes import Call
from detector.sources.fields import NAME_LENGTH, text

# `Client.UnauthorizedOperation` of EC2, `AccessDeniedException` of KMS, `VpceAccessDenied` of endpoints, and so on.
_DENIED: Final = re.compile(
    r"AccessDenied|Unauthori[sz]ed|Forbidden|NotAuthorized|InsufficientPrivileges", re.IGNORECASE
)
_VERSION: Final = re.compile(r"20\d{6}(?:v\d+)?$")  # Lambda's and CloudFront's names end in their interface's date
_NAMED: Final = (
    "roleArn",
    "roleName",
    "policyArn",
    "secretId",
    "keyId",
    "functionName",
    "tableName",
    "queueUrl",
    "topicArn",
    "repositoryName",
    "clusterName",
    "instanceId",
    "userName",
    "groupName",
    "dBInstanceIdentifier",
    "trailName",
    "name",
)


def usages(call: Call) -> Iterator[Usage]:
    """The use that the call is; none where neither a key nor a caller is known (a service's own doing)."""
    caller = call.caller
    credential = caller.key
    if call.name == "ConsoleLogin" and credential is None and caller.kind == "IAMUser" and caller.name:
        credential = password_of(caller.name)
    if credential is None and (caller.name is None or caller.kind == "AWSService"):
        return
    yield Usage(
        id=call.id,
        time=call.time,
        credential=credential,
        action=f"{call.service}:{_VERSION.sub('', call.name)}",
        resource=resource(call),
        outcome=outcome(call),
        source=source(call),
        requester=caller.name,
    )


def outcome(call: Call) -> UsageOutcome:
    """How the call ended: refused for want of permission, failed otherwise, or done."""
    if call.error:
        return "denied" if _DENIED.search(call.error) else "error"
    if call.name == "ConsoleLogin" and text(call.answered, "ConsoleLogin") == "Failure":
        return "denied"
    return "success"


def resource(call: Call) -> str | None:
    """What the call was about: the first resource listed, else the first telling parameter."""
    for kind, name in call.resources:
        if kind != "AWS::IAM::AccessKey":
            return name
    bucket = text(call.asked, "bucketName")
    if bucket is not None:
        key = text(call.asked, "key")
        return f"arn:aws:s3:::{bucket}{f'/{key}' if key else ''}"[:NAME_LENGTH]
    return text(call.asked, *_NAMED)
