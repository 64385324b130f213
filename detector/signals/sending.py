"""One attempt to deliver a letter, and what came of it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import httpx
import msgspec

from detector.signals import webhook
from detector.signals.endpoints import Address, Endpoint, EndpointRefused, addresses, endpoint
from detector.signals.letters import Letter
from detector.signals.streams import CONFIGURED, Stream

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
"""What a receiver may take: it has only to store what it gets. One that is slower is sent to again, later."""

ATTEMPT_SECONDS: Final = 20.0
"""The whole of an attempt, whatever trickles in: a receiver that answers a byte at a time is one that does not."""

LONGEST_ANSWER: Final = 16_384
"""Bytes of an answer that are read: an error code and a sentence."""

LONGEST_WAIT: Final = 3_600.0
"""A receiver may have us wait for an hour; whoever asks for more is looked after then."""

MOST_ADDRESSES: Final = 3
"""Addresses of a receiver that are tried in one attempt."""

RECOVERABLE: Final = frozenset({"authentication_failed", "access_denied", "invalid_key"})
"""Errors of RFC 8935 that are about what we are to the receiver, not about what was sent: set right, they pass."""

FINAL_STATUSES: Final = frozenset({400, 422})
"""What a webhook's receiver answers to what it will never take."""

Why: TypeAlias = Literal["connection", "timeout", "address", "redirect", "status_4xx", "status_5xx"]


class Delivered(NamedTuple):
    """The receiver has it."""


class Refused(NamedTuple):
    """The receiver will not have it, now or later, and says why."""

    reason: str


class Failed(NamedTuple):
    """It may have it later. `wait` is what it asked for, in seconds."""

    why: Why
    said: str
    wait: float | None = None


Outcome: TypeAlias = Delivered | Refused | Failed


class Sender:
    """Sends letters, to each endpoint's own address, following nobody anywhere else.

    `ca_file` holds certificates to believe beside the system's; empty for none.
    """

    def __init__(
        self, *, hosts: Collection[str] = (), ca_file: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._hosts, self._clock = tuple(hosts), clock
        self._trusted = ssl.create_default_context()
        if ca_file:
            self._trusted.load_verify_locations(cafile=Path(ca_file))
        self._made: httpx.AsyncClient | None = None

    def endpoint(self, url: str, *, owner: str) -> Endpoint:
        """The endpoint that a URL names, for a stream of this owner. Raises `EndpointRefused`.

        The configuration may name this machine and any host; a receiver only what it allows.
        """
        mine = owner == CONFIGURED
        return endpoint(url, hosts=() if mine else self._hosts, local=mine)

    async def send(self, stream: Stream, letter: Letter) -> Outcome:
        """Send a letter once."""
        try:
            to = self.endpoint(stream.endpoint, owner=stream.owner)
            found = await addresses(to)
        except EndpointRefused as refused:
            return Failed("address", str(refused))
        except OSError as error:
            return Failed("connection", f"{stream.endpoint}: {error.strerror or error}")
        outcome: Outcome = Failed("connection", f"{to.host} has no address")
        for address in found[:MOST_ADDRESSES]:
            outcome = await self._attempt(stream, letter, to, address)
            if not isinstance(outcome, Failed) or outcome.why != "connection":
                break
        return outcome

    async def close(self) -> None:
        """Close every connection."""
        if self._made is not None:
            await self._made.aclose()

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._made is None:
            timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
            self._made = httpx.AsyncClient(
                trust_env=False, follow_redirects=False, verify=self._trusted, timeout=timeout
            )
        return self._made

    async def _attempt(self, stream: Stream, letter: Letter, to: Endpoint, address: Address) -> Outcome:
        headers = {**letter.headers, **self._proofs(stream, letter), "Host": to.authority}
        request = self._client.build_request(
            "POST",
            to.at(address),
            content=letter.body,
            headers=headers,
            extensions={"sni_hostname": to.host} if to.scheme == "https" else {},
        )
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                response = await self._client.send(request, stream=True)
                try:
                    answer = await _read(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException) as error:
            return Failed("timeout", type(error).__name__)
        except httpx.HTTPError as error:
            return Failed("connection", str(error) or type(error).__name__)
        return self._outcome(stream, response, answer)

    def _proofs(self, stream: Stream, letter: Letter) -> dict[str, str]:
        """What shows the receiver that it is us: what it told us to say, and a signature where we share a secret."""
        proofs = {"Authorization": stream.authorization} if stream.authorization else {}
        if stream.secret:
            now = int(self._clock())
            proofs[webhook.TIMESTAMP] = str(now)
            proofs[webhook.SIGNATURE] = webhook.signature(stream.secret.encode(), letter.body, timestamp=now)
        return proofs

    def _outcome(self, stream: Stream, response: httpx.Response, answer: bytes) -> Outcome:
        status = response.status_code
        if response.is_success:
            return Delivered()
        if response.is_redirect:
            return Failed("redirect", f"HTTP {status}: nobody is followed anywhere else")
        final = _final(stream, status, answer)
        if final is not None:
            return Refused(final)
        wait = retry_after(response.headers.get("retry-after"), now=self._clock())
        return Failed("status_4xx" if response.is_client_error else "status_5xx", f"HTTP {status}", wait)


def retry_after(value: str | None, *, now: float) -> float | None:
    """The seconds that a `Retry-After` asks for, an hour at most; `None` for none, or one that cannot be read."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(at - now, 0.0), LONGEST_WAIT)


def _final(stream: Stream, status: int, answer: bytes) -> str | None:
    """Why a receiver will never take what it was sent; `None` where it may yet.

    For tokens RFC 8935 (2.3) has a form for it, a 400 with an error code; webhooks have only the status.
    """
    if stream.form != "set":
        return f"HTTP {status}" if status in FINAL_STATUSES else None
    if status != 400:  # noqa: PLR2004 - see above
        return None
    try:
        error: Any = msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    code = error.get("err") if isinstance(error, Mapping) else None
    if not isinstance(code, str) or code in RECOVERABLE:
        return None
    said = error.get("description")
    return f"{code[:100]}: {said[:200]}" if isinstance(said, str) else code[:100]


async def _read(response: httpx.Response) -> bytes:
    """The first bytes of an answer."""
    read = b""
    async for part in response.aiter_raw():
        read += part
        if len(read) >= LONGEST_ANSWER:
            break
    return read[:LONGEST_ANSWER]
