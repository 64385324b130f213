"""What the engine hands back: answers, judged rows, and how it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import Future
from string import hexdigits
from typing import Final

from msgspec import Struct

from detector.engine.records import Decided, Weighed
from detector.evidence import in_nats
from detector.verdict import Reason, Verdict

POSITION_DIGITS: Final = 16
"""Hexadecimal digits of a log position in a decision's id, at most."""


class ConflictingRequest(ValueError):
    """An id that was asked with before, now with another request."""


class Asked(Struct, frozen=True):
    """A decision, the future that says it is durable, and whether it was made just now."""

    decision: Decided
    durable: Future[int] | None
    fresh: bool


class Row(Struct, frozen=True):
    """One judged event as replay writes it. `evidence` is in nats, `time` in Unix seconds."""

    id: str
    kind: str
    time: float
    requester: str
    issuer: str | None
    credential: str | None
    issuance: str | None
    verdict: Verdict
    risk: float
    evidence: float
    reasons: tuple[Reason, ...]


class Vitals(Struct, frozen=True):
    """How the engine is: positions of the log, what is held in memory, rules by state, thresholds in force (nats)."""

    position: int
    durable: int
    requesters: int
    issuers: int
    held: int
    credentials: int
    quarantined: int
    flagged: int
    rules: Mapping[str, int]
    thresholds: Mapping[str, float]
    pressed: int
    halted: bool
    glasses_unreviewed: int
    intents_due: int
    access_pending: int


def row(
    weighed: Weighed,
    *,
    id: str,
    kind: str,
    time: float,
    requester: str,
    issuer: str | None,
    credential: str | None = None,
    issuance: str | None = None,
) -> Row:
    """A judged event's row."""
    return Row(
        id=id,
        kind=kind,
        time=time,
        requester=requester,
        issuer=issuer,
        credential=credential,
        issuance=issuance,
        verdict=weighed.verdict,
        risk=weighed.risk,
        evidence=in_nats(weighed.evidence),
        reasons=weighed.reasons,
    )


def decided_after(decision_id: str) -> int | None:
    """The log position that a decision was made at, told from its id; `None` for what is no decision's id.

    >>> decided_after("d-00000000ff-1a2b3c4d5e6f70"), decided_after("d-none")
    (255, None)
    """
    kind, _, rest = decision_id.partition("-")
    digits = rest.partition("-")[0]
    if kind != "d" or not digits or len(digits) > POSITION_DIGITS or any(char not in hexdigits for char in digits):
        return None
    return int(digits, 16)


def identifier(kind: str, digits: int, *parts: str) -> str:
    """An id that the parts determine: `kind` and so many hexadecimal digits of their SHA-256."""
    return f"{kind}-{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()[:digits]}"
