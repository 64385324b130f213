"""Where we may send to: which URLs a stream may name, and which addresses a name may turn out to have.

A receiver that may say where we send to could make us call what only we can reach: the cloud's metadata service, a
program on this machine. So addresses are looked at when a stream is made and again at every delivery, and
the connection goes to the very address that was looked at: a name that is resolved twice can change in between.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import SplitResult, urlsplit

Address: TypeAlias = IPv4Address | IPv6Address

LONGEST_URL: Final = 2_000
LOCALHOST: Final = "localhost"

METADATA: Final = frozenset(map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")))
"""Metadata services of clouds that do not lie in the link-local range, as 169.254.169.254 does."""

NAT64: Final[IPv6Network] = ip_network("64:ff9b::/96")  # type: ignore[assignment] # it is one of IPv6
"""Addresses that carry one of IPv4 in their last 32 bits."""


class EndpointRefused(ValueError):
    """An endpoint that nothing may be sent to; the text says why."""


class Endpoint(NamedTuple):
    """A URL taken apart: what to connect to, and what to ask for there."""

    scheme: str
    host: str
    port: int
    target: str

    def at(self, address: Address) -> str:
        """The URL with an address in place of the host's name."""
        shown = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
        return f"{self.scheme}://{shown}:{self.port}{self.target}"

    @property
    def authority(self) -> str:
        """Host and port, as the `Host` header says them."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return shown if self.port == usual else f"{shown}:{self.port}"


def endpoint(url: str, *, hosts: Collection[str] = (), local: bool = False) -> Endpoint:
    """The endpoint that a URL names. Raises `EndpointRefused`.

    `hosts`, where there are any, are the only ones allowed. `local` lets this machine be named, over plain http too.

    >>> endpoint("https://receiver.example/events").authority
    'receiver.example'
    >>> endpoint("http://receiver.example/events")
    Traceback (most recent call last):
    detector.signals.endpoints.EndpointRefused: must be an https URL: announcements say who holds what
    """
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".")
    here = _names_this_machine(host)
    if hosts and host not in hosts:
        raise EndpointRefused(f"{host} is not among the hosts that receivers may be sent to (signals.push_hosts)")
    if here and not (local or host in hosts):
        raise EndpointRefused("names this machine, which only the configuration may do")
    if parts.scheme != "https" and not (here and parts.scheme == "http"):
        raise EndpointRefused("must be an https URL: announcements say who holds what")
    port = _port(parts) or {"https": 443, "http": 80}[parts.scheme]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    made = Endpoint(parts.scheme, host, port, target)
    literal = _literal(host)
    if literal is not None:
        refuse(literal, local=here)
    return made


async def addresses(to: Endpoint) -> list[Address]:
    """The addresses an endpoint has now. Raises `EndpointRefused` if any may not be sent to, `OSError` for none."""
    literal = _literal(to.host)
    if literal is not None:
        found: list[Address] = [literal]
    else:
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
        found = [ip_address(answer[4][0]) for answer in answers]
    for address in found:
        refuse(address, local=_names_this_machine(to.host))
    return list(dict.fromkeys(found))


def refuse(address: Address, *, local: bool = False) -> None:
    """Raise `EndpointRefused` for an address that nothing may be sent to; this machine's own only where not `local`."""
    inner = _inner(address)
    if inner.is_loopback:
        if not local:
            raise EndpointRefused(f"{address} is this machine")
        return
    forbidden = inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner.is_reserved
    if forbidden or inner in METADATA:
        raise EndpointRefused(f"{address} is no address of a receiver (link-local, metadata, multicast or reserved)")


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise EndpointRefused("is not a URL")
    try:
        parts = urlsplit(url)
        _port(parts)
    except ValueError as error:
        raise EndpointRefused(f"is not a URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise EndpointRefused("must be an https URL: announcements say who holds what")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise EndpointRefused("may hold neither a user, a password nor a fragment")
    return parts


def _port(parts: SplitResult) -> int | None:
    return parts.port


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _names_this_machine(host: str) -> bool:
    literal = _literal(host)
    return host == LOCALHOST if literal is None else _inner(literal).is_loopback


def _inner(address: Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for, where it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address
