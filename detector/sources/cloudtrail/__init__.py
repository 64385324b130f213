"""AWS CloudTrail: who minted which key for what, and what the keys then did.

An issuance's issuer is the account's security token service, `aws:sts:<account>`
(that of the role, where one account's identity takes another's role), or
`aws:iam:<account>` for what IAM makes to last (access keys, passwords). Its
credential is the access key's id, by which uses join. Privilege is left open:
the record does not know it.

Wrong where the record does not say who asked (an excerpt of `lookup-events`
with null in every place): such callers are one requester an account,
`aws:unnamed:<account>`.
"""

from __future__ import annotations

from detector.sources.base import Decoded, Record, Unreadable
from detector.sources.cloudtrail import changes, minting, uses
from detector.sources.cloudtrail.shapes import about_the_log, plain, recognises
from detector.sources.fields import Malformed

__all__ = ["decode", "recognises"]


def decode(record: Record) -> Decoded:
    """The issuance, use and changes that one CloudTrail record tells of, all under the record's own id.

    >>> decode({"eventName": "AssumeRole", "eventSource": "sts.amazonaws.com"})
    Unreadable(reason='eventTime: is missing')
    """
    if about_the_log(record):
        return ()
    try:
        call = plain(record)
        return (*minting.issuances(call), *uses.usages(call), *changes.lifecycles(call))
    except Malformed as error:
        return Unreadable(str(error))
