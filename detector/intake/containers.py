"""Documents that hold several records, or wrap one: opened, down to the records themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from detector.intake.parsing import Unparsable, parse
from detector.sources import recognise

LISTS: Final = ("Records", "Events", "items", "logEvents")
"""Where CloudTrail's files, `aws cloudtrail lookup-events`, Kubernetes lists and CloudWatch keep their records."""

_TEXTS: Final = ("message", "@message", "log")
_CLUSTER: Final = re.compile(r"/aws/eks/([^/]+)/cluster")
_LONGEST_TEXT: Final = 16 << 20  # as the longest record outside a wrapper
_NESTING: Final = 3  # a subscription's delivery: a list of texts of wrapped records


def records(document: Any, *, depth: int = 0) -> Iterator[Any]:
    """The records in a document: itself, the members of its list, or what it wraps.

    A record that we recognise is never opened, whatever its fields are called.
    What is no object comes out as it is, for whoever reads it to reject.

    >>> list(records({"Records": [{"eventName": "GetObject", "eventSource": "s3"}, 5]}))
    [{'eventName': 'GetObject', 'eventSource': 's3'}, 5]
    """
    if depth > _NESTING:
        yield document
    elif isinstance(document, list):
        for member in document:
            yield from records(member, depth=depth + 1)
    elif not isinstance(document, Mapping) or recognise(document) is not None:
        yield document
    else:
        yield from _opened(document, depth)


def _opened(document: Mapping[str, Any], depth: int) -> Iterator[Any]:
    for name in LISTS:
        members = document.get(name)
        if isinstance(members, list):
            for member in members:
                yield from _named_after(document, records(member, depth=depth + 1))
            return
    inner = _wrapped(document)
    if inner is None:
        yield document
    else:
        yield from _named_after(document, records(inner, depth=depth + 1))


def _wrapped(document: Mapping[str, Any]) -> Any:
    """What a shipper's or bus's envelope holds: EventBridge's `detail`, or a line of text that is JSON itself."""
    detail = document.get("detail")
    if isinstance(detail, Mapping) and recognise(detail) is not None:
        return detail
    for name in _TEXTS:
        text = document.get(name)
        if isinstance(text, str) and text.lstrip()[:1] == "{" and len(text) <= _LONGEST_TEXT:
            try:
                return parse(text.encode())
            except (Unparsable, UnicodeEncodeError):
                return None
    return None


def _named_after(document: Mapping[str, Any], found: Iterator[Any]) -> Iterator[Any]:
    """The records, told of the cluster that their wrapper names (EKS: only the log group does)."""
    group = document.get("logGroup", document.get("@log"))
    match = _CLUSTER.search(group) if isinstance(group, str) else None
    for record in found:
        if match and isinstance(record, Mapping) and "auditID" in record:
            yield {**record, "cluster": match[1]}
        else:
            yield record
