"""Security event tokens (RFC 8417), as Shared Signals and CAEP profile them.

The same announcement to the same stream is the same token, byte for byte, however often it is sent: its id and its
times come from the log, so that a receiver can tell a repetition.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import jwt

from detector.engine.records import Announced, AnnouncementCode
from detector.signals.keys import SigningKeys
from detector.signals.subjects import Subject, subject_of
from detector.signals.vocabulary import ALGORITHM, EVENTS, JOSE_TYPE, VERIFICATION

DIGITS: Final = 24
"""Of an id's digest: 96 bits, which nobody finds a second time."""

CREDENTIAL_TYPE: Final = "workload-token"
"""CAEP names the credentials of people, and lets two parties agree on others: ours are minted for workloads."""

INITIATING: Final[Mapping[AnnouncementCode, str]] = {
    "labelled": "admin",
    "task_ended": "system",
    "task_timed_out": "system",
}
"""Who CAEP is told brought an event about; where nothing is said here, a policy did."""


def token_id(identity: str, position: int, stream: str) -> str:
    """The `jti` of an announcement on a stream: where it stands in which log, and a digest that nobody else makes."""
    return f"{position:x}-{_digest(identity, str(position), stream)}"


def position_of(jti: str, *, identity: str, stream: str) -> int | None:
    """The position of the announcement that a `jti` stands for; `None` for one that is not of this stream."""
    try:
        position = int(jti.partition("-")[0], 16)
    except ValueError:
        return None
    return position if token_id(identity, position, stream) == jti else None


def claims(
    announced: Announced, stamp: float, jti: str, *, issuer: str, audience: str, identity: str
) -> dict[str, Any]:
    """The claims of an announcement that was logged at `stamp` (Unix seconds)."""
    subject = subject_of(announced, issuer=issuer)
    made = _claims(jti, issuer, audience, stamp, subject, EVENTS[announced.kind], _event(announced, stamp))
    if announced.cause:
        made["txn"] = _digest(identity, announced.cause)
    return made


def verification(jti: str, *, issuer: str, audience: str, stream: str, state: str | None, now: float) -> dict[str, Any]:
    """The claims of a verification event (SSF 1.0, 8.1.4.1): its subject is the stream, its `state` as was asked."""
    subject = {"format": "opaque", "id": stream}
    return _claims(jti, issuer, audience, now, subject, VERIFICATION, {} if state is None else {"state": state})


def signed(claimed: Mapping[str, Any], keys: SigningKeys) -> str:
    """A token of these claims: explicitly typed, signed with RS256."""
    kid, key = keys.signing()
    return jwt.encode(dict(claimed), key, algorithm=ALGORITHM, headers={"kid": kid, "typ": JOSE_TYPE})


def _event(announced: Announced, stamp: float) -> dict[str, Any]:
    event: dict[str, Any] = {
        "event_timestamp": int(stamp),
        "initiating_entity": INITIATING.get(announced.code, "policy"),
        "reason_admin": {"en": announced.because},
    }
    if announced.kind == "credential_change":
        event |= {"credential_type": CREDENTIAL_TYPE, "change_type": "revoke"}
        if announced.resource:
            event["friendly_name"] = announced.resource
    elif announced.kind == "risk_level_change":
        event |= {"principal": "USER", "current_level": announced.after, "previous_level": announced.before}
        if announced.codes:
            event["risk_reason"] = ",".join(announced.codes)
    return event


def _claims(  # noqa: PLR0917 - as `claims`
    jti: str, issuer: str, audience: str, stamp: float, subject: Subject, uri: str, event: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "iss": issuer,
        "jti": jti,
        "iat": int(stamp),
        "aud": audience,
        "sub_id": subject,
        "events": {uri: event},
    }


def _digest(*parts: str) -> str:
    return sha256("\x1f".join(parts).encode()).hexdigest()[:DIGITS]
