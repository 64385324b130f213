"""The words of the standards: event types, delivery methods, media types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from detector.engine.records import Announcement

CAEP: Final = "https://schemas.openid.net/secevent/caep/event-type/"
SSF: Final = "https://schemas.openid.net/secevent/ssf/event-type/"

EVENTS: Final[Mapping[Announcement, str]] = {
    "session_revoked": f"{CAEP}session-revoked",
    "credential_change": f"{CAEP}credential-change",
    "risk_level_change": f"{CAEP}risk-level-change",
}
"""CAEP's event type of each announcement."""

VERIFICATION: Final = f"{SSF}verification"

PUSH: Final = "urn:ietf:rfc:8935"
POLL: Final = "urn:ietf:rfc:8936"

SECEVENT: Final = "application/secevent+jwt"
"""What a pushed token is sent as (RFC 8935, 2.1)."""

JOSE_TYPE: Final = "secevent+jwt"
"""The token's explicit type (RFC 8417, 2.3)."""

ALGORITHM: Final = "RS256"
"""The only one we sign with, and the only one the CAEP interoperability profile takes."""

Form: TypeAlias = Literal["set", "webhook", "ocsf"]
"""What a stream sends: security event tokens, plain JSON, or OCSF findings."""

Status: TypeAlias = Literal["enabled", "paused", "disabled"]
