"""What a client is made with, checked once."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Required, TypedDict
from urllib.parse import urlsplit

from detector.client.breaker import Tripping
from detector.client.choices import Choice, Choices
from detector.client.course import Clocks
from detector.client.health import Event

HERE: Final = "http://127.0.0.1:8181"
"""Where `assayer serve` listens unless told otherwise."""

ASK_SECONDS: Final = 0.18
"""For one answer, all told: a proxy that asks us gives up after 200 ms (Envoy's ext_authz), and the sidecar itself
waits 150 ms at most for its disk."""

BULK_SECONDS: Final = 30.0
"""For what no mint waits for."""

ATTEMPTS: Final = 3
REFRESH_SECONDS: Final = 3.0
"""Between two looks at the deny list: so old may a rule be that a dead sidecar took along."""

LONGEST_SECONDS: Final = 3_600.0

CLOCKS: Final = Clocks(monotonic=time.monotonic, wall=time.time, dice=random.random)


class Terms(TypedDict, total=False):
    """The keywords of `Client` and `AsyncClient`; `default` must be given. `Settings` says what they mean."""

    default: Required[Choice]
    on_failure: Mapping[str, Choice]
    token: str | None
    token_file: Path | str | None
    timeout: float
    bulk_timeout: float
    attempts: int
    breaker: Tripping
    refresh_seconds: float
    deny_list_file: Path | str | None
    tls: ssl.SSLContext | None
    on_event: Callable[[Event], None] | None
    clocks: Clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a broker asks. Raises `ValueError` naming what cannot be.

    `default` is what is done without an answer, `on_failure` where an issuer is to be treated otherwise (see
    `Choices`). The token comes from `token`, from `token_file` (looked at again when it changes) or from
    `ASSAYER_TOKEN`. `timeout` is for an ask with all its attempts, `bulk_timeout` for everything else (seconds).
    `deny_list_file` keeps the deny list for a broker that is started again; `tls` is for a sidecar behind https.
    `on_event` hears what happens; it is called in between, so it must be quick, and what it raises is counted
    and goes no further.
    """

    url: str = HERE
    default: Choice
    on_failure: Mapping[str, Choice] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)
    token_file: Path | str | None = None
    timeout: float = ASK_SECONDS
    bulk_timeout: float = BULK_SECONDS
    attempts: int = ATTEMPTS
    breaker: Tripping = field(default_factory=Tripping)
    refresh_seconds: float = REFRESH_SECONDS
    deny_list_file: Path | str | None = None
    tls: ssl.SSLContext | None = None
    on_event: Callable[[Event], None] | None = None
    clocks: Clocks = CLOCKS

    def __post_init__(self) -> None:
        """Check what `Token`, `Choices` and `Tripping` do not check themselves."""
        address(self.url)
        for name in ("timeout", "bulk_timeout", "refresh_seconds"):
            positive(name, getattr(self, name))
        counted("attempts", self.attempts)
        if not isinstance(self.breaker, Tripping):
            raise ValueError("breaker: must be a Tripping")  # noqa: TRY004 - bad use is one kind of error here
        if self.on_event is not None and not callable(self.on_event):
            raise ValueError("on_event: must be callable")

    def choices(self) -> Choices:
        """What to do without an answer. Raises `ValueError`."""
        return Choices(self.default, self.on_failure)


def address(url: str) -> None:
    """Raises `ValueError` for what is no address of a server, or more than one."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        more = parts.username or parts.password or parts.query or parts.fragment
    except ValueError:
        sound, more = False, None
    if not sound:
        raise ValueError(f"url: must be like {HERE}")
    if more:
        raise ValueError("url: must be an address alone, without a user, a password or a query")


def counted(name: str, number: object) -> None:
    """Raises `ValueError` for what is no number of times."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"{name}: must be 1 or more, not {number!r}")


def positive(name: str, seconds: object) -> float:
    """The seconds, where they are some. Raises `ValueError` naming them."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_SECONDS:
        raise ValueError(f"{name}: must be above 0 and at most {LONGEST_SECONDS:g} seconds, not {seconds!r}")
    return float(seconds)
