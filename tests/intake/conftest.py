"""Events as lines, and what was rejected on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from detector.intake import Rejected

Line = Callable[..., bytes]


@pytest.fixture
def usage() -> Line:
    """A native usage with this id, as a line without its end; keywords add fields."""

    def make(name: str, **more: Any) -> bytes:
        record = {"kind": "usage", "id": name, "time": "2026-03-02T00:00:07Z", "credential": "c1"} | more
        return json.dumps(record).encode()

    return make


@pytest.fixture
def call() -> Callable[[str], dict[str, Any]]:
    """A CloudTrail record with this event id."""

    def make(name: str) -> dict[str, Any]:
        identity = {"type": "IAMUser", "arn": "arn:aws:iam::1:user/a", "accessKeyId": "AKIA"}
        return {
            "eventID": name,
            "eventTime": "2026-03-02T00:00:06Z",
            "eventName": "ListBuckets",
            "eventSource": "s3.amazonaws.com",
            "userIdentity": identity,
        }

    return make


@pytest.fixture
def rejections() -> list[Rejected]:
    """An empty list, for `on_rejected=rejections.append`."""
    return []
