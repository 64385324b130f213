"""How a client is: what it answered from, what failed, and how old its deny list is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

from detector.client.answers import AnsweredBy
from detector.client.breaker import BreakerState
from detector.client.failures import FailureKind

Happening: TypeAlias = Literal["answered", "failed", "breaker", "deny_list", "trouble"]

SOURCES: Final[tuple[AnsweredBy, ...]] = get_args(AnsweredBy)
KINDS: Final[tuple[FailureKind, ...]] = get_args(FailureKind)


class Event(Struct, frozen=True):
    """Something happened, for the broker's own metrics: what, and one of a few words about it.

    `answered`: the answer's source. `failed`: the failure's kind. `breaker`: its new state. `deny_list`: `told` or
    `untold`. `trouble`: `deny_list_file` or `refresh`. No word is ever a requester's, a resource's or an issuer's.
    """

    happening: Happening
    word: str


class DenyListHealth(Struct, frozen=True, kw_only=True):
    """The deny list as it is known: `age` in seconds since a sidecar last confirmed it (`None`: none ever did).

    `left_out` are rules that are not matched here, for want of room or of words for what they name.
    """

    rules: int
    position: int
    age: float | None
    stale: bool
    kill_switch: bool
    left_out: int
    trouble: str | None


class Health(Struct, frozen=True, kw_only=True):
    """A client at one moment. `answers` are counted by source, `failures` of asks by kind, since it was made."""

    breaker: BreakerState
    answers: Mapping[AnsweredBy, int]
    failures: Mapping[FailureKind, int]
    deny_list: DenyListHealth
    token_trouble: str | None
    deaf_hooks: int
    """How often `on_event` itself failed."""
