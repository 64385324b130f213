"""CloudTrail's several forms of one record, brought to one: the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from detector.sources.base import Record
from detector.sources.cloudtrail.principals import Principal, principal
from detector.sources.fields import Malformed, content_id, listing, loose_moment, mapping, text

# What `aws cloudtrail lookup-events` calls things, and flattened exports of it.
_LOOKUP: Final = {
    "EventId": "eventID",
    "EventTime": "eventTime",
    "EventName": "eventName",
    "EventSource": "eventSource",
    "Username": "userName",
    "AccessKeyId": "accessKeyId",
    "UserIdentity": "userIdentity",
    "SourceIPAddress": "sourceIPAddress",
    "UserAgent": "userAgent",
    "AwsRegion": "awsRegion",
    "ErrorCode": "errorCode",
    "ErrorMessage": "errorMessage",
    "RequestParameters": "requestParameters",
    "ResponseElements": "responseElements",
    "Resources": "resources",
}
_OBJECTS: Final = ("userIdentity", "requestParameters", "responseElements")
_LONGEST_TEXT: Final = (
    1 << 20
)  # a CloudTrail event is at most 256 KiB; one that is escaped into a text, four times that
_SUFFIX: Final = ".amazonaws.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to AWS as CloudTrail tells it: `record` in CloudTrail's own names, the rest already read from it.

    `excerpt` is a lookup's answer without the record itself: it has no error and
    no answer even where there was one.
    """

    record: Record
    id: str
    time: float
    name: str
    service: str
    caller: Principal
    asked: Record
    answered: Record
    resources: tuple[tuple[str, str], ...]
    error: str | None
    excerpt: bool

    @property
    def account(self) -> str | None:
        """The account that the call was recorded in, as far as the record says."""
        return text(self.record, "recipientAccountId") or self.caller.account


def recognises(record: Record) -> bool:
    """Whether a record is CloudTrail's: a call, an insight, or a digest of files."""
    if "eventName" in record or "EventName" in record:
        return any(name in record for name in ("eventSource", "EventSource", "userIdentity", "eventVersion", "EventId"))
    return isinstance(record.get("CloudTrailEvent"), str) or about_the_log(record)


def about_the_log(record: Record) -> bool:
    """Whether a record tells of CloudTrail itself (a digest, an insight, an aggregation) and not of a call."""
    if record.get("eventType") == "AwsCloudTrailInsight" or record.get("eventCategory") == "Insight":
        return True
    return "digestStartTime" in record and "digestS3Object" in record


def plain(record: Record) -> Call:
    """The call in a record of whatever form. Raises `Malformed` for a record without a time or a name."""
    found = _unpacked(record)
    excerpt = found is not record and "CloudTrailEvent" not in record
    record = _with_objects(found)
    time, name = record.get("eventTime"), text(record, "eventName")
    if time is None or name is None:
        raise Malformed(f"{'eventTime' if time is None else 'eventName'}: is missing")
    at = loose_moment(time)
    if at is None:
        raise Malformed("eventTime: is no time between 1990 and 2200")
    return Call(
        record=record,
        id=text(record, "eventID") or content_id(_small(record)),
        time=at,
        name=name,
        service=(text(record, "eventSource") or "aws").removesuffix(_SUFFIX),
        caller=principal(record),
        asked=mapping(record, "requestParameters"),
        answered=mapping(record, "responseElements"),
        resources=_resources(record),
        error=text(record, "errorCode"),
        excerpt=excerpt,
    )


def _unpacked(record: Record) -> Record:
    """The record inside a lookup's answer; or the answer's own fields, under CloudTrail's names."""
    inner = record.get("CloudTrailEvent")
    if isinstance(inner, str) and len(inner) <= _LONGEST_TEXT:
        found = _parsed(inner)
        if found is not None:
            return found
    if "eventName" in record or "EventName" not in record:
        return record
    return {ours: record[theirs] for theirs, ours in _LOOKUP.items() if record.get(theirs) is not None}


def _with_objects(record: Record) -> Record:
    """The record with those objects that an export wrote as text made objects again."""
    written = {name: found for name in _OBJECTS if (found := _parsed(record.get(name))) is not None}
    return {**record, **written} if written else record


def _parsed(value: Any) -> Record | None:
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return None
    try:
        found = msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def _resources(record: Record) -> tuple[tuple[str, str], ...]:
    """(type, name) of each resource that the record lists, in either form's words."""
    found = []
    for item in listing(record, "resources"):
        if isinstance(item, Mapping):
            name = text(item, "ARN", "arn", "ResourceName", "resourceName")
            if name is not None:
                found.append((text(item, "type", "ResourceType") or "", name))
    return tuple(found)


def _small(record: Record) -> Record:
    """What tells a record without an id from others: all of it but what may be large beyond telling."""
    return {name: value for name, value in record.items() if isinstance(value, str | int | float | bool)} | {
        "caller": dict(mapping(record, "userIdentity")),
        "asked": dict(mapping(record, "requestParameters")),
        "answered": dict(mapping(record, "responseElements")),
    }
