"""What can go wrong between a broker and its sidecar."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

FailureKind: TypeAlias = Literal[
    "unreachable",
    "slow",
    "garbled",
    "too_large",
    "busy",
    "broken",
    "lying",
    "unauthorised",
    "unexpected",
    "circuit_open",
    "stuck",
]
"""No connection, or a broken one; past the deadline; no HTTP; more bytes than an answer has; 429 or 503; another
5xx; an answer that cannot be true; 401 or 403; any other status; not asked at all, since it failed lately; and this
client's own thread is not running."""


class Failure(Struct, frozen=True):
    """Why there is no usable answer: one of a few kinds, for counting, and a sentence."""

    kind: FailureKind
    detail: str

    def words(self) -> str:
        """Both in one line."""
        return f"{self.kind.replace('_', ' ')}: {self.detail}"


class Unavailable(Exception):
    """What was told did not reach a sidecar that works. Telling it again later is right: nothing counts twice."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words())
        self.failure = failure


class Refused(ValueError):
    """The sidecar works, and says that what it was sent is no good: `status`, a sentence, and (field, reason) pairs.

    Never a permission: who asked for it is to be refused, or corrected.
    """

    def __init__(self, status: int, detail: str, errors: tuple[tuple[str, str], ...] = ()) -> None:
        named = "; ".join(f"{field}: {reason}" for field, reason in errors)
        super().__init__(named or detail)
        self.status, self.detail, self.errors = status, detail, errors
