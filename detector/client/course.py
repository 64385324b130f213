"""The course of one question: tried, waited for, tried again, within one deadline. Without any I/O of its own.

A course says what to do next, and is told what came of it; whoever drives it has the connection. Only what left the
question unanswered is tried again: a connection that failed, and a sidecar that says it is busy. A request carries
an id, so that one that was answered after all is answered alike.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

from detector.client.failures import Failure

AGAIN: Final = frozenset({"unreachable", "garbled"})
BUSY: Final = frozenset({429, 503})
MOST_DIGITS: Final = 9
"""Of a number of seconds: a longer one is not waited for either."""

CONNECT_SHARE: Final = 0.4
"""Of the time that is left, a connection may take so much: a lost first packet is sent again by the system after a
second only, which is too late, but a second connection may still be in time."""


@dataclass(frozen=True, slots=True)
class Try:
    """Ask now, and give up after `seconds`; connecting may take `connecting` of them."""

    seconds: float
    connecting: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a sidecar answered; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often to try, and the wait between: by chance below `least_wait` seconds, doubled up to `most_wait`."""

    attempts: int
    least_wait: float
    most_wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Time and chance, handed in: `monotonic` in seconds, `wall` in Unix seconds, `dice` in [0, 1)."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    dice: Callable[[], float]


Course: TypeAlias = Generator[Try | Wait, Heard | Failure | None, Heard | Failure]


def course(patience: Patience, *, ends: float, clocks: Clocks) -> Course:
    """Ask until `ends` at the latest, all told (as `monotonic` shows); what came of it in the end.

    >>> fixed = Clocks(monotonic=lambda: 0.0, wall=lambda: 0.0, dice=lambda: 0.5)
    >>> asking = course(Patience(attempts=2, least_wait=0.01, most_wait=0.1), ends=1.0, clocks=fixed)
    >>> next(asking)
    Try(seconds=1.0, connecting=0.4)
    >>> asking.send(Failure("unreachable", "refused"))
    Wait(seconds=0.005)
    """
    left, attempt = max(0.0, ends - clocks.monotonic()), 0
    while True:
        attempt += 1
        came = yield Try(left, CONNECT_SHARE * left)
        if came is None:
            raise TypeError("a try is answered by what came of it")
        pause = _pause(came, attempt, patience, clocks)
        if pause is None or pause >= ends - clocks.monotonic():
            return came
        yield Wait(pause)
        left = ends - clocks.monotonic()
        if left <= 0:
            return came


def _pause(came: Heard | Failure, attempt: int, patience: Patience, clocks: Clocks) -> float | None:
    """How long to wait after so many attempts; `None` where asking again is no use."""
    if attempt >= patience.attempts:
        return None
    asked_for = 0.0
    if isinstance(came, Failure):
        if came.kind not in AGAIN:
            return None
    elif came.status in BUSY:
        asked_for = retry_after(came.headers, clocks.wall())
    else:
        return None
    most: float = min(patience.most_wait, patience.least_wait * 2 ** (attempt - 1))
    return asked_for + clocks.dice() * most


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """The seconds that a `Retry-After` header asks for, as a number or as a date; 0 where it says nothing.

    >>> retry_after({"retry-after": "3"}, 0.0), retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:07 GMT"}, 5.0)
    (3.0, 2.0)
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:MOST_DIGITS])
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - now)
