"""The plain webhook: an announcement as JSON, with a signature over what was sent and when."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from detector.engine.records import Announced

TIMESTAMP: Final = "Assayer-Timestamp"
SIGNATURE: Final = "Assayer-Signature"
DELIVERY: Final = "Assayer-Delivery"

SCHEME: Final = "v1"
"""What the signature begins with, so that another scheme can follow it."""

TOLERANCE_SECONDS: Final = 300.0
"""How old a receiver should let a signature be: clocks differ, and what is sent again much later is a replay."""


def payload(announced: Announced, stamp: float, delivery: str) -> dict[str, Any]:
    """An announcement that was logged at `stamp` (Unix seconds); `delivery` is its id, the same at every attempt."""
    shown: dict[str, Any] = {
        "id": delivery,
        "time": rfc3339(stamp),
        "kind": announced.kind,
        "code": announced.code,
        "because": announced.because,
        "codes": announced.codes,
        "cause": announced.cause,
        "requester": announced.requester,
        "issuer": announced.issuer,
    }
    if announced.credential is not None:
        shown |= {
            "credential": announced.credential,
            "issuance": announced.issuance,
            "resource": announced.resource,
            "task": announced.task,
            "expires_at": None if announced.expires is None else rfc3339(announced.expires),
        }
    if announced.after is not None:
        shown |= {"level": announced.after, "previous_level": announced.before}
    return shown


def signature(secret: bytes, body: bytes, *, timestamp: int) -> str:
    """HMAC-SHA-256 over the timestamp, a dot and the body.

    >>> signature(b"secret", b"{}", timestamp=1772409606)[:11]
    'v1=032a656b'
    """
    return f"{SCHEME}={hmac.new(secret, str(timestamp).encode() + b'.' + body, sha256).hexdigest()}"


def genuine(secret: bytes, body: bytes, headers: Mapping[str, str], *, now: float) -> bool:
    """Whether what a receiver got was sent by who knows the secret, and lately: what a receiver has to check."""
    timestamp = headers.get(TIMESTAMP, "")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    return hmac.compare_digest(signature(secret, body, timestamp=int(timestamp)), headers.get(SIGNATURE, ""))


def rfc3339(seconds: float) -> str:
    """Unix seconds as RFC 3339 writes them, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
