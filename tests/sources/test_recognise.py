"""Which dialect a record is written in."""

from __future__ import annotations

from typing import Any

import pytest

from detector.sources import DIALECTS, recognise


@pytest.mark.parametrize(
    ("record", "dialect"),
    [
        ({"kind": "usage"}, "native"),
        ({"kind": "grant_request", "eventName": "x", "eventSource": "y"}, "native"),
        ({"kind": "Event", "apiVersion": "audit.k8s.io/v1"}, "kubernetes"),
        ({"kind": "Event", "auditID": "a", "verb": "get"}, "kubernetes"),
        ({"protoPayload": {"serviceName": "k8s.io"}}, "kubernetes"),
        ({"type": "response", "time": "t", "request": {}}, "vault"),
        ({"eventName": "AssumeRole", "eventSource": "sts.amazonaws.com"}, "cloudtrail"),
        ({"EventName": "AssumeRole", "EventId": "e"}, "cloudtrail"),
        ({"CloudTrailEvent": "{}"}, "cloudtrail"),
        ({"protoPayload": {"serviceName": "iam.googleapis.com"}}, None),
        ({"kind": "Event", "apiVersion": "v1"}, None),
        ({"type": "response", "request": "text"}, None),
        ({"kind": ["usage"]}, None),
        ({}, None),
    ],
)
def test_records_are_recognised_by_content(record: dict[str, Any], dialect: str | None) -> None:
    """Each dialect by what only it has; nothing is guessed."""
    assert recognise(record) == dialect


def test_every_dialect_can_be_recognised() -> None:
    """Whatever `--dialect` may name, `auto` can find."""
    assert list(DIALECTS) == ["native", "cloudtrail", "vault", "kubernetes"]
