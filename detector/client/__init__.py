"""A broker's client: ask before you mint, and know what you are told where nobody answers.

`Client` and `AsyncClient` ask a sidecar within a deadline. Where there is no usable answer (none in time, no
connection, one that cannot be true), a deny rule that was known still denies; else the issuer's own choice holds,
open or closed, which must have been made. Nothing of the rest of this package is needed to use it.
"""

from detector.client.answers import Answer, DenyRule, Reason, Rejected, Sent
from detector.client.asynchronous import AsyncClient
from detector.client.breaker import Tripping
from detector.client.course import Clocks
from detector.client.failures import Failure, Refused, Unavailable
from detector.client.health import DenyListHealth, Event, Health
from detector.client.requests import Authentication, GrantRequest, Source
from detector.client.synchronous import Client

__all__ = [
    "Answer",
    "AsyncClient",
    "Authentication",
    "Client",
    "Clocks",
    "DenyListHealth",
    "DenyRule",
    "Event",
    "Failure",
    "GrantRequest",
    "Health",
    "Reason",
    "Refused",
    "Rejected",
    "Sent",
    "Source",
    "Tripping",
    "Unavailable",
]
