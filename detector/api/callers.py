"""Who is calling, and what they may do.

Two kinds of caller get in: one with a valid token, from anywhere; and one
without, from this machine, for `score`, `events` and the probes. A few things
that hold no secret are for anybody (`PUBLIC`). The address
is the connection's own: `X-Forwarded-For` is not believed, and a request that
carries it came through a proxy, so it is not from this machine whatever its
address says. A browser is on this machine too, so a tokenless request must
name a loopback host (a rebound DNS name is refused) and may not come from
another site's page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

from starlette.requests import Request
from starlette.types import Scope

from detector.api.problems import Problem
from detector.api.tokens import Role, TokenRefused, Tokens

SCOPE_KEY: Final = "assayer.caller"
FORWARDED: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})
NOWHERE: Final = "unknown"

PUBLIC: Final = frozenset(
    {
        *("/.well-known/ssf-configuration", "/ssf/jwks.json"),
        *("/.well-known/authzen-configuration", "/access/v1/jwks"),
    }
)
"""What anybody may read from anywhere: where our interfaces are, and the public keys that verify what we sign. Whoever
is to believe us has to have read them first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who got in.

    `name` is the token's (`local` without one), `key` what its rate is counted
    under, `local` whether it came without a token from this machine.
    """

    name: str
    key: str
    roles: tuple[Role, ...] = ()
    local: bool = False


class Refused(Problem):
    """A caller who did not get in; `why` is one of a few words, for counting."""

    def __init__(self, status: int, detail: str, *, why: str) -> None:
        headers = {"WWW-Authenticate": 'Bearer realm="assayer"'} if status == 401 else {}  # noqa: PLR2004
        super().__init__(status, detail, headers=headers)
        self.why = why


class Gate:
    """Lets callers in, and says what a role may ask for."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Caller:
        """The caller of this request. Raises `Refused`."""
        credentials = headers.get(b"authorization")
        if credentials is not None:
            return self._bearer(credentials)
        address = address_of(scope)
        if scope["path"] in PUBLIC:
            return Caller(name="anybody", key=address)
        if not is_loopback(address) or not FORWARDED.isdisjoint(headers):
            raise Refused(401, "Authorization: a bearer token is needed from any other machine", why="missing")
        _refuse_browsers(headers)
        return _local(address)

    def trouble(self) -> str | None:
        """Why the token file as it is now is not believed; `None` when it is."""
        return self._tokens.trouble()

    def trusts(self, caller: Caller, role: Role) -> bool:
        """Whether what this caller sends may move risk and teach.

        A tokenless local caller is trusted only until the first token with the
        role is made: from then on honest callers have one.
        """
        return role in caller.roles or (caller.local and not self._tokens.ever_made(role))

    def stranger(self, caller: Caller) -> bool:
        """Whether nothing that this caller sends is believed: it is on this machine, and who is known has a token.

        It is answered all the same, from what others leave.
        """
        return caller.local and self._tokens.ever_made("broker") and self._tokens.ever_made("ingest")

    def _bearer(self, credentials: bytes) -> Caller:
        scheme, _, secret = credentials.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Refused(401, "Authorization: only bearer tokens are understood", why="malformed")
        try:
            token = self._tokens.identify(secret.strip().decode("latin-1"))
        except TokenRefused as refusal:
            why = str(refusal)
            said = why if why in {"expired", "revoked"} else "not one of ours"
            raise Refused(401, f"Authorization: this token is {said}", why=why) from None
        return Caller(name=token.name, key=f"token {token.id}", roles=token.roles)


@lru_cache(maxsize=1_024)
def _local(address: str) -> Caller:
    return Caller(name="local", key=address, local=True)


def caller_of(scope: Scope) -> Caller:
    """The caller that the gate let in on this request."""
    caller: Caller = scope[SCOPE_KEY]
    return caller


def authorise(caller: Caller, roles: tuple[Role, ...], *, local: bool = False) -> Caller:
    """The caller, if it has one of these roles, or none is needed on this machine. Raises a 401 or 403 `Problem`."""
    if caller.local:
        if local:
            return caller
        raise Refused(401, "Authorization: this route needs a bearer token, also on this machine", why="missing")
    if not any(role in caller.roles for role in roles):
        raise Refused(403, f"Authorization: this route needs the role {' or '.join(roles)}", why="role")
    return caller


def needs(*roles: Role) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: the caller, who must have one of these roles."""

    async def caller_with_role(request: Request) -> Caller:
        return authorise(caller_of(request.scope), roles)

    return caller_with_role


def address_of(scope: Scope) -> str:
    """The address at the other end of the connection."""
    client: Any = scope.get("client")
    return str(client[0]) if client and client[0] else NOWHERE


@lru_cache(maxsize=1_024)
def is_loopback(address: str) -> bool:
    """Whether this address is this machine."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


@lru_cache(maxsize=1_024)
def names_loopback(host: bytes) -> bool:
    """Whether a `Host` header names this machine: a loopback address or `localhost`, with or without a port."""
    name = host.decode("latin-1").lower()
    bare = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    return bare == "localhost" or is_loopback(bare)


def _refuse_browsers(headers: Mapping[bytes, bytes]) -> None:
    host = headers.get(b"host")
    if host is not None and not names_loopback(host):
        raise Refused(403, "Host: without a token, only localhost or a loopback address is answered", why="host")
    origin = headers.get(b"origin")
    if origin is not None and (host is None or origin.lower() != b"http://" + host.lower()):
        raise Refused(403, "Origin: another site's page may not call without a token", why="origin")
